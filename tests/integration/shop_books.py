"""Clean books of a shop to audit: holds in each status, captures, refunds and a spending limit."""

from dataclasses import dataclass
from uuid import UUID

from sagas.limits import LimitOrder, set_limit
from sagas.messages import implied_message_of
from sagas.steps.confirm import Confirmed
from sagas.steps.end_hold import EndedBy
from shards.transfers import Transfer
from tests.integration.holding import capture_part, end, let_pass, open_hold, refund
from tests.integration.world import World

# Buckets in which nobody else of the books lives: the trail of each is its own.
_BOOKERS = 4
_SHOPS = 3


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
    )


async def run_capture(world: World, captured: Transfer) -> Transfer:
    """Takes a capture, which is born debited, to its end."""
    confirm = implied_message_of(captured)
    assert confirm is not None
    confirmed = await world.confirm(confirm)
    assert isinstance(confirmed, Confirmed)
    await world.settle(confirmed.verdict)
    return await world.read(captured.id)


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
