"""Who may act as an operator: the sender's own row says so, whatever its token says."""

from uuid import UUID

import pytest

from gateway.auth import require_acting_operator
from gateway.problems import Problem
from gateway.tokens import Principal, Role
from tests.integration.world import World


async def set_role(world: World, user_id: UUID, role: str) -> None:
    async with world.session(user_id) as conn:
        await conn.execute("UPDATE users SET role = $2 WHERE id = $1", user_id, role)


async def test_an_open_operator_may_act(world: World):
    operator = await world.user(bucket=1)
    await set_role(world, operator, "operator")

    await require_acting_operator(Principal(operator, Role.OPERATOR), world.shards)


@pytest.mark.parametrize(
    ("token", "role", "status"),
    [
        (Role.USER, "operator", "open"),
        (Role.OPERATOR, "user", "open"),
        (Role.OPERATOR, "operator", "frozen"),
        (Role.OPERATOR, "operator", "closed"),
    ],
)
async def test_token_and_row_must_both_say_so(world: World, token: Role, role: str, status: str):
    sender = await world.user(bucket=1)
    await set_role(world, sender, role)
    await world.set_status(sender, status)

    with pytest.raises(Problem) as caught:
        await require_acting_operator(Principal(sender, token), world.shards)

    assert (caught.value.status, caught.value.code) == (403, "operator_only")


@pytest.mark.parametrize("bucket", [1, 4095])
async def test_a_token_of_nobody_does_nothing(world: World, bucket: int):
    nobody = Principal(world.ids.new_id(bucket), Role.OPERATOR)

    with pytest.raises(Problem) as caught:
        await require_acting_operator(nobody, world.shards)

    assert caught.value.code == "operator_only"
