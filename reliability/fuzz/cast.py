"""Who asks, and what there is to ask for: a small world in which nothing moves by itself."""

import secrets
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from client import Holdfast, Session
from shards.records import record

_PASSWORD: Final = "correct horse battery"  # noqa: S105 - of users who live for one run
_OVER_S = 30.0
_PAYEES = frozenset({"create_refund", "void_hold"})


@record
class Cast:
    """Who takes part, and the ids of what there is.

    Attributes:
        payer: the token of who has the wallet.
        payee: the token of who is paid.
        operator: the token of one who may do whatever operators do.
        there: what each part of a path may be, by its name.
    """

    payer: str
    payee: str
    operator: str
    there: Mapping[str, str]

    def asks(self, operation: str, *, tag: str) -> str:
        """The token of who has most to say in an operation: nothing is refused for who asks."""
        if tag == "Operators":
            return self.operator
        return self.payee if operation in _PAYEES else self.payer


async def prepare(gateway: str, make_operator: Callable[[str, str], Awaitable[None]]) -> Cast:
    """Registers who takes part, moves some money, and leaves nothing under way but a hold.

    Args:
        gateway: its address.
        make_operator: makes an operator of the user with this id and e-mail.

    Raises:
        client.ClientError: the gateway did not do all of it.
    """
    async with Holdfast(gateway) as holdfast:
        payer, payee = await _user(holdfast), await _user(holdfast)
        email = _email()
        user = await holdfast.register(email, _PASSWORD)
        await make_operator(user.id, email)
        operator = await holdfast.login(email, _PASSWORD)
        there = await _stage(payer, payee)
    return Cast(payer=payer.token, payee=payee.token, operator=operator.token, there=there)


async def _user(holdfast: Holdfast) -> Session:
    email = _email()
    await holdfast.register(email, _PASSWORD)
    return await holdfast.login(email, _PASSWORD)


async def _stage(payer: Session, payee: Session) -> dict[str, str]:
    await payer.wallet.deposit(currency="EUR", amount="1000.00")
    made = await payer.transfers.create(to=payee.user_id, currency="EUR", amount="10.00")
    transfer = await payer.transfers.wait(made.id, within_s=_OVER_S)
    hold = await payer.holds.create(to=payee.user_id, currency="EUR", amount="10.00")
    entries = [entry async for entry in payer.entries.list()]
    return {
        "user_id": payer.user_id,
        "transfer_id": transfer.id,
        "hold_id": hold.id,
        "hash": entries[0].hash,
        "currency": "EUR",
        "code": "EUR",
        "file": "begin.js",
    }


def _email() -> str:
    return f"fuzz-{secrets.token_hex(8)}@example.com"
