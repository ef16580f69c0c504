"""One crash point of each kind, on a real PostgreSQL; `make crashpoints` runs all of them."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace

import pytest
from typing_extensions import override

import gateway.lane_runs
import sagas.keyed_batch
import sagas.steps.run
from config.logging import configure_logging
from messaging.errors import BrokerUnavailableError
from reliability.crashpoints.bench import Bench
from reliability.crashpoints.crew import quiet_logs
from reliability.crashpoints.points import Aftermath, CrashPoint, NumberedIo, fates_of
from reliability.crashpoints.scenario import Scenario
from reliability.crashpoints.scenarios import BY_NAME, SCENARIOS
from reliability.simulation.operations import Fate, Io
from sagas.expiry import expire_holds, find_expired
from sagas.steps.end_hold import end_holds
from shards.errors import CommitUnknownError, ShardTransientError
from shards.ids import bucket_of
from shards.opening import open_keyed, open_sides
from shards.operator_acts import add_act
from shards.shard import Shard
from workers.core import WorkerCore
from workers.dead_letters import DeadLetters
from workers.hold_expiry import HoldExpiry
from workers.outbound import Outbound
from workers.step_lanes import StepLanes


@dataclass(frozen=True)
class Kind:
    """One I/O of a kind in a step, with one fault; `which` of several it is, by turns."""

    scenario: Scenario
    kind: Io
    fate: Fate
    which: int

    @override
    def __str__(self) -> str:
        return f"{self.scenario.name}-{self.kind}-{self.fate}"

    def point(self, ios: Sequence[NumberedIo]) -> CrashPoint:
        """The crash point, now that the step's I/Os are numbered."""
        candidates = [io for io in ios if io.kind is self.kind]
        io = candidates[self.which % len(candidates)]
        aftermaths = self.scenario.aftermaths(self.kind, self.fate)
        aftermath = aftermaths[self.which % len(aftermaths)]
        return CrashPoint(self.scenario.name, io.number, self.fate, aftermath)


def one_of_each() -> list[Kind]:
    """Each kind of I/O of each step once; each kind of I/O with each fault, in some step."""
    chosen = []
    turn = dict.fromkeys(Io, 0)
    for scenario in SCENARIOS:
        for kind in sorted(scenario.kinds):
            fates = fates_of(kind)
            fate = fates[turn[kind] % len(fates)]
            chosen.append(Kind(scenario, kind, fate, which=turn[kind]))
            turn[kind] += 1
    return chosen


@pytest.fixture(scope="module")
def bench(scratch_dsn: str) -> Iterator[Bench]:
    """Databases and a loop for all points of this module."""
    quiet_logs()
    made = Bench(scratch_dsn, prefix="crash_points")
    yield made
    made.close()
    configure_logging(level="warning", format_="console")


@pytest.fixture(scope="module")
def numbered(bench: Bench) -> dict[str, Sequence[NumberedIo]]:
    """The I/Os of each step."""
    outcomes = {scenario.name: bench.number(scenario) for scenario in SCENARIOS}
    assert not any(outcome.violations for outcome in outcomes.values()), outcomes
    return {name: outcome.ios for name, outcome in outcomes.items()}


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_each_step_does_the_same_ios_each_time_and_some_of_each_kind(
    bench: Bench, numbered: dict[str, Sequence[NumberedIo]], scenario: Scenario
):
    again = bench.number(scenario)

    assert again.ios == numbered[scenario.name]
    assert {io.kind for io in again.ios} == scenario.kinds


def test_each_kind_of_io_is_tried_with_each_fault_that_it_can_have():
    tried = {(kind.kind, kind.fate) for kind in one_of_each()}

    assert tried == {(kind, fate) for kind in Io for fate in fates_of(kind)}


@pytest.mark.parametrize("kind", one_of_each(), ids=str)
def test_a_fault_at_an_io_changes_no_outcome(
    bench: Bench, numbered: dict[str, Sequence[NumberedIo]], kind: Kind
):
    point = kind.point(numbered[kind.scenario.name])

    assert bench.run(point).violations == [], point


# --- what crash points catch: each rule broken once


@dataclass(frozen=True)
class Wrong:
    """Runs the one point that a broken rule must show at, and says what was found there."""

    bench: Bench

    def at(self, step: str, kind: Io, fate: Fate, aftermath: Aftermath) -> str:
        """Violations at the first I/O of this kind; without a fault there must be none."""
        unharmed = self.bench.number(BY_NAME[step])
        assert unharmed.violations == []
        number = next(io.number for io in unharmed.ios if io.kind is kind)
        return "\n".join(self.bench.run(CrashPoint(step, number, fate, aftermath)).violations)


@pytest.fixture
def wrong(bench: Bench) -> Wrong:
    """What tells whether a planted bug shows."""
    return Wrong(bench)


def test_a_confirm_that_forgets_its_verdict_is_caught(wrong: Wrong, monkeypatch):
    async def forgets(*args, **options):
        return replace(await open_sides(*args, **options), verdicts={})

    monkeypatch.setattr(sagas.steps.run, "open_sides", forgets)

    found = wrong.at("confirm", Io.ACK, Fate.DIES_BEFORE, Aftermath.REDELIVERED)

    assert "entries_leg_key" in found


def test_a_failed_produce_that_is_forgotten_is_caught(wrong: Wrong, monkeypatch):
    async def forgets(self, messages):
        with suppress(BrokerUnavailableError):
            await self._sender.send(messages)

    monkeypatch.setattr(Outbound, "send_raw", forgets)

    found = wrong.at("try-confirm", Io.PRODUCE, Fate.FAILS, Aftermath.RETRIED)

    assert "1 transfers and expired holds open" in found


def test_an_ack_before_the_step_is_caught(wrong: Wrong, monkeypatch):
    take = StepLanes.take

    def acks_first(self, incoming):
        incoming.ack()
        take(self, incoming)

    monkeypatch.setattr(StepLanes, "take", acks_first)

    found = wrong.at("try-confirm", Io.PRODUCE, Fate.DIES_BEFORE, Aftermath.REDELIVERED)

    assert "1 transfers and expired holds open" in found


def test_a_letter_that_is_acked_before_it_is_kept_is_caught(wrong: Wrong, monkeypatch):
    set_aside = DeadLetters.set_aside

    def acks_first(self, arrival, **why):
        arrival.ack()
        set_aside(self, arrival, **why)

    monkeypatch.setattr(DeadLetters, "set_aside", acks_first)

    found = wrong.at("dead-letter", Io.PRODUCE, Fate.DIES_BEFORE, Aftermath.REDELIVERED)
    kept = wrong.at("dead-letter", Io.STATEMENT, Fate.DIES_BEFORE, Aftermath.REDELIVERED)

    assert found == ""
    assert "0 dead letters" in kept


def test_a_key_that_is_not_looked_up_is_caught(wrong: Wrong, monkeypatch):
    async def finds_nothing(*args, **options):
        keyed = await open_keyed(*args, **options)
        return replace(keyed, used={})

    monkeypatch.setattr(sagas.keyed_batch, "open_keyed", finds_nothing)

    found = wrong.at("try", Io.COMMIT, Fate.DIES_AFTER, Aftermath.REDELIVERED)

    assert "the client ended with" in found


def test_an_unknown_commit_taken_for_done_is_caught(wrong: Wrong, monkeypatch):
    transaction = Shard.transaction

    @asynccontextmanager
    async def believes(self, buckets):
        with suppress(CommitUnknownError):
            async with transaction(self, buckets) as conn:
                yield conn

    monkeypatch.setattr(Shard, "transaction", believes)

    found = wrong.at("try", Io.COMMIT, Fate.FAILS, Aftermath.REDELIVERED)

    assert "there is no such row" in found


def test_a_debit_whose_redrive_is_missing_is_caught(wrong: Wrong, monkeypatch):
    monkeypatch.setattr(WorkerCore, "start_redrive", lambda _self: set())

    found = wrong.at("try-confirm", Io.PRODUCE, Fate.DIES_BEFORE, Aftermath.REDRIVEN)
    redelivered = wrong.at("try-confirm", Io.PRODUCE, Fate.DIES_BEFORE, Aftermath.REDELIVERED)

    assert "1 transfers and expired holds open" in found
    assert redelivered == ""


def test_an_act_in_a_transaction_of_its_own_is_caught(wrong: Wrong, monkeypatch):
    async def acts_later(shard, requests, *, wait):
        outcomes = await end_holds(shard, [replace(r, act=None) for r in requests], wait=wait)
        for request in requests:
            async with shard.transaction([bucket_of(request.hold_id)]) as conn:
                await add_act(conn, request.act)
        return outcomes

    monkeypatch.setattr(gateway.lane_runs, "end_holds", acts_later)

    found = wrong.at("void-by-operator", Io.COMMIT, Fate.DIES_AFTER, Aftermath.ABANDONED)

    assert "acts=0" in found


def test_an_expiry_of_holds_that_ends_with_its_first_error_is_caught(wrong: Wrong, monkeypatch):
    async def runs_until_it_fails(self, *, every_s):
        with suppress(ShardTransientError):
            while True:
                due = await find_expired(
                    self._shard, buckets=self._shard.buckets, limit=1, after=None
                )
                await expire_holds(self._shard, due)
                await asyncio.sleep(every_s)

    monkeypatch.setattr(HoldExpiry, "run", runs_until_it_fails)

    found = wrong.at("hold-expiry", Io.COMMIT, Fate.FAILS, Aftermath.REDRIVEN)

    assert "1 transfers and expired holds open" in found
