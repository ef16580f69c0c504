"""The past of a ledger follows from its shape alone, whoever writes which part of it."""

import dataclasses
from datetime import datetime
from uuid import UUID

import pytest

from bench.ledgers.history import History
from bench.ledgers.shape import LedgerShape
from bench.ledgers.users import make_users
from bench.ledgers.wallets import COLUMNS
from shards.entry_hash import FIRST_PREV_HASH, HashedEntry, entry_hash
from shards.ids import bucket_of, email_bucket, is_our_id

SHAPE = LedgerShape(shards=3, buckets=8, users=20, entries=220, seed=1)


def rows_of(shape, *shards):
    """The rows that some shards get, by shard and table."""
    history = History(shape, frozenset(shards))
    for _ in history.chunks():
        pass
    return {shard: dataclasses.asdict(rows) for shard, rows in history.rows.items()}


@pytest.fixture(scope="module")
def whole():
    return rows_of(SHAPE, 0, 1, 2)


def cells(rows, table):
    names = COLUMNS[table].split()
    lines = [line for shard in rows.values() for line in shard[table]]
    return [dict(zip(names, line.strip("\n").split("\t"), strict=True)) for line in lines]


def test_parts_make_up_the_whole(whole):
    assert rows_of(SHAPE, 0) | rows_of(SHAPE, 1, 2) == whole


def test_another_seed_is_another_ledger(whole):
    other = rows_of(dataclasses.replace(SHAPE, seed=2), 0, 1, 2)

    assert not {row["id"] for row in cells(other, "transfers")} & {
        row["id"] for row in cells(whole, "transfers")
    }


def test_there_are_as_many_rows_as_asked_for(whole):
    found = {table: len(cells(whole, table)) for table in COLUMNS}

    assert found == {
        "users": 20,
        "accounts": 20,
        "movements": 20,
        "transfers": 100,
        "verdicts": 100,
        "entries": 220,
        "outbox": 2 * 20 + 4 * 100,
    }


def test_users_are_where_their_email_puts_them():
    users = make_users(SHAPE)

    assert len({user.id for user in users}) == 20
    for user in users:
        assert user.bucket == bucket_of(user.id) == email_bucket(user.email, SHAPE.buckets)
        assert is_our_id(user.id, SHAPE.buckets)


def test_hashes_are_the_products(whole):
    heads: dict[UUID, bytes] = {}
    for row in cells(whole, "entries"):
        transfer, counterparty = (
            None if row[name] == "\\N" else UUID(row[name])
            for name in ("transfer_id", "counterparty_id")
        )
        entry = HashedEntry(
            user_id=UUID(row["user_id"]),
            currency=row["currency"],
            seq=int(row["seq"]),
            amount=int(row["amount"]),
            balance_after=int(row["balance_after"]),
            kind=row["kind"],
            transfer_id=transfer,
            counterparty_id=counterparty,
            at=datetime.fromisoformat(row["at"]),
            prev_hash=bytes.fromhex(row["prev_hash"].removeprefix(r"\\x")),
        )
        assert entry.prev_hash == heads.get(entry.user_id, FIRST_PREV_HASH)
        assert row["hash"] == rf"\\x{entry_hash(entry).hex()}"
        heads[entry.user_id] = entry_hash(entry)


@pytest.mark.parametrize(
    "change",
    [{"shards": 0}, {"shards": 9}, {"users": 1}, {"entries": 19}, {"entries": 221}],
)
def test_a_ledger_that_cannot_be_is_refused(change):
    with pytest.raises(ValueError, match=r"cannot share|are not one"):
        dataclasses.replace(SHAPE, **change)
