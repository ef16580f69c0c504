"""The one read of a step: what it is about, and the accounts, in one statement after its locks.

What is read here is what a step decides on: only rows of users that the transaction has locked.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from shards.book import Account, Book
from shards.connection import Connection, Row
from shards.keys import KeyOf, KeyOwner, UsedKey
from shards.statements import load_statements
from shards.transfers import Transfer, transfer_from_row
from shards.users import LockedUser
from shards.verdicts import Verdict, verdict_from_row

_SQL = load_statements("opening")

Users = Mapping[UUID, LockedUser]


@dataclass(frozen=True, slots=True, kw_only=True)
class Keyed:
    """What requests with keys are decided on.

    Attributes:
        book: the accounts they are about.
        used: the keys that have been used, and for what.
        open: how many transfers of each wallet are open, counted up to a bound.
    """

    book: Book
    used: dict[KeyOf, UsedKey]
    open: dict[UUID, int]


async def open_keyed(
    conn: Connection, users: Users, asked: Sequence[tuple[KeyOf, str]], *, count_max: int
) -> Keyed:
    """Reads what these keys were used for, their wallets' accounts, and what they have open.

    Args:
        conn: inside the transaction that holds the locks.
        users: what `lock_users` returned.
        asked: key and currency of each request, for wallets among `users`.
        count_max: open transfers of a wallet are counted so far and no further.
    """
    rows = await conn.fetch(
        _SQL["open_keyed"],
        [key.wallet_id for key, _ in asked],
        [key.caller for key, _ in asked],
        [key.key for key, _ in asked],
        [currency for _, currency in asked],
        count_max,
    )
    found = [row for row in rows if row["wallet_id"] is not None]
    return Keyed(
        book=Book(
            now=rows[0]["now"],
            users=users,
            accounts=_accounts(found, lambda row: (row["wallet_id"], row["currency"])),
        ),
        used={
            KeyOf(row["wallet_id"], row["caller"], row["key"]): used
            for row in found
            if (used := _used(row)) is not None
        },
        open={row["wallet_id"]: row["open"] for row in found},
    )


async def open_sides(
    conn: Connection,
    users: Users,
    *,
    transfers: Collection[tuple[UUID, UUID]],
    verdicts: Sequence[tuple[UUID, UUID, str]],
) -> tuple[Book, dict[UUID, Transfer], dict[UUID, Verdict]]:
    """Reads transfers and verdicts that stand, with the accounts of their payers and payees.

    Args:
        conn: inside the transaction that holds the locks.
        users: what `lock_users` returned.
        transfers: (transfer id, payer id) pairs of payers among `users`. A transfer that has
            another payer is left out: nobody has locked it.
        verdicts: transfer id, payee id and currency of each; a payee that is not among `users` does
            not exist, and has no account.
    """
    paid: Sequence[Row] = ()
    judged: Sequence[Row] = ()
    if verdicts:
        judged = await conn.fetch(_SQL["open_verdicts"], *map(list, zip(*verdicts, strict=True)))
    if transfers or not verdicts:
        paid = await conn.fetch(_SQL["open_transfers"], [id_ for id_, _ in transfers])
    mine = [row for row in paid if (row["id"], row["payer_id"]) in transfers]
    accounts = _accounts(mine, lambda row: (row["payer_id"], row["currency"]))
    accounts |= _accounts(judged, lambda row: (row["asked_payee_id"], row["asked_currency"]))
    book = Book(now=(paid or judged)[0]["now"], users=users, accounts=accounts)
    given = [row for row in judged if row["transfer_id"] is not None]
    return (
        book,
        {row["id"]: transfer_from_row(row) for row in mine},
        {row["transfer_id"]: verdict_from_row(row) for row in given},
    )


def _accounts(
    rows: Sequence[Row], whose: Callable[[Row], tuple[UUID, str]]
) -> dict[tuple[UUID, str], Account]:
    accounts = {}
    for row in rows:
        if row["version"] is not None:
            user_id, currency = key = whose(row)
            accounts[key] = Account.from_row(row, user_id=user_id, currency=currency)
    return accounts


def _used(row: Row) -> UsedKey | None:
    if row["transfer_id"] is not None:
        return UsedKey(KeyOwner.TRANSFER, row["transfer_id"], row["transfer_fingerprint"])
    if row["movement_id"] is not None:
        return UsedKey(KeyOwner.MOVEMENT, row["movement_id"], row["movement_fingerprint"])
    return None
