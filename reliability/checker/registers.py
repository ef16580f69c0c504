"""Streams every user's events through the model, and holds accounts and reads against it."""

from collections.abc import AsyncIterator, Iterable
from itertools import groupby

from audit.reader import Row, ShardReader
from reliability.checker.findings import Findings
from reliability.checker.history import History
from reliability.checker.invariants import Invariant
from reliability.checker.ledger import SQL, Ledger
from reliability.checker.reads import Knowledge, check_reads
from reliability.checker.replay import Event, ReplayedAccount, ReplayedUser, replay


async def check_registers(history: History, ledger: Ledger, findings: Findings) -> None:
    """Replays one user after another, so that only one is in memory.

    Raises:
        UnreadableError: a shard stopped to answer.
    """
    knowledge = Knowledge(history, ledger)
    unread = set(history.balance_reads)
    unseen = {key for key, account in ledger.accounts.items() if account.version}
    for reader in ledger.readers:
        async for user, events in _by_user(reader):
            if events[0].sequence != 1:
                findings.cannot(f"the first events of {user} are gone: it cannot be replayed")
                unread = {key for key in unread if key[0] != user}
                unseen = {key for key in unseen if key[0] != user}
                continue
            replayed = replay(events)
            _check_entries(user, replayed, findings, shard=reader.shard.name)
            for currency, account in replayed.accounts.items():
                key = (user, currency)
                unread.discard(key)
                unseen.discard(key)
                _check_account(key, account, ledger, findings)
                reads = history.balance_reads.get(key, [])
                check_reads(key, account, reads, knowledge, findings, shard=reader.shard.name)
    for key in unseen:
        _check_account(key, ReplayedAccount(), ledger, findings)
    for key in unread:
        reads, shard = history.balance_reads[key], ledger.shard_of(key[0])
        check_reads(key, ReplayedAccount(), reads, knowledge, findings, shard=shard)


async def _by_user(reader: ShardReader) -> AsyncIterator[tuple[str, list[Event]]]:
    """Each user's events, complete, in their order."""
    pending: tuple[str, list[Event]] | None = None
    async for chunk in reader.chunks(SQL["stream_events"]):
        for user, rows in groupby(chunk, key=lambda row: row["user_id"]):
            events = _events(rows)
            if pending is not None and pending[0] == user:
                pending[1].extend(events)
                continue
            if pending is not None:
                yield pending
            pending = (user, events)
    if pending is not None:
        yield pending


def _events(rows: Iterable[Row]) -> list[Event]:
    return [
        Event(
            sequence=row["sequence"],
            transaction=row["transaction"],
            type=row["type"],
            source=row["source"],
            currency=row["currency"],
            amount=int(row["amount"]),
            entry_seq=row["entry_seq"],
            entry_amount=_int_or_none(row["entry_amount"]),
            balance_after=_int_or_none(row["balance_after"]),
        )
        for row in rows
    ]


def _int_or_none(text: str | None) -> int | None:
    return None if text is None or text == "NaN" else int(text)


def _check_entries(user: str, replayed: ReplayedUser, findings: Findings, *, shard: str) -> None:
    findings.examine(Invariant.REPLAY_ENTRIES)
    for fault in replayed.faults:
        findings.violated(
            Invariant.REPLAY_ENTRIES, user, expected="events that fit", found=fault, shard=shard
        )


def _check_account(
    key: tuple[str, str], account: ReplayedAccount, ledger: Ledger, findings: Findings
) -> None:
    findings.examine(Invariant.REPLAY_ACCOUNT)
    expected = (*account.last, account.seq, len(account.states) - 1)
    found = ledger.accounts.get(key)
    if found != expected:
        findings.violated(
            Invariant.REPLAY_ACCOUNT,
            " ".join(key),
            expected=f"balance, held, seq, version {expected}",
            found=f"{tuple(found) if found else 'no account'}",
            shard=ledger.shard_of(key[0]),
        )
