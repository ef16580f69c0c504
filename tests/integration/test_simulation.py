"""Seeds of the simulation, those that failed once, and what a planted bug does to a run."""

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import sagas.redrive
import sagas.steps.run
import sagas.steps.try_transfer
import sagas.user_acts
import shards.users
from messaging.sender import Outgoing
from reliability.simulation.endings import too_rare
from reliability.simulation.many import known_regressions, run_seeds
from reliability.simulation.run import PAYMENTS, Result
from sagas.messages import Message
from sagas.payee_side import PayeeSide
from sagas.states import Reason
from sagas.steps.confirm import Confirmed
from sagas.steps.try_transfer import TryRequest
from shards.transfers import Transfer
from shards.verdicts import VerdictKind
from workers.outbound import Outbound

ROOT = Path(__file__).parents[2]
SEEDS = range(1, 51)
SHARE = 5
# Enough for any of the planted bugs to show in one of them.
SEEDS_FOR_A_BUG = range(1, 16)


@pytest.fixture(autouse=True)
def _quiet(quiet_logs: None) -> None:
    """What the engine logs of faults that are meant would bury what a run has to say."""


def violations(results: Sequence[Result]) -> list[str]:
    return [
        f"seed {result.seed} (make simulate SEED={result.seed}): {violation}"
        for result in results
        for violation in result.violations
    ]


@pytest.fixture(scope="module")
def run_share(scratch_dsn: str) -> Callable[[int], list[Result]]:
    """Runs the seeds from one on, once for all tests that look at them."""
    return cache(
        lambda first: run_seeds(scratch_dsn, range(first, first + SHARE), payments=PAYMENTS)
    )


@pytest.mark.parametrize("first", SEEDS[::SHARE], ids=lambda first: f"{first}-{first + SHARE - 1}")
def test_no_seed_loses_doubles_or_strands_a_cent(
    run_share: Callable[[int], list[Result]], first: int
) -> None:
    assert violations(run_share(first)) == []


def test_the_seeds_reach_every_ending_often_enough(
    run_share: Callable[[int], list[Result]],
) -> None:
    endings: Counter[str] = Counter()
    for first in SEEDS[::SHARE]:
        for result in run_share(first):
            endings += result.endings

    assert too_rare(endings, seeds=len(SEEDS)) == []


def test_seeds_that_failed_once_do_not_fail_again(scratch_dsn: str) -> None:
    seeds = known_regressions()

    assert violations(run_seeds(scratch_dsn, seeds, payments=PAYMENTS)) == []
    assert seeds, "regressions.txt names none"


def test_a_seed_is_the_same_schedule_and_the_same_rows_each_time(scratch_dsn: str) -> None:
    """Also after other seeds, and in a process in which Python's hashes are others."""
    *_, here = run_seeds(scratch_dsn, [2, 3, 4], payments=PAYMENTS)
    program = (
        "from config.logging import configure_logging;"
        " from reliability.simulation.many import run_seeds;"
        " configure_logging(level='critical', format_='console');"
        f" (there,) = run_seeds({scratch_dsn!r}, [4], payments={PAYMENTS});"
        " print(there.fingerprint)"
    )

    there = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": "4711"},
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )

    assert there.stdout.splitlines()[-1] == here.fingerprint
    assert len(here.schedule) > 500


# --- planted bugs


def found(scratch_dsn: str) -> list[str]:
    """What the first seed that finds anything says of the engine as it is now."""
    for seed in SEEDS_FOR_A_BUG:
        said = violations(run_seeds(scratch_dsn, [seed], payments=PAYMENTS, drain_s=30.0))
        if said:
            return said
    return []


def test_users_that_are_not_locked_are_found(
    scratch_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("lock_users", "lock_users_not_locked"):
        unlocked = shards.users._SQL[name].replace("FOR NO KEY UPDATE", "")
        assert unlocked != shards.users._SQL[name]
        monkeypatch.setitem(shards.users._SQL, name, unlocked.replace("SKIP LOCKED", ""))

    assert found(scratch_dsn)


def test_a_redrive_that_does_not_redrive_is_found(
    scratch_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def none_due(*_args: Any, **_options: Any) -> list[tuple[Transfer, bool]]:
        return []

    monkeypatch.setattr(sagas.redrive, "claim_due", none_due)

    assert "not over" in found(scratch_dsn)[0]


def test_a_confirm_that_tells_another_verdict_than_it_wrote_is_found(
    scratch_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then the payee has the money, and the payer gets it back."""
    monkeypatch.setattr(sagas.steps.run, "confirm", _refused)

    assert any("audit: " in said for said in found(scratch_dsn))


def _refused(side: PayeeSide, message: Message) -> Confirmed:
    verdict = side.verdict(message)
    if verdict.kind is VerdictKind.REFUSED:
        return Confirmed(verdict)
    return Confirmed(replace(verdict, kind=VerdictKind.REFUSED, reason=Reason.PAYEE_CLOSED.value))


def test_an_amount_that_is_not_the_one_asked_for_is_found(
    scratch_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All rows agree with each other: only who asked knows."""
    make = sagas.steps.try_transfer._Batch._make

    def make_more(self: Any, request: TryRequest) -> Transfer:
        if request.amount is None:
            return make(self, request)
        return make(self, replace(request, amount=request.amount + 1))

    monkeypatch.setattr(sagas.steps.try_transfer._Batch, "_make", make_more)

    assert "the row says" in found(scratch_dsn)[0]


def test_a_close_that_does_not_look_into_the_wallet_is_found(
    scratch_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def is_taken_for_empty(*_args: Any) -> bool:
        return True

    monkeypatch.setattr(sagas.user_acts, "is_wallet_empty", is_taken_for_empty)

    said = found(scratch_dsn)
    assert any("user_closed" in one for one in said), said


# --- what the engine bears


def test_messages_that_workers_never_send_are_brought_by_redrive(
    scratch_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def send_none(_self: Outbound, _messages: Sequence[Outgoing]) -> None:
        return

    monkeypatch.setattr(Outbound, "send_raw", send_none)

    assert found(scratch_dsn) == []
