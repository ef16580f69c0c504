"""Limits that were set, against those that operators asked for: as one register."""

import pytest

from reliability.checker.findings import Findings
from reliability.checker.history import History, Op
from reliability.checker.ledger import Ledger
from reliability.checker.limits import check_limits
from reliability.checker.registers import Replayed
from reliability.history import Answer, AskLimit

ACCOUNT = ("u", "EUR")
UNKNOWN = Answer(status=None)
REFUSED = Answer(status=403, code="operator_only")


def asked(daily: int | None, at: int, until: int, answer: Answer | None = None) -> Op:
    ask = AskLimit(user="u", currency="EUR", operator="o", daily=daily)
    return Op(ask, at, answer or Answer(status=200, daily=daily), until)


def found(given: list[int | None], *ops: Op) -> list[str]:
    history = History(users={"u": "u@example.com"})
    history.limits[ACCOUNT] = list(ops)
    findings = Findings()
    check_limits(history, Ledger([]), Replayed(limits={ACCOUNT: given}), findings)
    return [violation.found for violation in findings.violations]


@pytest.mark.parametrize(
    ("given", "ops"),
    [
        ([], []),
        ([5], [asked(5, 1, 2)]),
        ([5, 7], [asked(5, 1, 2), asked(7, 3, 4)]),
        # Both at once: either may be the last.
        ([5, 7], [asked(5, 1, 4), asked(7, 2, 3)]),
        ([7, 5], [asked(5, 1, 4), asked(7, 2, 3)]),
        # What is so already is not set again.
        ([5], [asked(5, 1, 2), asked(5, 3, 4)]),
        ([], [asked(None, 1, 2)]),
        # No answer: it may have been done, now or later, or never.
        ([], [asked(5, 1, 2, UNKNOWN)]),
        ([7, 5], [asked(5, 1, 2, UNKNOWN), asked(7, 3, 4)]),
        ([7], [asked(5, 1, 2, UNKNOWN), asked(7, 3, 4)]),
        ([7], [asked(5, 1, 2, REFUSED), asked(7, 3, 4)]),
    ],
)
def test_what_operators_may_see_is_in_order(given: list[int | None], ops: list[Op]):
    assert found(given, *ops) == []


@pytest.mark.parametrize(
    ("given", "ops"),
    [
        ([], [asked(5, 1, 2)]),
        ([5], []),
        ([7, 5], [asked(5, 1, 2), asked(7, 3, 4)]),
        ([5, 7], [asked(5, 1, 2), asked(7, 3, 4), asked(None, 5, 6)]),
        ([5], [asked(5, 1, 2, REFUSED)]),
        ([5, 7, 5], [asked(5, 1, 2), asked(7, 3, 6)]),
        ([5], [asked(5, 1, 2, Answer(status=200, daily=6))]),
    ],
)
def test_what_nobody_asked_for_or_did_not_last_is_found(given: list[int | None], ops: list[Op]):
    assert len(found(given, *ops)) == 1


def test_who_cannot_be_replayed_is_left_out():
    history = History(users={"u": "u@example.com"})
    history.limits[ACCOUNT] = [asked(5, 1, 2)]
    findings = Findings()

    check_limits(history, Ledger([]), Replayed(left_out={"u"}), findings)

    assert findings.violations == []
