"""What a book comes to: its rows as parts of the one statement that writes a transaction."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from shards.book_rows import CONTRA_OF, Account, BookError, Entry, Event
from shards.ids import bucket_of
from shards.statements import load_statements
from shards.writes import Write

_SQL = load_statements("book_writes")


def account_writes(accounts: Collection[Account]) -> list[Write]:
    """Changed accounts, each with the version after the one it was read with."""
    known = [account for account in accounts if account.version]
    new = [account for account in accounts if not account.version]
    writes = []
    if known:
        writes.append(_write("update_accounts", _SQL["update_accounts"], _account_columns(known)))
    if new:
        columns = (*_account_columns(new), [bucket_of(account.user_id) for account in new])
        writes.append(_write("insert_accounts", _SQL["insert_accounts"], columns))
    return writes


def entry_writes(entries: Sequence[Entry]) -> list[Write]:
    """Entries, which are never changed."""
    if not entries:
        return []
    columns = (
        [e.user_id for e in entries],
        [e.currency for e in entries],
        [e.seq for e in entries],
        [bucket_of(e.user_id) for e in entries],
        [e.kind.value for e in entries],
        [CONTRA_OF[e.kind] for e in entries],
        [e.amount for e in entries],
        [e.balance_after for e in entries],
        [None if e.kind.is_movement else e.source_id for e in entries],
        [e.source_id if e.kind.is_movement else None for e in entries],
        [e.counterparty_id for e in entries],
        [e.at for e in entries],
        [e.prev_hash for e in entries],
        [e.hash for e in entries],
    )
    return [_write("insert_entries", _SQL["insert_entries"], columns)]


def event_writes(events: Sequence[Event], *, at: datetime) -> list[Write]:
    """Events in the order in which they were told, and the numbers that their users have come to.

    Args:
        events: of a user, with numbers that rise.
        at: when they are created.
    """
    if not events:
        return []
    told = {event.user_id: event.sequence for event in events}
    columns = (
        [bucket_of(e.user_id) for e in events],
        [e.user_id for e in events],
        [e.sequence for e in events],
        [e.type for e in events],
        [e.data.decode() for e in events],
        [e.traceparent for e in events],
        at,
    )
    return [
        _write("write_sequences", _SQL["write_sequences"], (list(told), list(told.values()))),
        _write("insert_events", _SQL["insert_events"], columns),
    ]


def _account_columns(accounts: Sequence[Account]) -> tuple[list[Any], ...]:
    return (
        [a.user_id for a in accounts],
        [a.currency for a in accounts],
        [a.balance for a in accounts],
        [a.held for a in accounts],
        [a.seq for a in accounts],
        [a.head_hash for a in accounts],
        [a.last_at for a in accounts],
        [a.version + 1 for a in accounts],
        [a.spent for a in accounts],
        [a.spent_day for a in accounts],
    )


def _write(block: str, sql: str, parameters: tuple[Any, ...]) -> Write:
    rows = len(parameters[0])
    return Write(
        name=block,
        sql=sql,
        parameters=parameters,
        wrong=lambda written: BookError(f"{block}: {written} rows, not {rows}"),
    )
