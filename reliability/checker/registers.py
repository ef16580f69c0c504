"""Streams every user's events through the model, and holds accounts and reads against it."""

from collections import Counter
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from itertools import groupby

from audit.reader import Row, ShardReader
from reliability.checker.events import Event
from reliability.checker.findings import Findings
from reliability.checker.history import AccountKey, History
from reliability.checker.invariants import SAYS, Invariant
from reliability.checker.ledger import SQL, Ledger, LedgerRow
from reliability.checker.reads import Knowledge, check_reads
from reliability.checker.replay import ReplayedAccount, ReplayedUser, replay
from reliability.checker.replay_holds import ReplayedHold
from reliability.history import Kind


@dataclass(frozen=True, slots=True)
class Replayed:
    """What of all replays is kept for others to look at.

    Attributes:
        refunded_most: how much of a transfer was refunded or on its way, at the most.
        limits: the spending limits that an account was given, in their order.
        left_out: users who cannot be replayed.
    """

    refunded_most: Counter[str] = field(default_factory=Counter)
    limits: dict[AccountKey, list[int | None]] = field(default_factory=dict)
    left_out: set[str] = field(default_factory=set)


async def check_registers(history: History, ledger: Ledger, findings: Findings) -> Replayed:
    """Replays one user after another, so that only one is in memory.

    Raises:
        UnreadableError: a shard stopped to answer.
    """
    registers = _Registers(history, ledger, findings)
    for reader in ledger.readers:
        async for user, events in _by_user(reader):
            if events[0].sequence == 1:
                registers.check(replay(user, events, ledger.by_id), user, shard=reader.shard.name)
            else:
                registers.cannot(user)
    registers.check_unseen()
    return registers.replayed


class _Registers:
    """Holds replays against rows and reads, and knows which of these no replay has had."""

    def __init__(self, history: History, ledger: Ledger, findings: Findings) -> None:
        self._history = history
        self._ledger = ledger
        self._findings = findings
        self._knowledge = Knowledge(history, ledger)
        self._unread = set(history.balance_reads)
        self._accounts = {key for key, account in ledger.accounts.items() if account.version}
        self._holds = {row.id: row for row in ledger.rows if row.kind == Kind.HOLD}
        self.replayed = Replayed()

    def cannot(self, user: str) -> None:
        """The first events of this user are not there any more."""
        self._findings.cannot(f"the first events of {user} are gone: it cannot be replayed")
        self.replayed.left_out.add(user)
        self._unread = {key for key in self._unread if key[0] != user}
        self._accounts = {key for key in self._accounts if key[0] != user}
        self._holds = {id_: row for id_, row in self._holds.items() if row.user != user}

    def check(self, replayed: ReplayedUser, user: str, *, shard: str) -> None:
        """One user."""
        self._findings.examine(Invariant.REPLAY_ENTRIES)
        self._findings.examine(Invariant.REFUND_CAP, len(replayed.refunded_most))
        for fault in replayed.faults:
            self._findings.violated(
                fault.invariant,
                fault.subject,
                expected=SAYS[fault.invariant],
                found=fault.told,
                shard=shard,
            )
        for id_, hold in replayed.holds.items():
            self._check_hold(id_, hold, shard=shard)
        for currency, account in replayed.accounts.items():
            key = (user, currency)
            self._check_account(key, account)
            reads = self._history.balance_reads.get(key, [])
            self._unread.discard(key)
            check_reads(key, account, reads, self._knowledge, self._findings, shard=shard)
            self.replayed.limits[key] = account.spending.limits
        self.replayed.refunded_most.update(replayed.refunded_most)

    def check_unseen(self) -> None:
        """What no user's events told of."""
        for user, currency in sorted(self._accounts):
            nothing = ReplayedUser(user, {}).account(currency)
            self._check_account((user, currency), nothing)
        for user, currency in self._unread:
            nothing = ReplayedUser(user, {}).account(currency)
            reads = self._history.balance_reads[user, currency]
            shard = self._ledger.shard_of(user)
            check_reads(
                (user, currency), nothing, reads, self._knowledge, self._findings, shard=shard
            )
        for id_, row in list(self._holds.items()):
            self._check_hold(id_, None, shard=row.shard)

    def _check_account(self, key: AccountKey, account: ReplayedAccount) -> None:
        self._accounts.discard(key)
        self._findings.examine(Invariant.REPLAY_ACCOUNT)
        found = self._ledger.accounts.get(key)
        spending, version = account.spending, len(account.states) - 1
        self._findings.examine(Invariant.LIMIT_KEPT, spending.limited)
        self._findings.examine(Invariant.REFUSAL_DUE, spending.refused)
        if found is None and not version:
            return  # It was refused before there was an account.
        expected = (*account.last, account.seq, version, spending.spent, spending.daily)
        if found != expected:
            self._findings.violated(
                Invariant.REPLAY_ACCOUNT,
                " ".join(key),
                expected=f"balance, held, seq, version, spent, limit {expected}",
                found=f"{tuple(found) if found else 'no account'}",
                shard=self._ledger.shard_of(key[0]),
            )

    def _check_hold(self, id_: str, hold: ReplayedHold | None, *, shard: str) -> None:
        row = self._holds.pop(id_, None)
        self._findings.examine(Invariant.REPLAY_HOLD)
        expected = (hold.amount, hold.captured, hold.status, hold.told) if hold else None
        found = (row.amount, row.captured, row.status, _told(row)) if row else None
        if expected != found:
            self._findings.violated(
                Invariant.REPLAY_HOLD,
                id_,
                expected=f"amount, captured, status, captured as its end tells {expected}",
                found=f"{found or 'no hold'}",
                shard=shard,
            )


def _told(row: LedgerRow) -> int:
    """What the event of a hold's end must have said was captured."""
    return 0 if row.status in ("open", "rejected") else row.captured


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
            hold=row["hold"],
            refund_of=row["refund_of"],
            captured=int(row["captured"]),
            reason=row["reason"],
            daily=_int_or_none(row["daily"]),
        )
        for row in rows
    ]


def _int_or_none(text: str | None) -> int | None:
    return None if text is None or text == "NaN" else int(text)
