"""What a race asks for, and when its totals are right."""

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from demo.race.plan import Request, make_plan
from demo.race.report import shown, told
from demo.race.run import Race
from demo.race.totals import Totals, add_up

PLAN = make_plan(seed=1, requests=30, affordable=4, connections=5)
ACCEPTED = [number < 4 for number in range(30)]
RIGHT = add_up(PLAN, ACCEPTED, balance=0, entries=0, payee_balance=0)
RIGHT = replace(RIGHT, payee_balance=RIGHT.sent)
WRONG = replace(RIGHT, accepted=30, refused=0, paid_out=25_000, balance=3_000)


def test_a_seed_is_a_burst_of_both_kinds():
    kinds = Counter(PLAN.requests)

    assert make_plan(seed=1, requests=30, affordable=4, connections=5) == PLAN
    assert make_plan(seed=2, requests=30, affordable=4, connections=5) != PLAN
    assert kinds[Request.WITHDRAWAL] > kinds[Request.TRANSFER] > 0


def test_totals_are_of_what_was_answered():
    assert (RIGHT.accepted, RIGHT.refused) == (4, 26)
    assert RIGHT.paid_out + RIGHT.sent == RIGHT.deposited == 4_000
    assert RIGHT.made == 0


@pytest.mark.parametrize(
    "changes",
    [
        {"paid_out": RIGHT.paid_out + 1},
        {"balance": 1},
        {"entries": 1},
        {"payee_balance": RIGHT.sent - 1, "balance": 1, "entries": 1},
        {"accepted": 5, "refused": 25},
        {"accepted": 4, "refused": 25},
    ],
    ids=str,
)
def test_totals_are_right_only_as_a_whole(changes: dict[str, Any]):
    assert RIGHT.is_right(PLAN)
    assert not replace(RIGHT, **changes).is_right(PLAN)


def test_it_is_shown_only_when_one_is_right_and_the_other_caught():
    shows = Race(unlocked=WRONG, real=RIGHT, audited=True)
    nothing = [
        replace(shows, unlocked=RIGHT),
        replace(shows, real=WRONG),
        replace(shows, audited=False),
    ]

    assert shows.shows_it(PLAN)
    assert [race.shows_it(PLAN) for race in nothing] == [False] * 3


def sentence(unlocked: Totals, real: Totals) -> str:
    return told(PLAN, unlocked=unlocked, real=real)


def test_the_sentence_says_what_was_seen():
    assert "30 were accepted" in sentence(WRONG, RIGHT)
    assert "Holdfast accepted 4," in sentence(WRONG, RIGHT)
    assert sentence(RIGHT, RIGHT).startswith("NOT CAUGHT")
    assert sentence(WRONG, WRONG).startswith("HOLDFAST IS WRONG")


def test_amounts_below_zero_keep_their_digits():
    assert [shown(minor) for minor in (-180_050, -5, 0, 1_234_567)] == [
        "-1,800.50",
        "-0.05",
        "0.00",
        "12,345.67",
    ]
