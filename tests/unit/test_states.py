"""The state machine, every status against every event."""

from itertools import product

import pytest

from sagas.events import TRANSFER_STATUS
from sagas.messages import IMPLIED_STEP
from sagas.states import TERMINAL, TRANSITIONS, Event, IllegalTransitionError, Status, transition

BEFORE: list[Status | None] = [None, *Status]
# Written out once more: a change of the table is a change of the protocol, and meant.
ALLOWED = {
    (None, "accept"): "held",
    (None, "reject"): "rejected",
    (None, "capture"): "debited",
    ("held", "debit"): "debited",
    ("held", "cancel"): "cancelled",
    ("debited", "complete"): "completed",
    ("debited", "refund"): "refunded",
}


@pytest.mark.parametrize(("before", "event"), list(product(BEFORE, Event)))
def test_an_event_leads_where_the_protocol_says_or_is_refused(before: Status | None, event: Event):
    after = ALLOWED.get((before, event))

    if after is None:
        with pytest.raises(IllegalTransitionError, match=f"{event} .* {before}"):
            transition(before, event)
    else:
        assert transition(before, event) == after


def test_the_table_has_no_line_beside_the_protocol():
    assert TRANSITIONS.keys() == ALLOWED.keys()


def test_a_transfer_that_is_over_has_no_way_out():
    assert {"completed", "cancelled", "refunded", "rejected"} == TERMINAL
    assert not [line for line in TRANSITIONS if line[0] in TERMINAL]


def test_what_is_debited_is_never_cancelled():
    assert (Status.DEBITED, Event.CANCEL) not in TRANSITIONS


def test_every_status_can_be_reached():
    assert set(TRANSITIONS.values()) == set(Status)


def test_every_status_is_told():
    assert TRANSFER_STATUS.keys() == set(Status)


def test_redrive_has_a_step_for_exactly_what_is_not_over():
    assert IMPLIED_STEP.keys() == set(Status) - TERMINAL
