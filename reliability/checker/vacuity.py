"""The vacuity guard: a run in which nothing happened proves nothing.

Counts are named `ending=completed`, `ending=cancelled_by_payer`, `fault=kill_worker`,
`answer=unknown`, `read=balance`, and asked for as `--minimum ending=completed:10`.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from reliability.checker.findings import Unmet
from reliability.checker.history import History
from reliability.checker.ledger import Ledger


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
    count the same transfer, which is also in `ending=refunded.payee_closed`.
    """
    counted: Counter[str] = Counter(f"fault={kind}" for kind in faults)
    for row in ledger.rows:
        if row.kind == "transfer":
            counted[f"ending={row.status}"] += 1
            if row.reason is not None:
                counted[f"ending={row.reason}"] += 1
                counted[f"ending={row.status}.{row.reason}"] += 1
        else:
            counted[f"movement={row.kind}.{row.status}"] += 1
    for ops in history.requests.values():
        for op in ops:
            status, code = op.answer.status, op.answer.code
            counted["answer=unknown" if status is None else f"answer={code or status}"] += 1
            counted["answer=replayed"] += bool(op.answer.replayed)
    counted["read=balance"] = sum(map(len, history.balance_reads.values()))
    counted["read=transfer"] = sum(map(len, history.of_transfers.values()))
    return dict(sorted(counted.items()))


def unmet(minimums: Iterable[Minimum], counted: Mapping[str, int]) -> tuple[Unmet, ...]:
    """The minimums that were not reached."""
    return tuple(
        Unmet(what=minimum.what, minimum=minimum.count, found=counted.get(minimum.what, 0))
        for minimum in minimums
        if counted.get(minimum.what, 0) < minimum.count
    )
