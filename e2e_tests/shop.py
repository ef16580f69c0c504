"""What tests of holds, refunds and limits have in common."""

from typing import Any
from uuid import UUID

from e2e_tests.client import Answer, Client, Member
from e2e_tests.system import System


async def acts_on(system: System, target_id: str) -> list[tuple[Any, ...]]:
    """(act, who, why) of each act in the trail that is about this row, oldest first."""
    query = (
        "SELECT act, done_by, reason FROM operator_acts WHERE target_id = $1 ORDER BY bucket, seq"
    )
    return [tuple(row) for row in await system.sql(target_id, query, UUID(target_id))]


async def limit(
    client: Client, by: Member, of: Member, daily: object, *, currency: str = "EUR", **more: object
) -> Answer:
    """Sets a spending limit; None takes it away."""
    path = f"{of.wallet}/limits/{currency}"
    return await client.call("PUT", path, {"daily": daily, **more}, by=by)


def amounts(hold: dict[str, Any]) -> tuple[str, str, str]:
    """(status, captured, remaining) of a hold."""
    return hold["status"], hold["captured"], hold["remaining"]


async def paid(client: Client, amount: str = "6.00") -> tuple[Member, Member, str]:
    """Alice, a shop, and the id of what she has paid it."""
    alice, shop = await client.member(EUR="10.00"), await client.member()
    transfer = await client.transfer(alice, shop, amount, wait=10)
    assert transfer.body["status"] == "completed", transfer
    return alice, shop, transfer.body["id"]


async def back_of(client: Client, by: Member, transfer_id: str) -> tuple[str, list[str]]:
    """How much of a transfer has come back, and the refunds."""
    body = (await client.get_transfer(by, transfer_id)).body
    return body["amount_refunded"], body["refunds"]
