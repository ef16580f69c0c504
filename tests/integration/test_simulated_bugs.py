"""What a bug that is planted in the engine does to a run: the first seeds find it."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

import sagas.redrive
import sagas.steps.run
import sagas.steps.try_transfer
import sagas.user_acts
import shards.users
from messaging.sender import Outgoing
from sagas.messages import Message
from sagas.payee_side import PayeeSide
from sagas.states import Reason
from sagas.steps.confirm import Confirmed
from sagas.steps.try_transfer import TryRequest
from shards.transfers import Transfer
from shards.verdicts import VerdictKind
from tests.integration.simulated import first_found
from workers.outbound import Outbound

# Enough for any of the bugs to show in one of them.
SEEDS = range(1, 16)
# What the engine logs of faults that are meant would bury what a run has to say.
pytestmark = pytest.mark.usefixtures("quiet_logs")


def test_users_that_are_not_locked_are_found(
    scratch_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("lock_users", "lock_users_not_locked"):
        unlocked = shards.users._SQL[name].replace("FOR NO KEY UPDATE", "")
        assert unlocked != shards.users._SQL[name]
        monkeypatch.setitem(shards.users._SQL, name, unlocked.replace("SKIP LOCKED", ""))

    assert first_found(scratch_dsn, SEEDS)


def test_a_redrive_that_does_not_redrive_is_found(
    scratch_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def none_due(*_args: Any, **_options: Any) -> list[tuple[Transfer, bool]]:
        return []

    monkeypatch.setattr(sagas.redrive, "claim_due", none_due)

    assert "not over" in first_found(scratch_dsn, SEEDS)[0]


def test_a_confirm_that_tells_another_verdict_than_it_wrote_is_found(
    scratch_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then the payee has the money, and the payer gets it back."""
    monkeypatch.setattr(sagas.steps.run, "confirm", _refused)

    assert any("audit: " in said for said in first_found(scratch_dsn, SEEDS))


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

    assert "the row says" in first_found(scratch_dsn, SEEDS)[0]


def test_a_close_that_does_not_look_into_the_wallet_is_found(
    scratch_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def is_taken_for_empty(*_args: Any) -> bool:
        return True

    monkeypatch.setattr(sagas.user_acts, "is_wallet_empty", is_taken_for_empty)

    said = first_found(scratch_dsn, SEEDS)
    assert any("user_closed" in one for one in said), said


# --- what the engine bears


def test_messages_that_workers_never_send_are_brought_by_redrive(
    scratch_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def send_none(_self: Outbound, _messages: Sequence[Outgoing]) -> None:
        return

    monkeypatch.setattr(Outbound, "send_raw", send_none)

    assert first_found(scratch_dsn, SEEDS[:8]) == []
