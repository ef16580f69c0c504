"""`holdfast send`, `cancel`, `refund`."""

from typing import Annotated

import typer

from cli.options import AsJson
from cli.wallet.asking import ask_as
from cli.wallet.gateway import complete_email
from cli.wallet.options import (
    Amount,
    As,
    Currency,
    ExpiresInS,
    Gateway,
    Key,
    Metadata,
    PartAmount,
    Payee,
    Reason,
    TransferId,
    Wait,
    key_of,
    metadata_of,
)
from cli.wallet.shown import json_of, print_json
from cli.wallet.transfer_text import Made, print_made, print_transfer
from client import Session

_Payer = Annotated[
    str,
    typer.Argument(
        metavar="PAYER", help="The e-mail of a stored login.", autocompletion=complete_email
    ),
]


def send_command(  # noqa: PLR0913 - options of a command, by name
    payer: _Payer,
    payee: Payee,
    amount: Amount,
    currency: Currency,
    *,
    wait: Wait = True,
    key: Key = None,
    expires_in_s: ExpiresInS = None,
    metadata: Metadata = None,
    gateway: Gateway = "",
    as_json: AsJson = False,
) -> None:
    """Sends money to another user, and waits for the end of the transfer.

    Exits with 1 when it is refused or ends otherwise than completed, and with 2 when it is not over
    after 30 seconds; it goes on by itself then.
    """
    made, about = Made(key=key_of(key)), metadata_of(metadata)

    async def send(session: Session) -> None:
        made.first = await session.transfers.create(
            to=payee,
            currency=currency,
            amount=amount,
            key=made.key,
            metadata=about,
            expires_in_s=expires_in_s,
        )
        await made.follow_up(session, wait=wait)

    ask_as(send, email=payer, gateway=gateway, key=made.key, stopped=made.stopped)
    print_made(made, waited=wait, as_json=as_json)


def cancel_command(
    transfer: TransferId, *, email: As = "", gateway: Gateway = "", as_json: AsJson = False
) -> None:
    """Cancels a transfer whose money is still held, as its payer.

    Exits with 1 when it is too late.
    """
    ended = ask_as(lambda session: session.transfers.cancel(transfer), email=email, gateway=gateway)
    if as_json:
        print_json(json_of(ended))
    else:
        print_transfer(ended)


def refund_command(  # noqa: PLR0913 - options of a command, by name
    transfer: TransferId,
    amount: PartAmount = "",
    *,
    wait: Wait = True,
    key: Key = None,
    reason: Reason = "",
    email: As = "",
    gateway: Gateway = "",
    as_json: AsJson = False,
) -> None:
    """Gives a completed transfer back, or a part of it, as its payee or as an operator.

    Exits with 1 when it is refused or ends otherwise than completed, and with 2 when it is not over
    after 30 seconds; it goes on by itself then.
    """
    made = Made(key=key_of(key))

    async def refund(session: Session) -> None:
        made.first = await session.transfers.refund(
            transfer, amount=amount or None, key=made.key, reason=reason or None
        )
        await made.follow_up(session, wait=wait)

    ask_as(refund, email=email, gateway=gateway, key=made.key, stopped=made.stopped)
    print_made(made, waited=wait, as_json=as_json)
