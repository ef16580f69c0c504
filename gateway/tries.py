"""From a checked request to a try: the payee is looked up, the try is run, Kafka is woken."""

from datetime import timedelta
from uuid import UUID

from gateway.in_flight import InFlightWatch
from gateway.lanes import GatewayLanes
from gateway.money_request import MoneyRequest
from gateway.payees import Payees
from gateway.problems import Problem
from gateway.schemas import TransferBody
from gateway.tokens import Principal
from gateway.try_confirms import TryConfirms
from sagas.states import Status
from sagas.steps.try_transfer import Tried, TryRequest
from shards.ids import IdSource, bucket_of


class Tries:
    """Tries transfers of their senders."""

    def __init__(
        self,
        *,
        lanes: GatewayLanes,
        payees: Payees,
        try_confirms: TryConfirms,
        in_flight: InFlightWatch,
        ids: IdSource,
        expires_in: timedelta,
    ) -> None:
        self._lanes = lanes
        self._payees = payees
        self._try_confirms = try_confirms
        self._in_flight = in_flight
        self._ids = ids
        self._expires_in = expires_in

    def new_id(self, payer_id: UUID) -> UUID:
        """The id that a new transfer of this payer will have."""
        return self._ids.new_id(bucket_of(payer_id))

    async def ask(
        self,
        principal: Principal,
        asked: MoneyRequest[TransferBody],
        *,
        transfer_id: UUID,
        traceparent: str,
    ) -> Tried:
        """The transfer: new and held, or what the key stands for.

        Raises:
            Problem: a refusal, new or replayed (then with `Idempotency-Replayed`).
            Exception: see `gateway.errors`.
        """
        body = asked.body
        # A 429 comes before the others, and like them after the key.
        too_much = self._in_flight.obstacle(principal.user_id)
        payee = await self._payees.find(body.to, payer_id=principal.user_id)
        tried = await self._lanes.try_transfer(
            TryRequest(
                transfer_id=transfer_id,
                payer_id=principal.user_id,
                payee_id=payee.id,
                currency=body.currency,
                amount=body.amount_minor,
                caller=str(principal.user_id),
                idempotency_key=asked.key,
                fingerprint=asked.fingerprint,
                metadata=asked.metadata,
                expires_in=self._expiry(body.expires_in_s),
                traceparent=traceparent,
                refusal=payee.refusal,
                obstacle=too_much or asked.obstacle or payee.obstacle,
            )
        )
        if tried.transfer.status == Status.REJECTED:
            headers = {"Idempotency-Replayed": "true"} if tried.replayed else {}
            raise Problem(str(tried.transfer.reason), headers=headers)
        # A duplicate repeats the output, too.
        self._try_confirms.offer([tried.transfer])
        return tried

    def _expiry(self, asked_s: int | None) -> timedelta:
        return self._expires_in if asked_s is None else timedelta(seconds=asked_s)
