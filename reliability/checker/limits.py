"""Spending limits: those that operators asked for, against those that were set."""

from collections import Counter
from collections.abc import Sequence

from reliability.checker.findings import Findings
from reliability.checker.history import History, Op
from reliability.checker.invariants import Invariant
from reliability.checker.ledger import Ledger
from reliability.checker.registers import Replayed
from reliability.history import Answer, AskLimit

# Before anybody has set one.
_NO_LIMIT = Op(AskLimit(user="", currency="", operator=""), -2, Answer(status=200), -1)


def check_limits(history: History, ledger: Ledger, replayed: Replayed, findings: Findings) -> None:
    """Every limit was asked for, and the last that was answered stands."""
    limits = replayed.limits
    for key in sorted({*history.limits, *(key for key, given in limits.items() if given)}):
        if key[0] not in history.users or key[0] in replayed.left_out:
            continue
        findings.examine(Invariant.LIMIT_AS_ASKED)
        wrong = _wrong(history.limits.get(key, []), limits.get(key, []))
        if wrong is not None:
            findings.violated(
                Invariant.LIMIT_AS_ASKED,
                " ".join(key),
                expected="limits that were asked for, and the last one answered at the end",
                found=wrong,
                shard=ledger.shard_of(key[0]),
            )


def _wrong(ops: Sequence[Op], given: Sequence[int | None]) -> str | None:
    for op in ops:
        if op.is_accepted and op.answer.daily != _daily(op):
            return f"{_daily(op)} was asked for, and {op.answer.daily} answered"
    able = [op for op in ops if not op.is_refused]
    more = Counter(given) - Counter(_daily(op) for op in able)
    if more:
        return f"{next(iter(more))} was set, and not asked for so often"
    last = given[-1] if given else None
    # One that was answered before another was asked for is over. One that was not answered may have
    # its effect at any later time.
    latest = max((op.at for op in ops if op.is_accepted), default=_NO_LIMIT.at)
    may_stand = [op for op in (_NO_LIMIT, *able) if not op.is_accepted or op.answered_at >= latest]
    if not any(_daily(op) == last for op in may_stand):
        return f"{last} at the end"
    return None


def _daily(op: Op) -> int | None:
    assert isinstance(op.ask, AskLimit)
    return op.ask.daily
