"""What a client asks of holds, and what it is told."""

from datetime import timedelta

from reliability.simulation.heard import Asked, Kind, Told
from reliability.simulation.nodes import Gateway
from reliability.simulation.requests import CURRENCY, act_of, fingerprint_of
from sagas.states import Reason
from sagas.steps.capture import CaptureRequest
from sagas.steps.end_hold import EndedBy, EndHold
from sagas.steps.open_hold import HoldRequest
from shards.holds import Hold
from shards.ids import bucket_of
from shards.transfers import Transfer


async def ask_hold(gateway: Gateway, asked: Asked, *, expires_in_s: int) -> Hold:
    """A hold; raises as `GatewayLanes.open_hold`."""
    assert asked.amount is not None
    tried = await gateway.lanes.open_hold(
        HoldRequest(
            hold_id=gateway.ids.new_id(bucket_of(asked.wallet)),
            payer_id=asked.wallet,
            payee_id=asked.payee,
            currency=CURRENCY,
            amount=asked.amount,
            caller=asked.caller,
            idempotency_key=asked.key,
            fingerprint=fingerprint_of(asked),
            metadata=None,
            expires_in=timedelta(seconds=expires_in_s),
            traceparent="",
            refusal=Reason.UNKNOWN_PAYEE if asked.payee is None else None,
            obstacle=None,
        )
    )
    return tried.hold


async def ask_capture(gateway: Gateway, asked: Asked) -> Transfer:
    """A part of a hold or all that is left; the gateway then offers it to the log.

    Raises as `GatewayLanes.capture`.
    """
    assert asked.of is not None
    tried = await gateway.lanes.capture(
        CaptureRequest(
            transfer_id=gateway.ids.new_id(bucket_of(asked.wallet)),
            hold_id=asked.of,
            payer_id=asked.wallet,
            currency=CURRENCY,
            amount=asked.amount,
            is_final=asked.is_final,
            caller=asked.caller,
            idempotency_key=asked.key,
            fingerprint=fingerprint_of(asked),
            metadata=None,
            traceparent="",
            obstacle=None,
        )
    )
    gateway.wake_ups.offer([tried.transfer])
    return tried.transfer


async def ask_void(gateway: Gateway, hold: Hold, *, by_operator: bool) -> Told:
    """A void by its payee or an operator: the hold as it stands then, voided or not.

    Raises as `GatewayLanes.end_hold`.
    """
    request = EndHold(
        hold_id=hold.id,
        payer_id=hold.payer_id,
        ended_by=EndedBy.VOID,
        act=act_of("hold.void", hold.id) if by_operator else None,
    )
    return told_of_hold((await gateway.lanes.end_hold(request)).hold)


def told_of_hold(hold: Hold) -> Told:
    """What a client is told by the row of a hold."""
    asked = Asked(
        kind=Kind.HOLD,
        wallet=hold.payer_id,
        caller=hold.caller,
        payee=hold.payee_id,
        amount=hold.amount,
        key=hold.idempotency_key,
    )
    return Told(
        asked=asked, id=hold.id, status=hold.status, amount=hold.amount, captured=hold.captured
    )
