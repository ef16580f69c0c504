"""Holds, refunds and limits of a run in small, as a client would have written them down."""

from dataclasses import dataclass, replace
from uuid import UUID

from gateway.errors import translate
from reliability.history import Answer, AskHold, AskLimit, AskOfHold, AskPart, Kind
from sagas.limits import LimitOrder, set_limit
from sagas.outcomes import Failed
from sagas.steps.end_hold import EndedBy
from sagas.steps.open_hold import HoldTried
from sagas.steps.try_transfer import Tried
from shards.holds import Hold, HoldStatus
from shards.movements import MovementKind
from shards.transfers import Transfer
from tests.integration.checker_books import Client, Names, tried_answer
from tests.integration.holding import (
    ask_captures,
    ask_holds,
    ask_refunds,
    capture_request,
    end,
    hold_request,
    let_pass,
    read_hold,
    refund_request,
)
from tests.integration.world import World


@dataclass(frozen=True, slots=True)
class Shop:
    """What a shopper, a merchant and an operator do."""

    client: Client
    shopper: UUID
    merchant: UUID
    operator: UUID

    @property
    def world(self) -> World:
        return self.client.world

    async def hold(
        self, amount: int, *, key: str, payee: UUID | None = None, expires_in_s: int | None = None
    ) -> Hold:
        to = payee or self.merchant
        ask = AskHold(
            payer=str(self.shopper),
            payee=str(to),
            currency="EUR",
            amount=amount,
            key=key,
            expires_in_s=expires_in_s,
        )
        op = self.client.invoke(ask)
        request = hold_request(self.world, self.shopper, to, amount, key=key)
        (tried,) = await ask_holds(self.world, request)
        assert isinstance(tried, HoldTried)
        if tried.hold.status is HoldStatus.REJECTED:
            self.client.answer(op, Answer(status=422, code=tried.hold.reason))
        else:
            shown = _shown(tried.hold)
            answer = replace(shown, status=201, id=str(tried.hold.id), replayed=tried.replayed)
            self.client.answer(op, answer)
        return tried.hold

    async def capture(
        self,
        hold: Hold,
        amount: int | None = None,
        *,
        key: str,
        final: bool | None = None,
        by: UUID | None = None,
    ) -> Transfer | None:
        user = by or hold.payee_id
        ask = AskPart(
            kind=Kind.CAPTURE,
            part_of=str(hold.id),
            user=str(user),
            payer=str(hold.payer_id),
            payee=str(hold.payee_id),
            currency="EUR",
            key=key,
            amount=amount,
            final=final,
        )
        op = self.client.invoke(ask)
        request = capture_request(self.world, hold, amount, is_final=final is not False, key=key)
        (outcome,) = await ask_captures(self.world, replace(request, caller=str(user)))
        return self._answer(op, outcome)

    async def refund(
        self, transfer: Transfer, amount: int | None = None, *, key: str
    ) -> Transfer | None:
        ask = AskPart(
            kind=Kind.REFUND,
            part_of=str(transfer.id),
            user=str(transfer.payee_id),
            payer=str(transfer.payee_id),
            payee=str(transfer.payer_id),
            currency="EUR",
            key=key,
            amount=amount,
        )
        op = self.client.invoke(ask)
        request = refund_request(self.world, transfer, amount, key=key)
        (outcome,) = await ask_refunds(self.world, request)
        return self._answer(op, outcome)

    async def void(self, hold: Hold) -> None:
        op = self.client.invoke(
            AskOfHold(kind=Kind.VOID, hold=str(hold.id), user=str(hold.payee_id))
        )
        ended = await end(self.world, hold, EndedBy.VOID)
        if ended.status is HoldStatus.VOIDED:
            self.client.answer(op, _shown(ended))
        else:
            self.client.answer(op, Answer(status=409, code="hold_closed"))

    async def look(self, hold: Hold) -> None:
        ask = AskOfHold(kind=Kind.READ_HOLD, hold=str(hold.id), user=str(hold.payer_id))
        op = self.client.invoke(ask)
        self.client.answer(op, _shown(await read_hold(self.world, hold)))

    async def limit(self, daily: int | None) -> int:
        """Sets the shopper's limit; what it has spent today."""
        ask = AskLimit(
            user=str(self.shopper), currency="EUR", operator=str(self.operator), daily=daily
        )
        op = self.client.invoke(ask)
        order = LimitOrder(
            user_id=self.shopper,
            currency="EUR",
            daily=daily,
            done_by=str(self.operator),
            reason="a test",
            traceparent="",
        )
        limit = await set_limit(self.world.shards.of_id(self.shopper), order)
        self.client.answer(op, Answer(status=200, daily=limit.daily))
        return limit.spent

    def _answer(self, op: int, outcome: Tried | Failed) -> Transfer | None:
        if isinstance(outcome, Failed):
            problem = translate(outcome.error)
            assert problem is not None
            self.client.answer(op, Answer(status=problem.status, code=problem.code))
            return None
        told = tried_answer(outcome)
        amount = outcome.transfer.amount if told.code is None else None
        self.client.answer(op, replace(told, amount=amount))
        return outcome.transfer


def _shown(hold: Hold) -> Answer:
    return Answer(
        status=200,
        hold_status=hold.status.value,
        captured=hold.captured,
        remaining=hold.remaining,
    )


async def make_parts(client: Client, closing: UUID) -> Names:
    """Holds that end in every way, refunds that arrive or do not, and limits that bite."""
    shop = Shop(
        client,
        shopper=await client.user(bucket=4),
        merchant=await client.user(bucket=5),
        operator=await client.user(bucket=6),
    )
    await client.move(shop.shopper, MovementKind.DEPOSIT, 10_000, key="hd")
    names = await _capture(shop)
    names |= await _end_otherwise(shop, closing)
    names |= await _limit(shop)
    await client.balance(shop.shopper, shop.merchant)
    users = {"shopper": shop.shopper, "merchant": shop.merchant, "operator": shop.operator}
    return names | {name: str(id_) for name, id_ in users.items()}


async def _capture(shop: Shop) -> Names:
    hold = await shop.hold(600, key="h1")
    await shop.hold(600, key="h1")
    await shop.client.balance(shop.shopper)
    first = await shop.capture(hold, 200, key="c1", final=False)
    assert first is not None
    await shop.look(hold)
    await shop.world.drain([first.id])
    await shop.client.look(first)
    await shop.capture(hold, 500, key="c2")
    last = await shop.capture(hold, 300, key="c3")
    assert last is not None
    await shop.capture(hold, 300, key="c3")
    await shop.capture(hold, 1, key="c4")
    await shop.void(hold)
    await shop.look(hold)
    await shop.refund(last, 1, key="r0")
    await shop.world.drain([last.id])
    await shop.client.balance(shop.shopper, shop.merchant)
    return await _refund(shop, first, last) | {
        "hold": str(hold.id),
        "capture": str(first.id),
        "last_capture": str(last.id),
    }


async def _refund(shop: Shop, first: Transfer, last: Transfer) -> Names:
    part = await shop.refund(first, 50, key="r1")
    assert part is not None
    await shop.world.drain([part.id])
    await shop.client.look(part)
    await shop.client.look(first)
    rest = await shop.refund(first, key="r2")
    assert rest is not None
    await shop.world.drain([rest.id])
    await shop.refund(first, 1, key="r3")
    await shop.client.look(first)
    cancelled = await shop.refund(last, 100, key="r4")
    assert cancelled is not None
    await shop.client.cancel(cancelled)
    await shop.refund(last, 10**6, key="r5")
    return {"refund": str(part.id), "cancelled_refund": str(cancelled.id)}


async def _end_otherwise(shop: Shop, closing: UUID) -> Names:
    voided = await shop.hold(50, key="h2")
    part = await shop.capture(voided, 10, key="c5", final=False)
    assert part is not None
    await shop.world.drain([part.id])
    await shop.void(voided)
    await shop.client.balance(shop.shopper)
    await shop.void(voided)
    await shop.capture(voided, 1, key="c6")
    expired = await shop.hold(40, key="h3", expires_in_s=3)
    await let_pass(shop.world, expired)
    await shop.capture(expired, 1, key="c7")
    await end(shop.world, expired, EndedBy.EXPIRY)
    await shop.void(expired)
    await shop.look(expired)
    rejected = await shop.hold(10**6, key="h4")
    whole = await shop.hold(70, key="h5")
    taken = await shop.capture(whole, key="c8", by=shop.shopper)
    returning = await shop.hold(80, key="h6", payee=closing)
    returned = await shop.capture(returning, key="c9")
    assert taken is not None
    assert returned is not None
    await shop.client.look(returned)
    left = await shop.hold(20, key="h7")
    await shop.world.set_status(shop.shopper, "frozen")
    await shop.capture(left, 5, key="c10")
    await shop.world.set_status(shop.shopper, "open")
    await shop.world.drain([taken.id])
    await shop.world.drain([returned.id])
    return {
        "voided_hold": str(voided.id),
        "expired_hold": str(expired.id),
        "rejected_hold": str(rejected.id),
        "whole_hold": str(whole.id),
        "returning_hold": str(returning.id),
        "open_hold": str(left.id),
        "captured_whole": str(taken.id),
        "returned": str(returned.id),
    }


async def _limit(shop: Shop) -> Names:
    spent = await shop.limit(10**9)
    await shop.limit(spent + 100)
    within = await shop.client.transfer(shop.shopper, shop.merchant, 60, key="l1")
    over = await shop.client.transfer(shop.shopper, shop.merchant, 41, key="l2")
    await shop.client.move(shop.shopper, MovementKind.WITHDRAWAL, 41, key="l3")
    await shop.void(await shop.hold(40, key="l4"))
    await shop.hold(41, key="l5")
    await shop.limit(None)
    await shop.client.move(shop.shopper, MovementKind.WITHDRAWAL, 41, key="l6")
    await shop.world.run_all(within)
    return {"within": str(within.id), "over": str(over.id)}
