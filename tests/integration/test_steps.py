"""The steps on a real PostgreSQL, one behaviour each."""

import pytest

from sagas.messages import Message, Step
from sagas.outcomes import SKIPPED, Failed, SetAside
from sagas.states import Reason, Status
from sagas.steps.cancel import AskedBy, CancelDone
from sagas.steps.confirm import Confirmed
from sagas.steps.settle import Settled
from sagas.steps.try_confirm import TryConfirmed
from sagas.steps.try_transfer import Tried
from shards.verdicts import VerdictKind
from tests.integration.world import World

# Both ways of running a step: the outcome must be the same.
pytestmark = pytest.mark.parametrize(
    "world", [True, False], indirect=True, ids=["locked", "unlocked"]
)

SAME_SHARD = pytest.mark.parametrize("same_shard", [True, False], ids=["one-shard", "two-shards"])


@SAME_SHARD
async def test_a_transfer_moves_its_amount_once(world: World, same_shard: bool):
    payer, payee = await world.pair(same_shard=same_shard, funds=100)

    done = await world.run_all(await world.try_transfer(payer, payee, 60))

    assert done.status == Status.COMPLETED
    assert await world.balance(payer) == (40, 0)
    assert await world.balance(payee) == (60, 0)


async def test_a_try_reserves_and_the_next_one_sees_it(world: World):
    payer, payee = await world.pair(funds=100)

    first, second = await world.try_together([(payer, payee, 60), (payer, payee, 60)])

    assert isinstance(first, Tried)
    assert first.transfer.status == Status.HELD
    assert isinstance(second, Tried)
    assert (second.transfer.status, second.transfer.reason) == (
        Status.REJECTED,
        Reason.INSUFFICIENT_FUNDS,
    )
    assert await world.balance(payer) == (100, 60)


async def test_the_same_key_in_one_batch_is_one_transfer(world: World):
    payer, payee = await world.pair(funds=100)

    outcomes = await world.try_together([(payer, payee, 10)] * 3, key="k")

    assert all(isinstance(outcome, Tried) for outcome in outcomes)
    assert {o.transfer.id for o in outcomes if isinstance(o, Tried)} == {
        outcomes[0].transfer.id  # type: ignore[union-attr]  # asserted above
    }
    assert [o.replayed for o in outcomes if isinstance(o, Tried)] == [False, True, True]
    assert await world.balance(payer) == (100, 10)


async def test_a_key_that_stands_for_another_request_is_refused(world: World):
    payer, payee = await world.pair(funds=100)
    await world.try_together([(payer, payee, 10)], key="k")

    (outcome,) = await world.try_together([(payer, payee, 11)], key="k")

    assert isinstance(outcome, Failed)
    assert type(outcome.error).__name__ == "KeyReusedError"
    assert await world.balance(payer) == (100, 10)


async def test_a_repeated_try_confirm_repeats_its_confirm_and_debits_once(world: World):
    payer, payee = await world.pair(funds=100)
    transfer = await world.try_transfer(payer, payee, 60)

    outcomes = [await world.try_confirm(transfer) for _ in range(3)]

    confirms = {o.confirm for o in outcomes if isinstance(o, TryConfirmed)}
    assert len(confirms) == 1
    assert None not in confirms
    assert await world.balance(payer) == (40, 0)


async def test_a_repeated_confirm_returns_the_verdict_and_credits_once(world: World):
    payer, payee = await world.pair(funds=100)
    confirm = await world.debited(payer, payee, 60)

    outcomes = [await world.confirm(confirm) for _ in range(3)]

    assert {o.verdict for o in outcomes if isinstance(o, Confirmed)} == {
        outcomes[0].verdict  # type: ignore[union-attr]  # a set of one
    }
    assert await world.balance(payee) == (60, 0)


async def test_a_closed_payee_refuses_and_the_money_comes_back_once(world: World):
    payer, payee = await world.pair(funds=100)
    confirm = await world.debited(payer, payee, 60)
    await world.set_status(payee, "closed")

    refused = await world.confirm(confirm)
    await world.rewrite_status(payee, "open")
    again = await world.confirm(confirm)
    assert isinstance(refused, Confirmed)
    settled = [await world.settle(refused.verdict) for _ in range(3)]

    assert again == refused
    assert refused.verdict.kind is VerdictKind.REFUSED
    assert {s.transfer.status for s in settled if isinstance(s, Settled)} == {Status.REFUNDED}
    assert await world.balance(payer) == (100, 0)
    assert await world.balance(payee) == (0, 0)


async def test_a_payee_that_does_not_exist_refuses(world: World):
    payer, payee = await world.pair(funds=100)
    stranger = world.ids.new_id(payee.int >> 64 & 0xFFF)
    confirm = await world.debited(payer, stranger, 60)

    outcome = await world.confirm(confirm)

    assert isinstance(outcome, Confirmed)
    assert outcome.verdict.reason == Reason.UNKNOWN_PAYEE


async def test_cancel_lets_go_what_is_held_and_never_what_is_debited(world: World):
    payer, payee = await world.pair(funds=100)
    held = await world.try_transfer(payer, payee, 30)
    debited = await world.debited(payer, payee, 60)

    first = await world.cancel(held, AskedBy.PAYER)
    late = await world.cancel(await world.read(debited.transfer_id), AskedBy.PAYER)

    assert isinstance(first, CancelDone)
    assert first.transfer.status == Status.CANCELLED
    assert isinstance(late, CancelDone)
    assert late.transfer.status == Status.DEBITED
    assert await world.balance(payer) == (40, 0)


async def test_the_clock_cancels_only_what_has_expired(world: World):
    payer, payee = await world.pair(funds=100)
    fresh = await world.try_transfer(payer, payee, 10)
    old = await world.try_transfer(payer, payee, 20)
    await world.expire(old)

    outcomes = [await world.cancel(t, AskedBy.EXPIRY) for t in (fresh, old)]

    assert [o.transfer.status for o in outcomes if isinstance(o, CancelDone)] == [
        Status.HELD,
        Status.CANCELLED,
    ]
    assert await world.balance(payer) == (100, 10)


@pytest.mark.parametrize("status", ["frozen", "closed"])
async def test_try_confirm_cancels_when_the_payer_may_not_pay_any_more(world: World, status: str):
    payer, payee = await world.pair(funds=100)
    transfer = await world.try_transfer(payer, payee, 60)
    await world.rewrite_status(payer, status)

    outcome = await world.try_confirm(transfer)

    assert isinstance(outcome, TryConfirmed)
    assert (outcome.transfer.status, outcome.confirm) == (Status.CANCELLED, None)
    assert outcome.transfer.reason == f"payer_{status}"
    assert await world.balance(payer) == (100, 0)


async def test_a_message_that_names_no_transfer_is_set_aside(world: World):
    payer, payee = await world.pair(funds=100)
    transfer = await world.try_transfer(payer, payee, 60)
    forged = Message(
        step=Step.TRY_CONFIRM,
        transfer_id=world.ids.new_id(payer.int >> 64 & 0xFFF),
        payer_id=payer,
        payee_id=payee,
        currency="EUR",
        amount=60,
        refund_of=None,
        traceparent="",
    )

    outcome = await world.run_try_confirm([forged])

    assert outcome == [SetAside("unknown_transfer", outcome[0].detail)]  # type: ignore[union-attr]
    assert (await world.read(transfer.id)).status == Status.HELD


async def test_a_locked_user_is_skipped_and_its_neighbour_goes_on(world: World):
    payer, payee = await world.pair(funds=100)
    other, _ = await world.pair(funds=100)
    first = await world.try_transfer(payer, payee, 10)
    second = await world.try_transfer(other, payee, 10)

    async with world.locked(payer):
        outcomes = [await world.try_confirm(t, wait=False) for t in (first, second)]

    assert outcomes[0] is SKIPPED
    assert isinstance(outcomes[1], TryConfirmed)


async def test_redrive_claims_what_is_due_once_and_says_what_it_implies(world: World):
    payer, payee = await world.pair(funds=100)
    held = await world.try_transfer(payer, payee, 10)
    debited = (await world.debited(payer, payee, 20)).transfer_id
    expired = await world.try_transfer(payer, payee, 30)
    await world.make_due(held.id, debited, expired.id)
    await world.expire(expired)

    claimed = await world.redrive(payer)
    again = await world.redrive(payer)

    assert {(m.transfer_id, m.step) for m in claimed} == {
        (held.id, Step.TRY_CONFIRM),
        (debited, Step.CONFIRM),
        (expired.id, Step.CANCEL),
    }
    assert again == []
