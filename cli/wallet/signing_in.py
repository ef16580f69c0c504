"""`holdfast register`, `login`, `logout`, `whoami`."""

import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from cli.errors import CommandError
from cli.options import AsJson
from cli.text import printable
from cli.wallet.asking import StoppedError, ask
from cli.wallet.gateway import Target, complete_email, find_target, stored_logins
from cli.wallet.logins import Login
from cli.wallet.options import Gateway
from cli.wallet.shown import Json, json_of, print_facts, print_json, print_table, when
from client import Holdfast, Token, User
from client.requests import time_text
from shards.ids import normalise_email

_Email = Annotated[str, typer.Argument(metavar="EMAIL", help="Your e-mail.")]
_KeptEmail = Annotated[
    str,
    typer.Argument(
        metavar="EMAIL",
        help="Of a stored login; the last one used, if left out.",
        autocompletion=complete_email,
        show_default=False,
    ),
]
_FromStdin = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from standard input.")
]


def register_command(
    email: _Email,
    *,
    name: Annotated[str, typer.Option("--name", help="Your name.")] = "",
    from_stdin: _FromStdin = False,
    gateway: Gateway = "",
    as_json: AsJson = False,
) -> None:
    """Registers a user; the password is asked for, and never an argument.

    Exits with 1 when the e-mail is taken or the gateway refuses what was given.
    """
    target = find_target(gateway, kept=stored_logins().all())
    password = _password(from_stdin=from_stdin, twice=True)
    user = ask(lambda holdfast: holdfast.register(email, password, name=name or None), target)
    if as_json:
        print_json(json_of(user))
        return
    print(printable(f"{user.email} is registered, with the id {user.id}."))
    print(printable(f"Next: {target.command(f'login {user.email}')}"))


def login_command(
    email: _Email,
    *,
    from_stdin: _FromStdin = False,
    gateway: Gateway = "",
    as_json: AsJson = False,
) -> None:
    """Logs in, and keeps the token for the commands that follow.

    Exits with 1 when e-mail or password is wrong.
    """
    logins = stored_logins()
    target = find_target(gateway, kept=logins.all())
    password = _password(from_stdin=from_stdin, twice=False)

    async def log_in(holdfast: Holdfast) -> tuple[User, Token]:
        token = await holdfast.token(email, password)
        return await holdfast.session("", token.access_token).me(), token

    user, token = ask(log_in, target)
    login = Login(
        gateway=target.url,
        # As it was asked for: shells complete it, and a gateway may say anything.
        email=normalise_email(email),
        user_id=user.id,
        token=token.access_token,
        expires_at=datetime.now(UTC) + timedelta(seconds=token.expires_in),
    )
    logins.put(login)
    if as_json:
        print_json(_shown(login))
        return
    print(f"Logged in as {login.email} on {login.gateway} until {when(login.expires_at)} UTC.")


def logout_command(
    email: _KeptEmail = "",
    *,
    everyone: Annotated[bool, typer.Option("--all", help="Forget every login.")] = False,
    gateway: Gateway = "",
    as_json: AsJson = False,
) -> None:
    """Forgets a login on this machine; its token ends by itself."""
    if email and everyone:
        raise CommandError("give an e-mail or --all, not both")
    logins = stored_logins()
    kept = logins.all()
    gone = list(kept) if everyone else [_chosen(kept, email=email, gateway=gateway)]
    logins.remove(gone)
    if as_json:
        print_json([_shown(login) for login in gone])
        return
    for login in gone:
        print(f"Logged out: {login.email} on {login.gateway}.")
    if not gone:
        print("Nobody was logged in.")


def whoami_command(gateway: Gateway = "", as_json: AsJson = False) -> None:
    """Shows the stored logins, first the one that the next command takes; asks no gateway.

    Exits with 2 when nobody is logged in.
    """
    kept = stored_logins().all()
    if not kept:
        raise CommandError("nobody is logged in: holdfast login EMAIL")
    target = find_target(gateway, kept=kept)
    current = next((login for login in kept if login.gateway == target.url), None)
    if as_json:
        print_json([_shown(one) | {"current": one is current} for one in kept])
    else:
        _print_logins(kept=kept, current=current, target=target)
    if current is None:
        raise CommandError(f"not logged in on {target.url}: {target.command('login EMAIL')}")


def _print_logins(*, kept: Sequence[Login], current: Login | None, target: Target) -> None:
    print_facts(
        [
            ("gateway", target.url),
            ("login", "none" if current is None else current.email),
            ("user id", "" if current is None else current.user_id),
        ]
    )
    print()
    print_table(
        ("", "e-mail", "gateway", "until (UTC)"),
        [
            (
                "*" if login is current else "",
                login.email,
                login.gateway,
                "has ended" if login.has_ended else when(login.expires_at),
            )
            for login in kept
        ],
    )


def _chosen(kept: Sequence[Login], *, email: str, gateway: str) -> Login:
    """The login to forget; one that has ended is one, too."""
    wanted = normalise_email(email)
    fitting = [one for one in kept if wanted in ("", one.email)]
    target = find_target(gateway, kept=fitting or kept)
    for login in fitting:
        if login.gateway == target.url:
            return login
    raise CommandError(f"not logged in{' as ' + wanted if wanted else ''} on {target.url}")


def _password(*, from_stdin: bool, twice: bool) -> str:
    if from_stdin:
        password = sys.stdin.readline().rstrip("\r\n")
        if not password:
            raise CommandError("--password-stdin: there is no password on standard input")
        return password
    if not sys.stdin.isatty():
        raise CommandError("there is no terminal to ask for the password: give --password-stdin")
    try:
        given = typer.prompt("Password", hide_input=True, confirmation_prompt=twice, err=True)
    except typer.Abort:
        raise StoppedError("stopped") from None
    return str(given)


def _shown(login: Login) -> Json:
    """A login without its token."""
    return {
        "gateway": login.gateway,
        "email": login.email,
        "user_id": login.user_id,
        "expires_at": time_text(login.expires_at),
    }
