"""Refunds that a person asks for: a transfer back, tried on the shard of who was paid."""

from datetime import timedelta
from uuid import UUID

from gateway.in_flight import InFlightWatch
from gateway.lanes import GatewayLanes
from gateway.part_request import PartRequest
from gateway.payees import Payees
from gateway.schemas import RefundBody
from gateway.tokens import Principal
from gateway.wake_ups import WakeUps
from sagas.keyed_batch import UnknownWalletError
from sagas.refund_caps import NotCompletedError
from sagas.steps.try_transfer import Tried, TryRequest
from shards.ids import IdSource, bucket_of
from shards.operator_acts import NewAct
from shards.transfers import Transfer


class Refunds:
    """Tries refunds for those who may."""

    def __init__(
        self,
        *,
        lanes: GatewayLanes,
        payees: Payees,
        wake_ups: WakeUps,
        in_flight: InFlightWatch,
        ids: IdSource,
        expires_in: timedelta,
    ) -> None:
        self._lanes = lanes
        self._payees = payees
        self._wake_ups = wake_ups
        self._in_flight = in_flight
        self._ids = ids
        self._expires_in = expires_in

    def new_id(self, transfer: Transfer) -> UUID:
        """The id that a new refund of this transfer will have: with the bucket of who pays it."""
        assert transfer.payee_id is not None, "a transfer without a payee was rejected"
        return self._ids.new_id(bucket_of(transfer.payee_id))

    async def ask(
        self,
        principal: Principal,
        transfer: Transfer,
        asked: PartRequest[RefundBody],
        *,
        refund_id: UUID,
        traceparent: str,
    ) -> Tried:
        """The refund: new and held or refused, or what the key stands for.

        An operator's refund of what others were paid goes into the trail.

        Args:
            principal: the payee of the transfer, or an operator.
            transfer: with a payee; whether it is completed is for the payee's shard to say.
            asked: how much of it.
            refund_id: of `new_id`.
            traceparent: of this request.

        Raises:
            Exception: see `gateway.errors`.
        """
        payer_id = transfer.payee_id
        assert payer_id is not None, "a transfer without a payee was rejected"
        payee = await self._payees.find(transfer.payer_id, payer_id=payer_id)
        request = TryRequest(
            transfer_id=refund_id,
            payer_id=payer_id,
            payee_id=payee.id,
            currency=transfer.currency,
            amount=asked.body.amount_minor,
            caller=str(principal.user_id),
            idempotency_key=asked.key,
            fingerprint=asked.fingerprint,
            metadata=None,
            expires_in=self._expires_in,
            traceparent=traceparent,
            refund_of=transfer.id,
            refusal=payee.refusal,
            obstacle=self._in_flight.obstacle(payer_id) or payee.obstacle,
            act=_act(principal, transfer, asked, refund_id=refund_id),
        )
        try:
            tried = await self._lanes.try_transfer(request)
        except UnknownWalletError as error:
            # A payee that was taken on trust while its shard was away, and is nobody.
            raise NotCompletedError(transfer.id) from error
        # A duplicate repeats the output, too.
        self._wake_ups.offer([tried.transfer])
        return tried


def _act(
    principal: Principal, transfer: Transfer, asked: PartRequest[RefundBody], *, refund_id: UUID
) -> NewAct | None:
    if principal.user_id == transfer.payee_id:
        return None
    return NewAct(
        act="transfer.refund",
        target_id=refund_id,
        done_by=str(principal.user_id),
        reason=asked.body.reason,
        detail=f"refund of transfer {transfer.id}",
    )
