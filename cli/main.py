"""The command `holdfast`.

Exit codes: 0 well; 1 the system said no, or something is wrong with the data; 2 not done;
130 stopped by Ctrl-C.
"""

import logging
import sys
from collections.abc import Sequence

import typer

from cli.audit import audit_command
from cli.dead import dead_commands
from cli.errors import exit_code_of, explain
from cli.migrate import migrate_command
from cli.operator_roles import operator_commands
from cli.rebuild import rebuild_command
from cli.text import printable
from cli.trail import trail_command
from cli.verify import verify_command
from cli.wallet.commands import add_operator_commands, add_wallet_commands
from config.logging import configure_logging

_DATABASES = "The databases, by who runs them"
_OPERATORS = "Operators"


def build_app() -> typer.Typer:
    """The command line with all its commands."""
    app = typer.Typer(
        name="holdfast",
        help="Moves money between wallets on different databases, and never loses a cent.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
    )
    add_wallet_commands(app)
    app.command("migrate", rich_help_panel=_DATABASES)(migrate_command)
    app.command("audit", rich_help_panel=_DATABASES)(audit_command)
    app.command("verify", rich_help_panel=_DATABASES)(verify_command)
    app.command("rebuild", rich_help_panel=_DATABASES)(rebuild_command)
    app.add_typer(dead_commands(), name="dead", rich_help_panel=_DATABASES)
    operator = operator_commands()
    add_operator_commands(operator)
    app.add_typer(operator, name="operator", rich_help_panel=_OPERATORS)
    app.command("trail", rich_help_panel=_OPERATORS)(trail_command)
    return app


def run(args: Sequence[str] | None = None) -> int:
    """Runs a command and returns its exit code.

    Args:
        args: of the command; those of this process by default.
    """
    try:
        build_app()(args)
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except Exception as error:
        line = explain(error)
        if line is None:
            raise
        # In it may be what a gateway, a database or a stranger has said.
        print(f"holdfast: {printable(line)}", file=sys.stderr)
        return exit_code_of(error)
    return 0


def main() -> None:
    """Runs the command of this process's arguments, and ends the process with its exit code."""
    configure_logging(level="warning", format_="console")
    # The Kafka client tells each attempt of a wait; the command tells once what came of it.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    sys.exit(run())


if __name__ == "__main__":
    main()
