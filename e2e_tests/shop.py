"""What tests of holds, refunds and limits have in common: operators, statuses, acts."""

from typing import Any
from uuid import UUID

from e2e_tests.client import Answer, Client, Member
from e2e_tests.system import System


async def operator(system: System, client: Client) -> Member:
    """A new user who is an operator, and has logged in as one."""
    member = await client.member()
    await set_role(system, member, "operator")
    return await client.login(member.id, member.email)


async def set_role(system: System, member: Member, role: str) -> None:
    """Makes somebody an operator, or takes that away; tokens stay as they are."""
    query = "UPDATE users SET role = $2 WHERE id = $1"
    await system.sql(member.id, query, UUID(member.id), role)


async def set_status(system: System, member: Member, status: str) -> None:
    """Freezes, closes or opens a user's wallet."""
    query = "UPDATE users SET status = $2 WHERE id = $1"
    await system.sql(member.id, query, UUID(member.id), status)


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
