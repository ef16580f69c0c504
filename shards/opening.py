"""The one read of a step: what it is about, and the accounts, in one statement.

What is read here is what a step decides on: rows of users that the transaction has locked, or else
of users who must not have changed when it is written (`shards.writes`).
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from shards.book import Book
from shards.book_rows import Account
from shards.connection import Connection, Row
from shards.holds import Hold, hold_from_row
from shards.keys import KeyOf, KeyOwner, UsedKey
from shards.statements import load_statements
from shards.transfers import Transfer, transfer_from_row
from shards.users import LockedUser, UserStatus
from shards.verdicts import Verdict, verdict_from_row

_SQL = load_statements("opening")

Users = Mapping[UUID, LockedUser]


@dataclass(frozen=True, slots=True, kw_only=True)
class Keyed:
    """What requests with keys are decided on.

    Attributes:
        book: the accounts they are about.
        users: the owners of those of their wallets that exist.
        used: the keys that have been used, and for what.
        open: how many transfers of each wallet are open, counted up to a bound.
    """

    book: Book
    users: Users
    used: dict[KeyOf, UsedKey]
    open: dict[UUID, int]


async def open_keyed(
    conn: Connection, locked: Users | None, asked: Sequence[tuple[KeyOf, str]], *, count_max: int
) -> Keyed:
    """Reads what these keys were used for, their wallets' accounts, and what they have open.

    Args:
        conn: inside the transaction that holds the locks, or, without any, in none.
        locked: what `lock_users` returned, or None, as in `open_sides`.
        asked: key and currency of each request, for wallets among `locked` if that is given.
        count_max: open transfers of a wallet are counted so far and no further.
    """
    # Counted once for each wallet, with the last of its requests; the others have zero.
    last = {key.wallet_id: number for number, (key, _) in enumerate(asked)}
    rows = await conn.fetch(
        _SQL["open_keyed"],
        [key.wallet_id for key, _ in asked],
        [key.caller for key, _ in asked],
        [key.key for key, _ in asked],
        [currency for _, currency in asked],
        [last[key.wallet_id] == number for number, (key, _) in enumerate(asked)],
        count_max,
    )
    found = [row for row in rows if row["wallet_id"] is not None]
    users = locked if locked is not None else _users(found)
    return Keyed(
        users=users,
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
        open=_most(found),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Sides:
    """What steps of transfers are decided on.

    Attributes:
        book: the accounts of their payers and payees.
        users: those payers and payees that exist.
        transfers: by id.
        verdicts: those that stand, by transfer id.
    """

    book: Book
    users: Users
    transfers: dict[UUID, Transfer]
    verdicts: dict[UUID, Verdict]


async def open_sides(
    conn: Connection,
    locked: Users | None,
    *,
    transfers: Collection[tuple[UUID, UUID]],
    verdicts: Sequence[tuple[UUID, UUID, str]],
) -> Sides:
    """Reads transfers and verdicts that stand, with the accounts of their payers and payees.

    Args:
        conn: inside the transaction that holds the locks, or, without any, in none.
        locked: what `lock_users` returned; nobody else counts as a user, however young the read.
            None when nothing is locked: then what is decided may only be written with
            `write_unless_changed`.
        transfers: (transfer id, payer id) pairs. A transfer that has another payer is left out.
        verdicts: transfer id, payee id and currency of each; a payee that does not exist has no
            account.
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
    users = locked if locked is not None else _users([*judged, *mine])
    given = [row for row in judged if row["transfer_id"] is not None]
    return Sides(
        book=Book(now=(paid or judged)[0]["now"], users=users, accounts=accounts),
        users=users,
        transfers={row["id"]: transfer_from_row(row) for row in mine},
        verdicts={row["transfer_id"]: verdict_from_row(row) for row in given},
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedHolds:
    """What the ends of holds are decided on: the holds by id, their payers and accounts."""

    book: Book
    holds: dict[UUID, Hold]


async def open_holds(
    conn: Connection, locked: Users, asked: Collection[tuple[UUID, UUID]]
) -> OpenedHolds:
    """Reads holds, with the accounts of their payers.

    Args:
        conn: inside the transaction that holds the locks.
        locked: what `lock_users` returned.
        asked: (hold id, payer id) pairs. A hold that has another payer is left out.
    """
    rows = await conn.fetch(_SQL["open_holds"], [id_ for id_, _ in asked])
    mine = [row for row in rows if (row["id"], row["payer_id"]) in asked]
    accounts = _accounts(mine, lambda row: (row["payer_id"], row["currency"]))
    return OpenedHolds(
        book=Book(now=rows[0]["now"], users=locked, accounts=accounts),
        holds={row["id"]: hold_from_row(row) for row in mine},
    )


def _users(rows: Sequence[Row]) -> dict[UUID, LockedUser]:
    users: dict[UUID, LockedUser] = {}
    for row in rows:
        user_id = row["user_id"]
        # As it was read first: one that has changed between two reads has changed.
        if user_id is not None and user_id not in users:
            status = UserStatus(row["user_status"])
            users[user_id] = LockedUser(user_id, status, row["event_sequence"])
    return users


def _most(rows: Sequence[Row]) -> dict[UUID, int]:
    counted: dict[UUID, int] = {}
    for row in rows:
        counted[row["wallet_id"]] = max(row["open"], counted.get(row["wallet_id"], 0))
    return counted


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
    if row["hold_id"] is not None:
        return UsedKey(KeyOwner.HOLD, row["hold_id"], row["hold_fingerprint"])
    return None
