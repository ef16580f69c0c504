"""Holds, refunds and spending, replayed: what fits, and each thing that does not."""

from datetime import date, timedelta
from typing import Any

import pytest

from reliability.checker.events import Event
from reliability.checker.invariants import Invariant
from reliability.checker.ledger import LedgerRow
from reliability.checker.replay import ReplayedUser, State, replay
from reliability.history import Kind

TODAY = date(2026, 11, 27)
TOMORROW = TODAY + timedelta(days=1)
USER = "u"


def row(id_: str, *, kind: Kind = Kind.TRANSFER, amount: int = 0, day: date = TODAY) -> LedgerRow:
    return LedgerRow(
        id=id_,
        kind=kind,
        user=USER,
        payee="v",
        currency="EUR",
        amount=amount,
        caller=USER,
        key=id_,
        status="completed",
        reason=None,
        part_of=None,
        captured=0,
        day=day,
        shard="shard0",
    )


class Story:
    """Events of one user, each in a transaction of its own unless it is told otherwise."""

    def __init__(self, *, funds: int = 1_000) -> None:
        self._events: list[Event] = []
        self._seq = 0
        self._balance = 0
        self._rows: dict[str, LedgerRow] = {}
        self.tell("movement.deposited", "funds", funds)

    def tell(
        self,
        type_: str,
        source: str,
        amount: int,
        *,
        day: date = TODAY,
        together: bool = False,
        **more: Any,
    ) -> None:
        moved = {
            "movement.deposited": amount,
            "movement.withdrawn": -amount,
            "transfer.debited": -amount,
            "transfer.refunded": amount,
        }.get(type_)
        if moved is not None:
            self._seq += 1
            self._balance += moved
        self._rows.setdefault(source, row(source, amount=amount, day=day))
        sequence = len(self._events) + 1
        event = Event(
            sequence=sequence,
            transaction=str(sequence - together),
            type=type_,
            source=source,
            currency="EUR",
            amount=amount,
            entry_seq=self._seq if moved is not None else None,
            entry_amount=moved,
            balance_after=self._balance if moved is not None else None,
        )
        self._events.append(event._replace(**more))

    def hold(self, type_: str, id_: str, amount: int, captured: int = 0, **more: Any) -> None:
        self.tell(f"hold.{type_}", id_, amount, hold=id_, captured=captured, **more)

    def limit(self, daily: int | None) -> None:
        self.tell("account.limit_set", "", 0, daily=daily)

    def known(self, id_: str, *, amount: int) -> None:
        """A row whose events are another user's."""
        self._rows[id_] = row(id_, amount=amount)

    def end(self) -> ReplayedUser:
        return replay(USER, self._events, self._rows)


def broken(user: ReplayedUser) -> list[tuple[Invariant, str]]:
    return [(fault.invariant, fault.subject) for fault in user.faults]


# --- holds


def test_a_hold_is_captured_in_parts_and_its_last_capture_lets_go_of_the_rest():
    story = Story()
    story.hold("open", "h", 600)
    story.tell("transfer.debited", "c1", 200, hold="h")
    story.hold("captured", "h", 600, captured=500)
    story.tell("transfer.debited", "c2", 300, hold="h", together=True)

    user = story.end()

    assert user.faults == []
    assert user.accounts["EUR"].states[2:] == [State(1_000, 600), State(800, 400), State(500, 0)]
    hold = user.holds["h"]
    assert (hold.amount, hold.captured, hold.status, hold.told) == (600, 500, "captured", 500)


@pytest.mark.parametrize("end", ["voided", "expired"])
def test_what_is_left_is_let_go_at_the_end(end: str):
    story = Story()
    story.hold("open", "h", 600)
    story.tell("transfer.debited", "c1", 200, hold="h")
    story.hold(end, "h", 600, captured=200)

    user = story.end()

    assert user.faults == []
    assert user.accounts["EUR"].last == State(800, 0)
    assert user.holds["h"].status == end


def test_more_than_there_was_is_not_captured():
    story = Story()
    story.hold("open", "h", 100)
    story.hold("open", "other", 100)
    story.tell("transfer.debited", "c1", 101, hold="h")

    assert broken(story.end()) == [(Invariant.REPLAY_HOLD, "h")]


@pytest.mark.parametrize("first", ["captured", "voided", "expired"])
@pytest.mark.parametrize("second", ["captured", "voided", "expired"])
def test_a_hold_ends_once(first: str, second: str):
    story = Story()
    story.hold("open", "h", 100)
    story.hold("open", "other", 100)
    story.hold(first, "h", 100)
    story.hold(second, "h", 100)

    assert broken(story.end()) == [(Invariant.REPLAY_HOLD, "h")]


def test_nothing_is_captured_after_the_end():
    story = Story()
    story.hold("open", "h", 100)
    story.hold("open", "other", 100)
    story.hold("captured", "h", 100, captured=50)
    story.tell("transfer.debited", "c1", 50, hold="h", together=True)
    story.tell("transfer.debited", "c2", 10, hold="h")

    assert broken(story.end()) == [(Invariant.REPLAY_HOLD, "h")]


def test_an_end_tells_what_was_captured():
    story = Story()
    story.hold("open", "h", 100)
    story.hold("voided", "h", 100, captured=40)

    assert broken(story.end()) == [(Invariant.REPLAY_HOLD, "h")]


def test_a_hold_begins_once_and_before_all_else():
    story = Story()
    story.hold("open", "h", 100)
    story.hold("open", "h", 100)
    story.tell("transfer.debited", "c", 10, hold="nowhere")

    assert broken(story.end()) == [(Invariant.REPLAY_HOLD, "h"), (Invariant.REPLAY_HOLD, "nowhere")]


# --- refunds


def test_refunds_that_failed_may_be_asked_for_again():
    story = Story()
    story.known("paid", amount=100)
    story.tell("transfer.held", "r1", 60, refund_of="paid")
    story.tell("transfer.held", "r2", 40, refund_of="paid")
    story.tell("transfer.cancelled", "r1", 60, refund_of="paid")
    story.tell("transfer.debited", "r2", 40, refund_of="paid")
    story.tell("transfer.refunded", "r2", 40, refund_of="paid")
    story.tell("transfer.held", "r3", 100, refund_of="paid")

    user = story.end()

    assert user.faults == []
    assert user.refunded_most == {"paid": 100}


def test_more_than_was_paid_is_never_on_its_way_back():
    story = Story()
    story.known("paid", amount=100)
    story.tell("transfer.held", "r1", 60, refund_of="paid")
    story.tell("transfer.held", "r2", 41, refund_of="paid")
    story.tell("transfer.held", "r3", 1, refund_of="never paid")

    assert broken(story.end()) == [
        (Invariant.REFUND_CAP, "paid"),
        (Invariant.REFUND_CAP, "never paid"),
    ]


# --- spending


def test_what_is_given_back_may_be_spent_again():
    story = Story()
    story.limit(100)
    story.tell("transfer.held", "t1", 60)
    story.hold("open", "h", 40)
    story.tell("transfer.cancelled", "t1", 60)
    story.tell("transfer.debited", "c", 10, hold="h")
    story.hold("voided", "h", 40, captured=10)
    story.tell("movement.withdrawn", "w", 90)
    story.tell("transfer.refunded", "c", 10, hold="h")
    story.tell("transfer.held", "t2", 10)

    user = story.end()

    assert user.faults == []
    assert user.accounts["EUR"].spending.spent == 100


@pytest.mark.parametrize("type_", ["transfer.held", "movement.withdrawn", "hold.open"])
def test_no_more_is_spent_on_a_day_than_its_limit(type_: str):
    story = Story()
    story.tell("transfer.held", "t1", 60)
    story.limit(100)
    story.tell(type_, "more", 41, hold="more" if type_ == "hold.open" else None)

    assert broken(story.end()) == [(Invariant.LIMIT_KEPT, "u EUR")]


def test_a_new_day_begins_at_nothing_and_takes_nothing_back_of_the_old_one():
    story = Story()
    story.limit(100)
    story.hold("open", "h", 60)
    story.tell("transfer.held", "t1", 40)
    story.tell("transfer.held", "t2", 100, day=TOMORROW)
    story.tell("transfer.cancelled", "t1", 40)
    story.hold("voided", "h", 60)

    user = story.end()

    assert user.faults == []
    assert user.accounts["EUR"].spending.spent == 100


def test_no_day_begins_anew():
    story = Story()
    story.tell("transfer.held", "t1", 40, day=TOMORROW)
    story.tell("transfer.held", "t2", 40, day=TODAY)

    assert broken(story.end()) == [(Invariant.LIMIT_KEPT, "u EUR")]


@pytest.mark.parametrize(
    ("reason", "amount", "is_due"),
    [
        ("limit_exceeded", 41, True),
        ("limit_exceeded", 40, False),
        ("insufficient_funds", 941, True),
        ("insufficient_funds", 940, False),
        ("payer_frozen", 1, True),
    ],
)
@pytest.mark.parametrize("what", ["transfer", "movement", "hold"])
def test_what_is_refused_for_its_amount_was_too_much(
    what: str, reason: str, amount: int, is_due: bool
):
    story = Story()
    story.limit(100)
    story.tell("transfer.held", "t1", 60)
    story.tell(
        f"{what}.rejected", "no", amount, reason=reason, hold="no" if what == "hold" else None
    )

    assert broken(story.end()) == ([] if is_due else [(Invariant.REFUSAL_DUE, "u EUR")])


def test_a_limit_that_is_taken_away_limits_nothing():
    story = Story()
    story.limit(10)
    story.limit(None)
    story.tell("transfer.held", "t1", 60)

    user = story.end()

    assert user.faults == []
    assert user.accounts["EUR"].spending.limits == [10, None]
