"""Arguments and options that several commands of a wallet have."""

import re
from datetime import UTC, datetime
from typing import Annotated

import typer

from cli.errors import CommandError
from cli.options import said
from cli.wallet.gateway import complete_email
from client.requests import new_key

_KEY_LENGTH_MAX = 255
_VISIBLE = re.compile("[!-~]+")


def _time(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no time such as 2026-01-31T12:00") from None
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at


def key_of(key: str | None) -> str:
    """The idempotency key that was given; a new one where none was.

    Raises:
        typer.BadParameter: it is none, or empty, as that of a variable that is not set.
    """
    if key is None:
        return new_key()
    if len(key) > _KEY_LENGTH_MAX or _VISIBLE.fullmatch(key) is None:
        raise typer.BadParameter(
            f"1 to {_KEY_LENGTH_MAX} visible characters of ASCII; is its variable set?",
            param_hint="--key",
        )
    return key


def _reason(text: str) -> str:
    return said(text) if text else ""


Gateway = Annotated[
    str, typer.Option("--gateway", metavar="URL", help="Of the gateway, if it is another.")
]
As = Annotated[
    str,
    typer.Option(
        "--as",
        metavar="EMAIL",
        help="With this login, instead of the one that was used last.",
        autocompletion=complete_email,
    ),
]
Key = Annotated[
    str | None,
    typer.Option("--key", help="Idempotency key: a repeat with it has no second effect."),
]
Wait = Annotated[bool, typer.Option("--wait/--no-wait", help="Until the transfer is over.")]
Reason = Annotated[
    str, typer.Option("--reason", callback=_reason, help="For the trail, where it is an act.")
]
Amount = Annotated[str, typer.Argument(metavar="AMOUNT", help="In major units, such as 12.50.")]
PartAmount = Annotated[
    str, typer.Argument(metavar="AMOUNT", help="All there is, if left out.", show_default=False)
]
Currency = Annotated[str, typer.Argument(metavar="CURRENCY", help="A code, such as EUR.")]
Payee = Annotated[str, typer.Argument(metavar="PAYEE", help="An e-mail or a user id.")]
TransferId = Annotated[str, typer.Argument(metavar="TRANSFER", help="Id of a transfer.")]
HoldId = Annotated[str, typer.Argument(metavar="HOLD", help="Id of a hold.")]
Metadata = Annotated[
    list[str] | None,
    typer.Option("--metadata", metavar="NAME=TEXT", help="Kept with it; may be repeated."),
]
ExpiresInS = Annotated[
    int | None,
    typer.Option("--expires-in", metavar="SECONDS", min=1, help="When it is too late for it."),
]
Limit = Annotated[int, typer.Option("--limit", min=1, help="So many at the most.")]
All = Annotated[bool, typer.Option("--all", help="All of them, whatever --limit says.")]
Time = Annotated[
    datetime | None,
    typer.Option(parser=_time, metavar="TIME", help="In UTC, unless it has an offset."),
]


def metadata_of(given: list[str] | None) -> dict[str, str] | None:
    """The metadata of these `NAME=TEXT`; None for none.

    Raises:
        CommandError: one of them is none, or a name comes twice.
    """
    pairs = [text.partition("=") for text in given or ()]
    found = {name: value for name, _, value in pairs}
    if len(found) < len(pairs) or not all(name and equals for name, equals, _ in pairs):
        raise CommandError("--metadata is NAME=TEXT, each name once")
    return found or None
