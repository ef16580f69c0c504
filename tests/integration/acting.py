"""What operators do with money, as the steps are asked for it."""

from dataclasses import replace
from uuid import UUID

from sagas.steps.end_hold import EndedBy, EndHold, end_holds
from sagas.steps.move import MoveRequest
from sagas.steps.try_transfer import TryRequest
from shards.holds import Hold
from shards.operator_acts import NewAct
from tests.integration.world import World

OPERATOR = "Ops"


def moved_by_operator(request: MoveRequest) -> MoveRequest:
    """The same movement, made by an operator."""
    verb = {"deposit": "deposit", "withdrawal": "withdraw"}[request.kind]
    act = _act(f"movement.{verb}", request.movement_id)
    return replace(request, caller=OPERATOR, act=act)


def refunded_by_operator(request: TryRequest) -> TryRequest:
    """The same refund, made by an operator."""
    return replace(request, caller=OPERATOR, act=_act("transfer.refund", request.transfer_id))


async def void_as_operator(world: World, hold: Hold) -> None:
    """An operator's void."""
    act = _act("hold.void", hold.id)
    request = EndHold(hold_id=hold.id, payer_id=hold.payer_id, ended_by=EndedBy.VOID, act=act)
    await end_holds(world.shards.of_id(hold.payer_id), [request], wait=True)


def _act(act: str, target_id: UUID) -> NewAct:
    return NewAct(
        act=act, target_id=target_id, done_by=OPERATOR, reason="a test", detail="for a test"
    )
