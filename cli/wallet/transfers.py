"""`holdfast transfers` and `transfer`."""

import json
from typing import Annotated

import typer

from cli.options import AsJson
from cli.text import printable
from cli.wallet.asking import ask_as
from cli.wallet.listing import LIMIT, MORE_NOTE, page_size, taken
from cli.wallet.options import All, As, Gateway, Limit, TransferId
from cli.wallet.shown import exactly_when, json_of, print_json, print_table, when
from cli.wallet.transfer_text import end_with, print_transfer
from client import Direction, ListedTransfer, Session, Transfer, TransferStatus


def transfers_command(  # noqa: PLR0913 - options of a command, by name
    *,
    direction: Annotated[Direction | None, typer.Option(help="Only these.")] = None,
    status: Annotated[TransferStatus | None, typer.Option(help="Only these.")] = None,
    limit: Limit = LIMIT,
    everything: All = False,
    email: As = "",
    gateway: Gateway = "",
    as_json: AsJson = False,
) -> None:
    """Lists what was sent and received, newest first."""

    async def look(session: Session) -> tuple[list[ListedTransfer], bool]:
        listing = session.transfers.list(
            direction=direction, status=status, limit=page_size(limit, everything=everything)
        )
        return await taken(listing, limit=limit, everything=everything)

    transfers, more = ask_as(look, email=email, gateway=gateway)
    if as_json:
        print_json([json_of(transfer) for transfer in transfers])
        return
    if not transfers:
        print("No such transfers.")
        return
    print_table(
        ("made (UTC)", "", ">amount", "", "status"),
        [_row(transfer) for transfer in transfers],
        ids=("transfer", "counterparty"),
    )
    if more:
        print(MORE_NOTE)


def transfer_command(
    transfer: TransferId,
    *,
    follow: Annotated[
        bool, typer.Option("--follow", help="Show each status as it comes, until the end.")
    ] = False,
    email: As = "",
    gateway: Gateway = "",
    as_json: AsJson = False,
) -> None:
    """Shows a transfer and when it came into each status.

    With --follow it exits with 1 when the transfer ends otherwise than completed; --json has a line
    for each status then.
    """
    if follow:
        _follow(transfer, email=email, gateway=gateway, as_json=as_json)
        return
    found = ask_as(lambda session: session.transfers.get(transfer), email=email, gateway=gateway)
    if as_json:
        print_json(json_of(found))
    else:
        print_transfer(found)


def _follow(transfer_id: str, *, email: str, gateway: str, as_json: bool) -> None:
    async def watch(session: Session) -> Transfer:
        last: Transfer | None = None
        async for shown in session.transfers.follow(transfer_id):
            _tell(shown, as_json=as_json)
            last = shown
        # Followed to its end by somebody else before, it tells nothing more.
        return last or await session.transfers.get(transfer_id)

    last = ask_as(
        watch,
        email=email,
        gateway=gateway,
        stopped=lambda: f"it goes on by itself: holdfast transfer {transfer_id} --follow",
    )
    if not as_json:
        print_transfer(last, with_times=False)
    end_with(last)


def _tell(shown: Transfer, *, as_json: bool) -> None:
    """One status, at once: who reads a pipe is told while it happens."""
    if as_json:
        print(json.dumps(json_of(shown)), flush=True)
        return
    reason = f"  ({printable(shown.reason)})" if shown.reason else ""
    print(f"{exactly_when(shown.updated_at)} UTC  {shown.status}{reason}", flush=True)


def _row(transfer: ListedTransfer) -> tuple[str, ...]:
    is_out = transfer.direction is Direction.OUT
    other = transfer.payee_id if is_out else transfer.payer_id
    return (
        when(transfer.created_at),
        transfer.direction,
        transfer.amount,
        transfer.currency,
        transfer.status,
        transfer.id,
        other or "nobody",
    )
