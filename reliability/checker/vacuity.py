"""The vacuity guard: a run in which nothing happened proves nothing.

Counts are named `ending=completed`, `ending=cancelled_by_payer`, `hold=voided`,
`capture=completed`, `refund=completed`, `fault=kill_worker`, `answer=unknown`, `read=balance`, and
asked for as `--minimum ending=completed:10`.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from reliability.checker.findings import Unmet
from reliability.checker.history import History, Op
from reliability.checker.ledger import Ledger
from reliability.history import Kind

_BY_STATUS = frozenset({Kind.HOLD, Kind.CAPTURE, Kind.REFUND})


@dataclass(frozen=True, slots=True)
class Minimum:
    """How often something must have happened."""

    what: str
    count: int


def parse_minimum(text: str) -> Minimum:
    """`ending=completed:10`.

    Raises:
        ValueError: it is not of that form.
    """
    what, colon, count = text.rpartition(":")
    if not colon or "=" not in what or not count.isascii() or not count.isdigit():
        raise ValueError(f"{text!r} is not like ending=completed:10")
    return Minimum(what, int(count))


def count_run(history: History, ledger: Ledger, faults: Iterable[str]) -> dict[str, int]:
    """What happened, how often.

    Endings are a transfer's status and its reason: `ending=refunded` and `ending=payee_closed`
    count the same transfer, which is also in `ending=refunded.payee_closed`. Captures and refunds
    are transfers, and are counted by their status besides.
    """
    counted: Counter[str] = Counter(f"fault={kind}" for kind in faults)
    for row in ledger.rows:
        if row.is_transfer:
            counted[f"ending={row.status}"] += 1
            if row.reason is not None:
                counted[f"ending={row.reason}"] += 1
                counted[f"ending={row.status}.{row.reason}"] += 1
        if row.kind in _BY_STATUS:
            counted[f"{row.kind}={row.status}"] += 1
        elif not row.is_transfer:
            counted[f"movement={row.kind}.{row.status}"] += 1
    for op in _told(history):
        status, code = op.answer.status, op.answer.code
        counted["answer=unknown" if status is None else f"answer={code or status}"] += 1
        counted["answer=replayed"] += bool(op.answer.replayed)
    counted["read=balance"] = sum(map(len, history.balance_reads.values()))
    counted["read=transfer"] = sum(map(len, history.of_transfers.values()))
    counted["read=hold"] = sum(map(len, history.of_holds.values()))
    return dict(sorted(counted.items()))


def _told(history: History) -> Iterator[Op]:
    """What was answered to all that changes something, but to cancels."""
    for index in (history.requests, history.of_holds, history.limits):
        for ops in index.values():
            yield from (op for op in ops if op.ask.kind is not Kind.READ_HOLD)


def unmet(minimums: Iterable[Minimum], counted: Mapping[str, int]) -> tuple[Unmet, ...]:
    """The minimums that were not reached."""
    return tuple(
        Unmet(what=minimum.what, minimum=minimum.count, found=counted.get(minimum.what, 0))
        for minimum in minimums
        if counted.get(minimum.what, 0) < minimum.count
    )
