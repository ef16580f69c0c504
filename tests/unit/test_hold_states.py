"""The life of a hold, every status against every event."""

from itertools import product

import pytest

from sagas.events import HOLD_STATUS
from sagas.hold_states import HOLD_TRANSITIONS, HoldEvent, hold_transition
from sagas.states import IllegalTransitionError
from shards.holds import HoldStatus

BEFORE: list[HoldStatus | None] = [None, *HoldStatus]
# Written out once more: a change of the table is a change of the protocol, and meant.
ALLOWED = {
    (None, "open"): "open",
    (None, "reject"): "rejected",
    ("open", "capture"): "captured",
    ("open", "void"): "voided",
    ("open", "expire"): "expired",
}


@pytest.mark.parametrize(("before", "event"), list(product(BEFORE, HoldEvent)))
def test_an_event_leads_where_the_protocol_says_or_is_refused(
    before: HoldStatus | None, event: HoldEvent
):
    after = ALLOWED.get((before, event))

    if after is None:
        with pytest.raises(IllegalTransitionError, match=f"{event} .* {before}"):
            hold_transition(before, event)
    else:
        assert hold_transition(before, event) == after


def test_the_table_has_no_line_beside_the_protocol():
    assert HOLD_TRANSITIONS.keys() == ALLOWED.keys()


def test_every_status_can_be_reached_and_is_told():
    assert set(HOLD_TRANSITIONS.values()) == set(HoldStatus) == HOLD_STATUS.keys()
