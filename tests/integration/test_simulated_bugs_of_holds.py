"""What a bug that is planted in holds, refunds or limits does to a run: the first seeds find it."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

import sagas.payer_side
import shards.holds
from gateway.lanes import GatewayLanes
from sagas.hold_side import HoldSide
from sagas.hold_states import HoldEvent
from sagas.refund_caps import RefundCaps
from sagas.steps.capture import CaptureRequest, HoldClosedError, _Batch, _Wanted
from sagas.steps.try_transfer import Tried
from shards.book import Book
from shards.book_rows import Account
from shards.holds import Hold
from tests.integration.simulated import first_found
from workers.hold_expiry import HoldExpiry

# Enough for each of the bugs to show in one of them.
SEEDS = range(1, 9)
# What the engine logs of faults that are meant would bury what a run has to say.
pytestmark = pytest.mark.usefixtures("quiet_logs")
_TOO_SOON_S = 20

Plant = Callable[[pytest.MonkeyPatch], None]


def a_capture_that_does_not_lower_held(monkeypatch: pytest.MonkeyPatch) -> None:
    capture = HoldSide.capture

    def hold_again(self: HoldSide, hold: Hold, amount: int, *, is_final: bool) -> None:
        capture(self, hold, amount, is_final=is_final)
        self._book._touch(hold.payer_id, hold.currency).held += amount

    monkeypatch.setattr(HoldSide, "capture", hold_again)


def a_capture_that_ignores_the_status(monkeypatch: pytest.MonkeyPatch) -> None:
    def wanted(self: _Batch, request: CaptureRequest) -> _Wanted | Exception:
        hold = self._holds.find(request.hold_id, payer_id=request.payer_id)
        amount = request.amount or (hold.remaining if hold else 0)
        if hold is None or not 0 < amount <= hold.remaining:
            return HoldClosedError(request.hold_id)
        return _Wanted(hold, amount)

    monkeypatch.setattr(Hold, "remaining", property(lambda hold: hold.amount - hold.captured))
    monkeypatch.setattr(_Batch, "_wanted", wanted)


def a_capture_of_another_amount(monkeypatch: pytest.MonkeyPatch) -> None:
    """All rows agree with each other: only who asked knows."""
    wanted = _Batch._wanted

    def less(self: _Batch, request: CaptureRequest) -> _Wanted | Exception:
        found = wanted(self, request)
        if isinstance(found, Exception) or found.amount == 1:
            return found
        return _Wanted(found.hold, found.amount - 1)

    monkeypatch.setattr(_Batch, "_wanted", less)


def a_void_that_releases_the_whole_amount(monkeypatch: pytest.MonkeyPatch) -> None:
    end = HoldSide.end

    def release_all(self: HoldSide, hold: Hold, event: HoldEvent) -> Hold:
        if event is HoldEvent.VOID:
            self._book._touch(hold.payer_id, hold.currency).held -= hold.captured
        return end(self, hold, event)

    monkeypatch.setattr(HoldSide, "end", release_all)


def an_expiry_by_a_clock_that_is_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    due = shards.holds._SQL["find_due_holds"]
    early = due.replace("clock.now", f"clock.now + interval '{_TOO_SOON_S} seconds'")
    assert early != due
    monkeypatch.setitem(shards.holds._SQL, "find_due_holds", early)
    monkeypatch.setattr(
        HoldSide,
        "has_expired",
        lambda self, hold: (hold.expires_at - self._book.now).total_seconds() <= _TOO_SOON_S,
    )


def an_expiry_that_nobody_looks_for(monkeypatch: pytest.MonkeyPatch) -> None:
    async def none_due(_self: HoldExpiry) -> int:
        return 0

    monkeypatch.setattr(HoldExpiry, "expire_once", none_due)


def a_refund_that_does_not_raise_the_cap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RefundCaps, "take", lambda _self, _transfer_id, _amount: None)


def a_cancel_that_does_not_lower_the_cap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sagas.payer_side, "change_refunded", lambda _changes: [])


def a_limit_that_is_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Book, "spend", lambda *_args, **_options: None)


def a_limit_that_is_given_back_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    unspend = Book.unspend

    def unspend_twice(self: Book, user_id: UUID, currency: str, amount: int, **on: Any) -> None:
        unspend(self, user_id, currency, amount, **on)
        unspend(self, user_id, currency, amount, **on)

    monkeypatch.setattr(Book, "unspend", unspend_twice)


def a_limit_that_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rows agree with each other: only who goes through the events in order can tell."""
    monkeypatch.setattr(Account, "may_spend", lambda *_args, **_options: True)


def a_no_that_had_an_effect(monkeypatch: pytest.MonkeyPatch) -> None:
    capture = GatewayLanes.capture

    async def capture_and_refuse(self: GatewayLanes, request: CaptureRequest) -> Tried:
        await capture(self, request)
        raise HoldClosedError(request.hold_id)

    monkeypatch.setattr(GatewayLanes, "capture", capture_and_refuse)


@pytest.mark.parametrize(
    ("plant", "tells"),
    [
        (a_capture_that_does_not_lower_held, "account_held"),
        (a_capture_that_ignores_the_status, "held -"),
        (a_capture_of_another_amount, "the row says"),
        (a_void_that_releases_the_whole_amount, "held -"),
        (an_expiry_by_a_clock_that_is_ahead, "hold_times"),
        (an_expiry_that_nobody_looks_for, "expired holds"),
        (a_refund_that_does_not_raise_the_cap, "verdict_refunds"),
        (a_cancel_that_does_not_lower_the_cap, "verdict_refunds"),
        (a_limit_that_is_not_counted, "account_spent"),
        (a_limit_that_is_given_back_twice, "account_spent"),
        (a_limit_that_stops_nothing, "and should not: limit_exceeded"),
        (a_no_that_had_an_effect, "refused each time"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_planted_bug_is_found(
    scratch_dsn: str, monkeypatch: pytest.MonkeyPatch, plant: Plant, tells: str
) -> None:
    plant(monkeypatch)

    said = "\n".join(first_found(scratch_dsn, SEEDS))
    assert tells in said, said
