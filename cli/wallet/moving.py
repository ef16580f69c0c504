"""`holdfast deposit` and `withdraw`."""

from collections.abc import Awaitable, Callable

from cli.options import AsJson
from cli.wallet.asking import ask_as
from cli.wallet.options import (
    Amount,
    As,
    Currency,
    Gateway,
    Key,
    Metadata,
    Reason,
    key_of,
    metadata_of,
)
from cli.wallet.shown import json_of, keyed, print_facts, print_json
from cli.wallet.transfer_text import replay_note
from cli.wallet.users import Wallet, user_id_of
from client import Movement, Session


def deposit_command(  # noqa: PLR0913 - options of a command, by name
    amount: Amount,
    currency: Currency,
    *,
    key: Key = None,
    metadata: Metadata = None,
    wallet: Wallet = "",
    reason: Reason = "",
    email: As = "",
    gateway: Gateway = "",
    as_json: AsJson = False,
) -> None:
    """Puts money from outside into the wallet.

    Exits with 1 when it is refused.
    """
    key, about = key_of(key), metadata_of(metadata)

    async def deposit(session: Session) -> Movement:
        return await session.wallet.deposit(
            currency=currency, amount=amount, key=key, metadata=about, reason=reason or None
        )

    move = _in_wallet(wallet, deposit)
    _print(ask_as(move, email=email, gateway=gateway, key=key), "deposited", as_json=as_json)


def withdraw_command(  # noqa: PLR0913 - options of a command, by name
    amount: Amount,
    currency: Currency,
    *,
    key: Key = None,
    metadata: Metadata = None,
    wallet: Wallet = "",
    reason: Reason = "",
    email: As = "",
    gateway: Gateway = "",
    as_json: AsJson = False,
) -> None:
    """Takes money out of the wallet; what is held stays.

    Exits with 1 when it is refused.
    """
    key, about = key_of(key), metadata_of(metadata)

    async def withdraw(session: Session) -> Movement:
        return await session.wallet.withdraw(
            currency=currency, amount=amount, key=key, metadata=about, reason=reason or None
        )

    move = _in_wallet(wallet, withdraw)
    _print(ask_as(move, email=email, gateway=gateway, key=key), "withdrawn", as_json=as_json)


def _in_wallet(
    wallet: str, move: Callable[[Session], Awaitable[Movement]]
) -> Callable[[Session], Awaitable[Movement]]:
    """The same in another wallet, as an operator; in that of the login without one."""

    async def there(session: Session) -> Movement:
        return await move(session.of(await user_id_of(session, wallet)))

    return there if wallet else move


def _print(movement: Movement, verb: str, *, as_json: bool) -> None:
    if as_json:
        print_json(json_of(movement) | keyed(movement.answer))
        return
    print_facts(
        [
            (verb, f"{movement.amount} {movement.currency}{replay_note(movement.answer)}"),
            ("balance", f"{movement.balance_after} {movement.currency}"),
            ("id", movement.id),
            ("entry", movement.hash),
            ("key", movement.answer.key or ""),
        ]
    )
