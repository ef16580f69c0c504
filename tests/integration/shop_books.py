"""Clean books of a shop to audit: holds in each status, captures, refunds, a limit, acts."""

from dataclasses import dataclass
from uuid import UUID

from sagas.limits import LimitOrder, set_limit
from sagas.messages import implied_message_of
from sagas.steps.confirm import Confirmed
from sagas.steps.end_hold import EndedBy
from sagas.steps.move import Moved
from sagas.steps.try_transfer import Tried
from shards.movements import MovementKind
from shards.transfers import Transfer
from tests.integration.acting import moved_by_operator, refunded_by_operator, void_as_operator
from tests.integration.holding import (
    ask_refunds,
    capture_part,
    end,
    let_pass,
    open_hold,
    refund,
    refund_request,
)
from tests.integration.world import World

# Buckets in which nobody else of the books lives: the trail of each is its own.
_BOOKERS = 4
_SHOPS = 3
_BUYERS = 6
_SELLERS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class ShopBooks:
    """Ids of rows of every kind; the booker is on shard0, the shop, and its refunds, on shard1."""

    booker: UUID
    shop: UUID
    hold_open: UUID
    hold_captured: UUID
    hold_voided: UUID
    hold_expired: UUID
    hold_rejected: UUID
    capture: UUID
    last_capture: UUID
    refund: UUID
    refund_held: UUID
    deposit_act: UUID
    withdrawal_act: UUID
    refund_act: UUID
    void_act: UUID


async def make_shop_books(world: World) -> ShopBooks:
    """A hold in each status, one of them open with a part captured; refunds of that part."""
    booker = await world.user(bucket=_BOOKERS, funds=1_000)
    shop = await world.user(bucket=_SHOPS)
    await _limit(world, booker, daily=900)
    opened = await open_hold(world, booker, shop, 100)
    capture = await run_capture(world, await capture_part(world, opened, 30, is_final=False))
    taken = await open_hold(world, booker, shop, 50)
    last_capture = await run_capture(world, await capture_part(world, taken, 20))
    voided = await open_hold(world, booker, shop, 11)
    await end(world, voided, EndedBy.VOID)
    expired = await open_hold(world, booker, shop, 12)
    await let_pass(world, expired)
    await end(world, expired, EndedBy.EXPIRY)
    rejected = await open_hold(world, booker, shop, 901)
    return ShopBooks(
        booker=booker,
        shop=shop,
        hold_open=opened.id,
        hold_captured=taken.id,
        hold_voided=voided.id,
        hold_expired=expired.id,
        hold_rejected=rejected.id,
        capture=capture.id,
        last_capture=last_capture.id,
        refund=(await world.run_all(await refund(world, capture, 10))).id,
        refund_held=(await refund(world, capture, 5)).id,
        **await _make_acts(world),
    )


async def run_capture(world: World, captured: Transfer) -> Transfer:
    """Takes a capture, which is born debited, to its end."""
    confirm = implied_message_of(captured)
    assert confirm is not None
    confirmed = await world.confirm(confirm)
    assert isinstance(confirmed, Confirmed)
    await world.settle(confirmed.verdict)
    return await world.read(captured.id)


async def _make_acts(world: World) -> dict[str, UUID]:
    """A row for each act of an operator on money; the last movement is refused."""
    buyer, seller = await world.user(bucket=_BUYERS), await world.user(bucket=_SELLERS)
    deposit = await _moved(world, buyer, MovementKind.DEPOSIT, 40)
    paid = await world.run_all(await world.try_transfer(buyer, seller, 20))
    voided = await open_hold(world, buyer, seller, 13)
    await void_as_operator(world, voided)
    return {
        "deposit_act": deposit,
        "withdrawal_act": await _moved(world, buyer, MovementKind.WITHDRAWAL, 41),
        "refund_act": await _refunded(world, paid, 4),
        "void_act": voided.id,
    }


async def _moved(world: World, user_id: UUID, kind: MovementKind, amount: int) -> UUID:
    """An operator's movement."""
    moved = await world.move(moved_by_operator(world.move_request(user_id, kind, amount)))
    assert isinstance(moved, Moved)
    return moved.movement.id


async def _refunded(world: World, transfer: Transfer, amount: int) -> UUID:
    """An operator's refund."""
    asked = refunded_by_operator(refund_request(world, transfer, amount))
    (tried,) = await ask_refunds(world, asked)
    assert isinstance(tried, Tried)
    return tried.transfer.id


async def _limit(world: World, user_id: UUID, *, daily: int) -> None:
    order = LimitOrder(
        user_id=user_id,
        currency="EUR",
        daily=daily,
        done_by="Ops",
        reason="a test",
        traceparent="",
    )
    await set_limit(world.shards.of_id(user_id), order)
