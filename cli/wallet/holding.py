"""`holdfast hold`, `holds`, `capture`, `void`."""

from typing import Annotated

import typer

from cli.options import AsJson
from cli.wallet.asking import ask_as
from cli.wallet.listing import LIMIT, MORE_NOTE, page_size, taken
from cli.wallet.options import (
    All,
    Amount,
    As,
    Currency,
    ExpiresInS,
    Gateway,
    HoldId,
    Key,
    Limit,
    Metadata,
    PartAmount,
    Payee,
    Reason,
    Wait,
    key_of,
    metadata_of,
)
from cli.wallet.shown import json_of, keyed, print_facts, print_json, print_table, when
from cli.wallet.transfer_text import Made, print_made, replay_note
from client import Hold, HoldStatus, Session


def hold_command(  # noqa: PLR0913 - options of a command, by name
    payee: Payee,
    amount: Amount,
    currency: Currency,
    *,
    key: Key = None,
    expires_in_s: ExpiresInS = None,
    metadata: Metadata = None,
    email: As = "",
    gateway: Gateway = "",
    as_json: AsJson = False,
) -> None:
    """Reserves money for a payee, to be captured later; nothing moves yet.

    Exits with 1 when it is refused.
    """
    key, about = key_of(key), metadata_of(metadata)
    hold = ask_as(
        lambda session: session.holds.create(
            to=payee,
            currency=currency,
            amount=amount,
            key=key,
            metadata=about,
            expires_in_s=expires_in_s,
        ),
        email=email,
        gateway=gateway,
        key=key,
    )
    if as_json:
        print_json(json_of(hold) | keyed(hold.answer))
        return
    _print(hold, note=replay_note(hold.answer))
    print_facts([("key", key)])


def holds_command(
    *,
    status: Annotated[HoldStatus | None, typer.Option(help="Only these.")] = None,
    limit: Limit = LIMIT,
    everything: All = False,
    email: As = "",
    gateway: Gateway = "",
    as_json: AsJson = False,
) -> None:
    """Lists the holds that the wallet pays, newest first."""

    async def look(session: Session) -> tuple[list[Hold], bool]:
        size = page_size(limit, everything=everything)
        listing = session.holds.list(status=status, limit=size)
        return await taken(listing, limit=limit, everything=everything)

    holds, more = ask_as(look, email=email, gateway=gateway)
    if as_json:
        print_json([json_of(hold) for hold in holds])
        return
    if not holds:
        print("No such holds.")
        return
    print_table(
        ("expires (UTC)", ">amount", ">captured", ">remaining", "", "status"),
        [_row(hold) for hold in holds],
        ids=("hold", "payee"),
    )
    if more:
        print(MORE_NOTE)


def capture_command(  # noqa: PLR0913 - options of a command, by name
    hold: HoldId,
    amount: PartAmount = "",
    *,
    keep_open: Annotated[
        bool, typer.Option("--keep-open", help="Leave the rest held, to be captured later.")
    ] = False,
    wait: Wait = True,
    key: Key = None,
    email: As = "",
    gateway: Gateway = "",
    as_json: AsJson = False,
) -> None:
    """Takes what was held, or a part of it; the last capture frees the rest.

    Exits with 1 when it is refused or ends otherwise than completed, and with 2 when it is not over
    after 30 seconds; it goes on by itself then.
    """
    made = Made(key=key_of(key))

    async def capture(session: Session) -> None:
        made.first = await session.holds.capture(
            hold, amount=amount or None, final=False if keep_open else None, key=made.key
        )
        await made.follow_up(session, wait=wait)

    ask_as(capture, email=email, gateway=gateway, key=made.key, stopped=made.stopped)
    print_made(made, waited=wait, as_json=as_json)


def void_command(
    hold: HoldId,
    *,
    reason: Reason = "",
    email: As = "",
    gateway: Gateway = "",
    as_json: AsJson = False,
) -> None:
    """Lets go of what is left of a hold, as its payee or as an operator.

    Exits with 1 when it is over already.
    """
    voided = ask_as(
        lambda session: session.holds.void(hold, reason=reason or None),
        email=email,
        gateway=gateway,
    )
    if as_json:
        print_json(json_of(voided))
    else:
        _print(voided)


def _print(hold: Hold, *, note: str = "") -> None:
    print_facts(
        [
            ("hold", hold.id + note),
            ("status", hold.status),
            ("amount", f"{hold.amount} {hold.currency}"),
            ("captured", f"{hold.captured} {hold.currency}"),
            ("remaining", f"{hold.remaining} {hold.currency}"),
            ("payer", hold.payer_id),
            ("payee", hold.payee_id or "nobody"),
            ("expires", f"{when(hold.expires_at)} UTC"),
            *(("metadata", f"{name}={text}") for name, text in hold.metadata.items()),
        ]
    )


def _row(hold: Hold) -> tuple[str, ...]:
    return (
        when(hold.expires_at),
        hold.amount,
        hold.captured,
        hold.remaining,
        hold.currency,
        hold.status,
        hold.id,
        hold.payee_id or "nobody",
    )
