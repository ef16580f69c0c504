"""The vacuity guard, and how amounts that are powers of four are decoded."""

import pytest

from reliability.checker.findings import Phase, Result, Unmet, Violation
from reliability.checker.powers import tell_digits
from reliability.checker.vacuity import Minimum, parse_minimum, unmet

VIOLATION = Violation(invariant="x", shard="*", subject="s", expected="e", found="f")
UNMET = Unmet(what="fault=kill_worker", minimum=3, found=2)


def test_a_minimum_is_a_name_and_a_number():
    assert parse_minimum("ending=refunded.payee_closed:10") == Minimum(
        "ending=refunded.payee_closed", 10
    )


@pytest.mark.parametrize("text", ["", "completed:10", "ending=completed", "ending=completed:-1"])
def test_anything_else_is_refused(text: str):
    with pytest.raises(ValueError, match="ending=completed:10"):
        parse_minimum(text)


def test_what_happened_too_seldom_is_told_with_what_there_was():
    minimums = [Minimum("fault=kill_worker", 3), Minimum("ending=completed", 1), Minimum("a=b", 0)]

    assert unmet(minimums, {"fault=kill_worker": 2, "ending=completed": 1}) == (UNMET,)


@pytest.mark.parametrize(
    ("total", "told"),
    [
        (0, "nothing"),
        (1 + 4**2 + 4**44, "4^0 once, 4^2 once, 4^44 once"),
        (4**3 * 2, "4^3 2 times"),
        (-1, "less than nothing"),
    ],
)
def test_a_total_tells_how_often_each_power_arrived(total: int, told: str):
    assert tell_digits(total) == told


@pytest.mark.parametrize(
    ("violations", "too_few", "not_checked", "code"),
    [((), (), (), 0), ((), (), ("x",), 2), ((), (UNMET,), ("x",), 1), ((VIOLATION,), (), (), 1)],
)
def test_the_exit_code_tells_broken_from_not_checked(
    violations: tuple[Violation, ...],
    too_few: tuple[Unmet, ...],
    not_checked: tuple[str, ...],
    code: int,
):
    result = Result(
        phase=Phase.FINAL,
        violations=violations,
        untold={},
        unmet=too_few,
        not_checked=not_checked,
        examined={},
        counted={},
    )

    assert result.exit_code == code
