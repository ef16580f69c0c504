"""How often something happens: once in a while over time, at once now and then."""

from messaging.pace import Pace


def turns(pace: Pace, *, wanted: list[float]) -> list[float]:
    """When each turn is taken that is wanted at these times."""
    taken = []
    for now in wanted:
        at = now + pace.early_s(now)
        pace.take(at)
        taken.append(at)
    return taken


def test_the_first_turn_is_not_early_on_any_clock():
    assert Pace(every_s=10.0, saved_s=0.0).early_s(-1000.0) == 0.0
    assert Pace(every_s=10.0, saved_s=0.0).early_s(0.0) == 0.0


def test_turns_that_follow_each_other_are_so_far_apart():
    assert turns(Pace(every_s=2.0, saved_s=0.0), wanted=[0.0, 0.0, 2.0]) == [0.0, 2.0, 4.0]


def test_what_was_saved_is_spent_at_once_and_no_more():
    pace = Pace(every_s=2.0, saved_s=4.0)

    assert turns(pace, wanted=[100.0] * 5) == [100.0, 100.0, 100.0, 102.0, 104.0]


def test_what_comes_now_and_then_never_waits():
    pace = Pace(every_s=2.0, saved_s=4.0)
    wanted = [0.0, 0.1, 5.0, 5.1, 10.0, 10.1]

    assert turns(pace, wanted=wanted) == wanted


def test_over_time_there_are_no_more_turns_than_that():
    assert turns(Pace(every_s=2.0, saved_s=4.0), wanted=[0.0] * 100)[-1] == 2.0 * (100 - 3)
