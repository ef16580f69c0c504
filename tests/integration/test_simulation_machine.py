"""Hypothesis drives the simulation, and shrinks what it finds."""

import re
import traceback
from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

import sagas.steps.run
from sagas.messages import Message
from sagas.outcomes import SetAside
from sagas.payee_side import PayeeSide
from sagas.states import Reason
from sagas.steps.confirm import Confirmed, confirm
from shards.verdicts import VerdictKind
from tests.integration.simulation_machine import Money, Theatre, opened_theatre

# Found again by itself on each run: no database of examples is kept.
SETTINGS = settings(
    max_examples=12,
    stateful_step_count=40,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.generate],
)


@pytest.fixture(scope="module")
def theatre(scratch_dsn: str) -> Iterator[Theatre]:
    with opened_theatre(scratch_dsn, name="simulated_machine") as theatre:
        yield theatre


@pytest.fixture
def machine(theatre: Theatre, quiet_logs: None) -> type[Money]:
    class OfThisTest(Money):
        pass

    OfThisTest.theatre = theatre
    return OfThisTest


def test_whatever_happens_no_cent_is_lost(machine: type[Money]) -> None:
    run_state_machine_as_test(machine, settings=SETTINGS)


@pytest.mark.slow
def test_what_it_finds_is_shrunk(machine: type[Money], monkeypatch: pytest.MonkeyPatch) -> None:
    """A planted bug: the payee is credited, and the payer is told that it was refused."""

    def tell_another(side: PayeeSide, message: Message) -> Confirmed | SetAside:
        done = confirm(side, message)
        assert isinstance(done, Confirmed)
        refused = replace(done.verdict, kind=VerdictKind.REFUSED, reason=Reason.PAYEE_CLOSED.value)
        return Confirmed(refused)

    monkeypatch.setattr(sagas.steps.run, "confirm", tell_another)
    # Of a short story there is less to shrink; longer ones take minutes.
    shrinking = settings(SETTINGS, stateful_step_count=10, phases=[Phase.generate, Phase.shrink])

    with pytest.raises(AssertionError) as raised:
        run_state_machine_as_test(machine, settings=shrinking)

    # The steps are in the notes of the error.
    told = "".join(traceback.format_exception_only(raised.value))
    assert re.findall(r"state\.(\w+)\(", told) == ["begin", "pay", "teardown"], told
