"""Balance reads against the replayed model: each is the state of its version, in its time.

An account is one register, so this is all that linearizability asks for: a read is of a version
that had been asked for when the read was answered, and not older than what anybody had been told
when the read was asked for.
"""

from collections.abc import Iterable, Iterator
from itertools import accumulate

from reliability.checker.findings import Findings
from reliability.checker.history import NEVER, AccountKey, History, Op
from reliability.checker.holds_seen import holds_seen
from reliability.checker.invariants import Invariant
from reliability.checker.ledger import Ledger
from reliability.checker.replay import Change, ReplayedAccount
from reliability.checker.statuses import statuses_seen
from reliability.history import Kind

# What was certainly so before a status could be shown.
_KNOWN_BY = {
    "transfer.held": ("held", "debited", "completed", "cancelled", "refunded"),
    "transfer.debited": ("debited", "completed", "refunded"),
    "transfer.cancelled": ("cancelled",),
    "transfer.refunded": ("refunded",),
    "transfer.credited": ("completed",),
    "hold.open": ("open", "captured", "voided", "expired"),
    "hold.captured": ("captured",),
    "hold.voided": ("voided",),
    "hold.expired": ("expired",),
}
# What is told by the answer that accepts it; besides these, all that is not among those above.
_TOLD_AT_ONCE = ("transfer.held", "hold.open")
_ACCEPTED = "accepted"


class Knowledge:
    """When clients could first know, and first ask for, what changed accounts."""

    def __init__(self, history: History, ledger: Ledger) -> None:
        self._told: dict[str, dict[str, int]] = {}
        self._asked: dict[str, int] = {}
        for key, ops in history.requests.items():
            for op in ops:
                if op.is_accepted and op.answer.id is not None:
                    self._tell(op.answer.id, _ACCEPTED, op.answered_at)
            for row in ledger.by_key.get(key, ()):
                self._asked[row.id] = ops[0].at
        for id_, status, at in _shown(history):
            self._tell(id_, status, at)
        self._voided = _voids_asked(history)

    def told_at(self, change: Change) -> int:
        """When an answer first showed it; NEVER if none did."""
        told = self._told.get(change.source, {})
        if change.type in _TOLD_AT_ONCE or change.type not in _KNOWN_BY:
            first = told.get(_ACCEPTED, NEVER)
        else:
            first = NEVER
        known_by = _KNOWN_BY.get(change.type, ())
        return min([first, *(told[status] for status in known_by if status in told)])

    def asked_at(self, change: Change) -> int:
        """When its request was first sent; 0 where the history has none."""
        asked = self._asked.get(change.source, 0)
        return self._voided.get(change.source, asked) if change.type == "hold.voided" else asked

    def _tell(self, id_: str, what: str, at: int) -> None:
        told = self._told.setdefault(id_, {})
        told[what] = min(at, told.get(what, NEVER))


def _shown(history: History) -> Iterator[tuple[str, str, int]]:
    """Every transfer and hold that was shown, with its status, and when."""
    for transfer, shown in statuses_seen(history).items():
        yield from ((transfer, one.status, one.answered_at) for one in shown)
    for hold, seen in holds_seen(history).items():
        yield from ((hold, one.status, one.answered_at) for one in seen)


def _voids_asked(history: History) -> dict[str, int]:
    """When somebody first asked for a void of each hold."""
    asked: dict[str, int] = {}
    for hold, ops in history.of_holds.items():
        for op in ops:
            if op.ask.kind is Kind.VOID:
                asked[hold] = min(op.at, asked.get(hold, NEVER))
    return asked


def check_reads(
    key: AccountKey,
    account: ReplayedAccount,
    reads: list[Op],
    knowledge: Knowledge,
    findings: Findings,
    *,
    shard: str,
) -> None:
    """Holds all reads of one account against its replay."""

    def violated(invariant: Invariant, read: Op, *, expected: str) -> None:
        shown = read.answer
        findings.violated(
            invariant,
            " ".join(key),
            expected=expected,
            found=f"version {shown.version}, balance {shown.balance}, held {shown.held},"
            f" asked for at {read.at}, answered at {read.answered_at}",
            shard=shard,
        )

    asked = _asked_by_version(account, knowledge)
    good = []
    for read in reads:
        expected = _unlike_its_version(read, account)
        if expected is not None:
            violated(Invariant.READ_COMMITTED, read, expected=expected)
            continue
        good.append(read)
        if asked[_version(read)] > read.answered_at:
            what = f"nothing of the request that was first sent at {asked[_version(read)]}"
            violated(Invariant.READ_NOT_EARLY, read, expected=what)
    told = [(knowledge.told_at(change), change.version) for change in account.changes]
    for read, version in _stale(good, told):
        what = f"version {version} or later, which had been told by then"
        violated(Invariant.READ_CURRENT, read, expected=what)
    findings.examine(Invariant.READ_COMMITTED, len(reads))
    findings.examine(Invariant.READ_NOT_EARLY, len(good))
    findings.examine(Invariant.READ_CURRENT, len(good))


def _unlike_its_version(read: Op, account: ReplayedAccount) -> str | None:
    """What the version of a read is, where the read says otherwise."""
    version = read.answer.version
    if version is None or not 0 <= version < len(account.states):
        return f"a version up to {len(account.states) - 1}"
    state = account.states[version]
    if (read.answer.balance, read.answer.held) == state:
        return None
    return f"version {version} with balance {state.balance}, held {state.held}"


def _asked_by_version(account: ReplayedAccount, knowledge: Knowledge) -> list[int]:
    """For each version when the latest request that it shows was first sent."""
    asked = [0] * len(account.states)
    for change in account.changes:
        asked[change.version] = max(asked[change.version], knowledge.asked_at(change))
    return list(accumulate(asked, max))


def _stale(reads: list[Op], told: Iterable[tuple[int, int]]) -> Iterator[tuple[Op, int]]:
    """Reads of less than what was told before they were asked for, with what was.

    Args:
        reads: of versions that there were; a version that was read is told by that.
        told: (time, version) of all other answers that showed a version.
    """
    points = sorted([*told, *((read.answered_at, _version(read)) for read in reads)])
    place, known = 0, 0
    for read in sorted(reads, key=lambda read: read.at):
        while place < len(points) and points[place][0] < read.at:
            known = max(known, points[place][1])
            place += 1
        if _version(read) < known:
            yield read, known


def _version(read: Op) -> int:
    assert read.answer.version is not None
    return read.answer.version
