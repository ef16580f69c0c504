"""The protocol model: what must hold does, what is broken is caught, and it is the engine's table.

The large configurations are slow ones here; `make model` explores all.
"""

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from typing_extensions import override

from reliability.model import ledger
from reliability.model.__main__ import main
from reliability.model.breaches import Breach
from reliability.model.explorer import Explored
from reliability.model.rules import Rules
from reliability.model.scope import Scope
from reliability.model.state import Move, World
from reliability.model.table import (
    ABSENT,
    CLOSED,
    CREDITED,
    DECLARED,
    FROZEN,
    HELD,
    HOLD_LINES,
    HOLD_OVER,
    HOLD_STATUSES,
    IMPLIED,
    LINES,
    MESSAGES,
    NO_REASON,
    NO_ROW,
    OPEN,
    OVER,
    REFUSED,
    REJECTED,
    STATUSES,
    Line,
)
from reliability.model.variant import CALM, ONE, ONE_HOLD, Variant
from reliability.model.variants import BROKEN, HOLDING, VARIANTS
from sagas.hold_states import HOLD_TRANSITIONS, HoldEvent
from sagas.messages import IMPLIED_STEP, Step
from sagas.states import TERMINAL, TRANSITIONS, Event, Reason, Status
from shards.holds import HoldStatus
from shards.users import UserStatus
from shards.verdicts import VerdictKind

ROOT = Path(__file__).parents[2]
SMALL = [variant for variant in HOLDING if not variant.large]
STEP_MODULES = {
    "try_transfer": "try",
    "try_confirm": "try-confirm",
    "confirm": "confirm",
    "settle": "settle",
    "cancel": "cancel",
    "capture": "capture",
    "move": "no step of a transfer",
    "open_hold": "no step of a transfer",
    "end_hold": "no step of a transfer",
}

Table = Mapping[tuple[Any, Any], Any]


@cache
def searched(variant: Variant) -> Explored:
    return variant.explore()


def explored(variant: Variant) -> Explored:
    """Searched once, under whatever name and whatever must come of it."""
    return searched(Variant(name="", rules=variant.rules, scope=variant.scope))


def parameter(variant: Variant):
    marks = [pytest.mark.slow] if variant.large else []
    return pytest.param(variant, id=variant.name, marks=marks)


# --- the search


@pytest.mark.parametrize("variant", [parameter(variant) for variant in VARIANTS])
def test_a_variant_holds_or_is_caught_as_it_must_be(variant: Variant):
    result = explored(variant)

    assert not variant.objection(result), "\n".join([str(result.found), *result.story])
    assert bool(result.story) == bool(variant.breach)


def test_every_transition_that_is_declared_happens_in_a_state_that_is_reached():
    taken = frozenset().union(*(explored(variant).taken for variant in SMALL))

    assert taken == DECLARED


def test_repeats_and_forgeries_happen_in_states_that_are_reached():
    seen = frozenset().union(*(explored(variant).seen for variant in SMALL))

    assert {
        "try finds the key and gives its first answer again",
        "try-confirm comes again and repeats confirm",
        "confirm comes again and hands over the verdict that stands",
        "the worker that has the verdict dies",
        "on confirm, invented: a message that is not ours is set aside",
        "on confirm, a copy of try-confirm: a message that is not ours is set aside",
        "hold 1 finds the key and gives its first answer again",
        "capture finds the hold closed",
        "capture is more than remains",
        "capture debits, and the gateway dies",
        "refund is refused, refund_too_large, unwritten",
        "refund is refused, not_completed, unwritten",
        "a day passes",
        "the clock is set back a day",
    } <= seen


@pytest.mark.parametrize("scope", sorted({v.scope for v in BROKEN}, key=str))
def test_what_catches_a_broken_variant_is_the_rule_and_not_its_scope(scope: Scope):
    held = Variant(name="nothing broken", rules=Rules, scope=scope)

    assert explored(held).found is None


def test_every_rule_has_a_variant_that_breaks_it():
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    rules = re.findall(r"^(\d+)\. \*\*", text, re.MULTILINE)

    named = {row[0] for row in table_rows("| name | rule |")}

    assert len(rules) == 10
    assert {*rules, *named} == {variant.rule for variant in BROKEN}


def test_everything_that_can_be_wrong_is_found_in_some_variant():
    assert {variant.breach for variant in BROKEN} == set(Breach)


def test_variants_have_names_of_their_own():
    assert len({variant.name for variant in VARIANTS}) == len(VARIANTS)


# --- a search that would let something pass


class AlsoRejectsWhatIsHeld(Rules):
    """Another transition, and a harmless one: nothing but the list says that it is not meant."""

    @override
    def happen(self, world: World) -> Iterator[Move]:
        yield from super().happen(world)
        for index, transfer in enumerate(world.transfers):
            if transfer.status == HELD:
                after = ledger.write_status(ledger.cancel(world, index), index, REJECTED)
                yield Move(index, "held becomes rejected", after, own=False)


def test_a_transition_that_is_not_declared_is_noticed_although_it_does_no_harm():
    variant = Variant(name="one more", rules=AlsoRejectsWhatIsHeld, scope=ONE)

    assert "not declared" in variant.objection(variant.explore())


def test_a_scope_in_which_an_ending_is_never_reached_is_no_proof():
    variant = Variant(name="no refund", rules=Rules, scope=CALM)

    assert variant.objection(variant.explore()) == "never reached: refunded, rejected"


def test_a_scope_in_which_no_hold_is_voided_is_no_proof():
    scope = replace(ONE_HOLD, voids=False)
    never = frozenset({Status.HELD.value, Status.CANCELLED.value})
    variant = Variant(name="no void", rules=Rules, scope=scope, never=never)

    assert variant.objection(variant.explore()) == "never reached by holds: voided"


def test_a_broken_variant_that_nothing_catches_is_an_objection():
    variant = Variant(name="not broken", rules=Rules, scope=ONE, breach=Breach.MONEY)

    assert "nobody noticed" in variant.objection(variant.explore())


def test_the_command_fails_when_a_variant_is_not_as_it_must_be(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    wrong = Variant(name="not broken", rules=Rules, scope=ONE, breach=Breach.MONEY)
    assert main(["--only", "no verdict", "-v"]) == 0

    monkeypatch.setattr("reliability.model.__main__.VARIANTS", (wrong,))

    assert main([]) == 1
    told = capsys.readouterr().out
    assert "transfer 1: confirm says credited and hands it to settle" in told
    assert "WRONG: nobody noticed" in told


# --- it is the engine's table


def disagreements(lines: tuple[Line, ...], table: Table) -> set[tuple[str, str, str]]:
    """Transitions that only one of the two has."""
    declared = {(line.before, line.event, line.after) for line in lines}
    built = {(before or NO_ROW, event, after) for (before, event), after in table.items()}
    return declared ^ {(str(a), str(b), str(c)) for a, b, c in built}


def test_the_model_has_the_transitions_of_the_engine_and_no_others():
    assert not disagreements(LINES, TRANSITIONS)
    assert not disagreements(HOLD_LINES, HOLD_TRANSITIONS)


@pytest.mark.parametrize(
    "line",
    [
        ((Status.CANCELLED, Event.DEBIT), Status.DEBITED),
        ((Status.DEBITED, Event.CANCEL), Status.CANCELLED),
        ((Status.HELD, Event.REJECT), Status.REJECTED),
    ],
    ids=str,
)
def test_a_transition_added_to_the_engine_and_not_to_the_model_is_noticed(
    line: tuple[tuple[Status, Event], Status],
):
    assert len(disagreements(LINES, {**TRANSITIONS, line[0]: line[1]})) == 1


@pytest.mark.parametrize("key", TRANSITIONS, ids=str)
def test_a_transition_taken_from_the_engine_and_not_from_the_model_is_noticed(
    key: tuple[Status | None, Event],
):
    assert disagreements(LINES, {k: v for k, v in TRANSITIONS.items() if k != key})


@pytest.mark.parametrize("key", HOLD_TRANSITIONS, ids=str)
def test_a_transition_of_holds_taken_from_the_engine_is_noticed(
    key: tuple[HoldStatus | None, HoldEvent],
):
    assert disagreements(HOLD_LINES, {k: v for k, v in HOLD_TRANSITIONS.items() if k != key})


def test_statuses_endings_reasons_and_messages_are_the_engines():
    assert set(Status) == STATUSES
    assert TERMINAL == OVER
    assert set(HoldStatus) == HOLD_STATUSES
    assert set(HoldStatus) - {HoldStatus.OPEN} == HOLD_OVER
    assert set(Reason) == {r for line in LINES for r in line.reasons} - {NO_REASON}
    assert set(Step) == MESSAGES
    assert IMPLIED_STEP == IMPLIED
    assert set(VerdictKind) == {CREDITED, REFUSED}
    assert {*UserStatus, ABSENT} == {OPEN, FROZEN, CLOSED, ABSENT}


def events_named_in(path: Path) -> set[str]:
    """Members of `Event` that a module uses."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {
        Event[node.attr].value
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "Event"
    }


def test_each_step_of_the_engine_applies_the_events_that_the_model_says():
    steps = (ROOT / "sagas" / "steps").glob("*.py")
    modules = [path for path in steps if path.stem not in ("__init__", "run")]
    declared = {
        step: {line.event for line in LINES if line.step == step} for step in STEP_MODULES.values()
    }

    assert {STEP_MODULES[p.stem]: events_named_in(p) for p in modules} == declared


# --- what is told of it


def table_rows(header: str) -> list[list[str]]:
    text = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")
    table = text[text.index(header) :].split("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in table]


def told_states() -> dict[str, int]:
    return {name: int(states.replace(",", "")) for name, states, _ in table_rows("| must hold |")}


@pytest.mark.parametrize("variant", [parameter(variant) for variant in HOLDING])
def test_the_document_tells_how_many_states_a_configuration_has(variant: Variant):
    assert told_states()[variant.name] == explored(variant).states


def test_the_document_tells_every_configuration_and_what_they_add_up_to():
    states, broken = (row[1] for row in table_rows("| what | figure |")[:2])

    assert told_states().keys() == {variant.name for variant in HOLDING}
    assert states.startswith(f"{sum(told_states().values()):,}, in {len(HOLDING)} ")
    assert broken == f"{len(BROKEN)}, all caught"


def test_the_document_tells_every_broken_variant_and_how_it_is_caught():
    told = [tuple(row) for row in table_rows("| broken | rule |")]

    assert told == [(v.name, v.rule, str(v.breach)) for v in BROKEN]
