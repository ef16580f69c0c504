"""The command `holdfast`. Exit codes: 0 well, 1 something is wrong with the data, 2 not done."""

import logging
import sys

import typer

from cli.audit import audit_command
from cli.dead import dead_commands
from cli.errors import explain
from cli.migrate import migrate_command
from cli.operator_roles import operator_commands
from cli.rebuild import rebuild_command
from cli.trail import trail_command
from cli.verify import verify_command
from config.logging import configure_logging

EXIT_NOT_DONE = 2


def build_app() -> typer.Typer:
    """The command line with all its commands."""
    app = typer.Typer(
        name="holdfast",
        help="Moves money between wallets on different databases, and never loses a cent.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
    )
    app.command("migrate")(migrate_command)
    app.command("audit")(audit_command)
    app.command("verify")(verify_command)
    app.command("rebuild")(rebuild_command)
    app.add_typer(dead_commands(), name="dead")
    app.add_typer(operator_commands(), name="operator")
    app.command("trail")(trail_command)
    return app


def main() -> None:
    """Runs the command of this process's arguments, and ends the process with its exit code."""
    configure_logging(level="warning", format_="console")
    # The Kafka client tells each attempt of a wait; the command tells once what came of it.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    try:
        build_app()()
    except Exception as error:
        line = explain(error)
        if line is None:
            raise
        print(f"holdfast: {line}", file=sys.stderr)
        sys.exit(EXIT_NOT_DONE)


if __name__ == "__main__":
    main()
