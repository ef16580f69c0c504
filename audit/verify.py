"""Walks the chains of all shards, in the order of their indexes, in one snapshot per shard.

A snapshot has whole transactions, and each writes an entry and its account together: so whatever
moves meanwhile, a chain in it is right, and ends where its account says.
Rows come through a cursor, some thousands at a time: memory does not grow with the ledger.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from functools import partial
from uuid import UUID

from audit.chain import (
    START,
    AccountRow,
    ActRow,
    EntryRow,
    Link,
    account_flaws,
    act_flaws,
    act_link,
    entry_flaws,
    entry_link,
    missing_account,
)
from audit.findings import Findings
from audit.placement import require_identity
from audit.reader import CHUNK_ROWS, Row, ShardReader, UnreadableError, open_reader
from audit.report import AuditedShard
from audit.statements import load_blocks
from audit.verified import Kind, RowId, ShardTally, Told, Verified

_SQL = load_blocks("chain")
_FIRST_ID = UUID(int=0)
_LAST_ID = UUID(int=2**128 - 1)

_Ends = dict[tuple[str, str], Link]


async def verify(
    shards: Sequence[AuditedShard], *, buckets: int, user_id: UUID | None, told: Told
) -> Verified:
    """Computes every hash of the shards anew, and compares what stands on it; changes nothing.

    Args:
        shards: those to read; all of them, or some.
        buckets: of the whole system.
        user_id: only the entries and accounts of this user, and no acts; None for all.
        told: is told how far it is.

    Returns:
        What was found. A shard that does not answer is in `lost`; it raises nothing.
    """
    findings = Findings()
    tallies = [ShardTally(shard.name, told) for shard in shards]

    async def verify_one(shard: AuditedShard, tally: ShardTally) -> None:
        try:
            reader = await open_reader(shard)
            try:
                await require_identity(reader, buckets=buckets)
                await _verify_shard(reader, tally, user_id=user_id)
            finally:
                await reader.close()
        except UnreadableError as error:
            findings.lose(error)

    async with asyncio.TaskGroup() as tasks:
        for shard, tally in zip(shards, tallies, strict=True):
            tasks.create_task(verify_one(shard, tally))
    return Verified(shards=tuple(tallies), lost=findings.unaudited)


async def _verify_shard(reader: ShardReader, tally: ShardTally, *, user_id: UUID | None) -> None:
    await reader.tune(_SQL["walk_in_order"])
    if user_id is not None and not await reader.rows(_SQL["find_user"], user_id):
        raise UnreadableError(reader.shard.name, f"has no user {user_id}")
    low, high = (_FIRST_ID, _LAST_ID) if user_id is None else (user_id, user_id)
    (counted,) = await reader.rows(_SQL["count_links"], low, high)
    tally.expect(counted["entries"] + (counted["acts"] if user_id is None else 0))
    await _verify_entries(reader, tally, low=low, high=high)
    if user_id is None:
        await _verify_acts(reader, tally)
    tally.finished = True


async def _verify_entries(reader: ShardReader, tally: ShardTally, *, low: UUID, high: UUID) -> None:
    """Every chain of entries, and where it ends: users come in the order of their ids."""
    ends: _Ends = {}
    async for rows in reader.chunks(_SQL["entries_in_order"], low, high):
        _walk(rows, ends, tally)
        tally.entries += len(rows)
        tally.tell()
        # Its next entries may be in the next chunk; all users before it are complete.
        last = UUID(rows[-1][0])
        if low < last:
            await _compare(reader, ends, tally, low=low, high=UUID(int=last.int - 1))
            low = last
    await _compare(reader, ends, tally, low=low, high=high)


def _walk(rows: Sequence[Row], ends: _Ends, tally: ShardTally) -> None:
    for row in rows:
        entry = EntryRow._make(row)
        chain = entry.user_id, entry.currency
        tally.note(
            entry_flaws(entry, ends.get(chain, START)),
            partial(_of_account, Kind.ENTRY, *chain, entry.seq),
        )
        ends[chain] = entry_link(entry)


async def _compare(
    reader: ShardReader, ends: _Ends, tally: ShardTally, *, low: UUID, high: UUID
) -> None:
    """Compares accounts with where their chains ended, and forgets those ends."""
    async for row in _accounts(reader, low, high):
        account = AccountRow._make(row)
        chain = account.user_id, account.currency
        tally.accounts += 1
        tally.note(
            account_flaws(account, ends.pop(chain, START)),
            partial(_of_account, Kind.ACCOUNT, *chain, None),
        )
    # The text of ids sorts as they do.
    for chain in [chain for chain in ends if chain[0] <= str(high)]:
        tally.note(
            [missing_account(ends.pop(chain))], partial(_of_account, Kind.ACCOUNT, *chain, None)
        )


async def _accounts(reader: ShardReader, low: UUID, high: UUID) -> AsyncIterator[Row]:
    """Accounts of users from `low` to `high`, by pages: each cursor would stay open to the end."""
    user_id, currency = str(low), ""
    while True:
        rows = await reader.rows(_SQL["accounts_after"], user_id, high, currency, CHUNK_ROWS)
        for row in rows:
            yield row
        if len(rows) < CHUNK_ROWS:
            return
        user_id, currency = rows[-1][0], rows[-1][1]


async def _verify_acts(reader: ShardReader, tally: ShardTally) -> None:
    """The trail of each bucket."""
    ends: dict[int, Link] = {}
    async for rows in reader.chunks(_SQL["acts_in_order"]):
        for row in rows:
            act = ActRow._make(row)
            tally.note(
                act_flaws(act, ends.get(act.bucket, START)),
                partial(RowId, kind=Kind.ACT, bucket=act.bucket, seq=act.seq),
            )
            ends[act.bucket] = act_link(act)
        tally.acts += len(rows)
        tally.tell()


def _of_account(kind: Kind, user_id: str, currency: str, seq: int | None) -> RowId:
    return RowId(kind=kind, user_id=user_id, currency=currency, seq=seq)
