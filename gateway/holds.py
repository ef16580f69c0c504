"""From checked requests to holds: payees are looked up, the steps are run, Kafka is woken."""

from datetime import timedelta
from uuid import UUID

from gateway.auth import require_party
from gateway.headers import replay_headers
from gateway.lanes import GatewayLanes
from gateway.money_request import MoneyRequest
from gateway.part_request import PartRequest
from gateway.payees import Payees
from gateway.problems import Problem
from gateway.schemas import CaptureBody, HoldBody
from gateway.tokens import Principal
from gateway.wake_ups import WakeUps
from sagas.steps.capture import CaptureRequest
from sagas.steps.end_hold import EndedBy, EndHold
from sagas.steps.open_hold import HoldRequest, HoldTried
from sagas.steps.try_transfer import Tried
from shards.holds import Hold, HoldStatus
from shards.ids import IdSource, bucket_of
from shards.operator_acts import NewAct
from shards.router import ShardMap


class Holds:
    """Opens, captures and voids holds for those who may."""

    def __init__(
        self,
        *,
        shards: ShardMap,
        lanes: GatewayLanes,
        payees: Payees,
        wake_ups: WakeUps,
        ids: IdSource,
        expires_in: timedelta,
    ) -> None:
        self._shards = shards
        self._lanes = lanes
        self._payees = payees
        self._wake_ups = wake_ups
        self._ids = ids
        self._expires_in = expires_in

    def new_id(self, payer_id: UUID) -> UUID:
        """The id that a new hold or capture of this payer will have."""
        return self._ids.new_id(bucket_of(payer_id))

    async def visible(self, hold_id: UUID, principal: Principal) -> Hold:
        """The hold, for its payer, its payee and operators.

        Raises:
            Problem: 404 for everybody else, and for an id that is not there, alike; one that was
                refused never was a hold.
        """
        hold = await self._lanes.read_hold(hold_id) if self._shards.knows(hold_id) else None
        if hold is None or hold.status is HoldStatus.REJECTED:
            raise Problem("not_found")
        require_party(principal, hold.payer_id, hold.payee_id)
        return hold

    async def open(
        self, principal: Principal, asked: MoneyRequest[HoldBody], *, traceparent: str
    ) -> HoldTried:
        """The hold: new and open, or what the key stands for.

        Raises:
            Problem: a refusal, new or replayed (then with `Idempotency-Replayed`).
            Exception: see `gateway.errors`.
        """
        payer_id, body = principal.user_id, asked.body
        payee = await self._payees.find(body.to, payer_id=payer_id)
        tried = await self._lanes.open_hold(
            HoldRequest(
                hold_id=self.new_id(payer_id),
                payer_id=payer_id,
                payee_id=payee.id,
                currency=body.currency,
                amount=body.amount_minor,
                caller=str(payer_id),
                idempotency_key=asked.key,
                fingerprint=asked.fingerprint,
                metadata=asked.metadata,
                expires_in=(
                    self._expires_in
                    if body.expires_in_s is None
                    else timedelta(seconds=body.expires_in_s)
                ),
                traceparent=traceparent,
                refusal=payee.refusal,
                obstacle=asked.obstacle or payee.obstacle,
            )
        )
        if tried.hold.reason is not None:
            raise Problem(tried.hold.reason, headers=replay_headers(replayed=tried.replayed))
        return tried

    async def capture(
        self,
        principal: Principal,
        hold: Hold,
        asked: PartRequest[CaptureBody],
        *,
        transfer_id: UUID,
        traceparent: str,
    ) -> Tried:
        """The capture: new and debited or refused, or what the key stands for.

        Raises:
            Exception: see `gateway.errors`.
        """
        body = asked.body
        tried = await self._lanes.capture(
            CaptureRequest(
                transfer_id=transfer_id,
                hold_id=hold.id,
                payer_id=hold.payer_id,
                currency=hold.currency,
                amount=body.amount_minor,
                is_final=body.final is not False,
                caller=str(principal.user_id),
                idempotency_key=asked.key,
                fingerprint=asked.fingerprint,
                metadata=None,
                traceparent=traceparent,
                obstacle=None,
            )
        )
        # A duplicate repeats the output, too.
        self._wake_ups.offer([tried.transfer])
        return tried

    async def void(self, principal: Principal, hold: Hold, *, reason: str) -> Hold:
        """The hold as it is after its payee, or an operator, let go of it.

        An operator's void goes into the trail.

        Raises:
            Exception: see `gateway.errors`.
        """
        act = None
        if principal.user_id != hold.payee_id:
            act = NewAct(
                act="hold.void",
                target_id=hold.id,
                done_by=str(principal.user_id),
                reason=reason,
                detail=f"hold of {hold.payer_id} for {hold.payee_id}",
            )
        seen = await self._lanes.end_hold(
            EndHold(hold_id=hold.id, payer_id=hold.payer_id, ended_by=EndedBy.VOID, act=act)
        )
        return seen.hold
