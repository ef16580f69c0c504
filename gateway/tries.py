"""From checked requests to tries: payees are looked up, the tries are run, Kafka is woken."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from gateway.headers import replay_headers
from gateway.in_flight import InFlightWatch
from gateway.lanes import GatewayLanes
from gateway.money_request import MoneyRequest
from gateway.payees import Payee, Payees
from gateway.problems import Problem
from gateway.schemas import TransferBody
from gateway.tokens import Principal
from gateway.wake_ups import WakeUps
from sagas.keyed_batch import UnknownWalletError
from sagas.outcomes import Failed
from sagas.states import Status
from sagas.steps.try_transfer import Tried, TryRequest
from shards.ids import IdSource, bucket_of
from shards.records import record


@record
class _Sender:
    """What the transfers of one request have in common; `too_much` is a 429 of its shard."""

    payer_id: UUID
    caller: str
    traceparent: str
    too_much: Exception | None


class Tries:
    """Tries transfers of their senders."""

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
        """The transfer: new and held or refused (see `refusal_of`), or what the key stands for.

        Raises:
            Exception: see `gateway.errors`.
        """
        sender = self._sender(principal, traceparent)
        payee = await self._payees.find(asked.body.to, payer_id=principal.user_id)
        tried = await self._lanes.try_transfer(
            self._request(asked, payee, sender, transfer_id=transfer_id)
        )
        # A duplicate repeats the output, too.
        self._wake_ups.offer([tried.transfer])
        return tried

    async def ask_all(
        self,
        principal: Principal,
        asked: Sequence[MoneyRequest[TransferBody]],
        *,
        traceparent: str,
    ) -> list[Tried | Failed]:
        """What `ask` would say of each, in order; they share look-ups and transactions.

        What `ask` raises is a `Failed`.

        Raises:
            UnknownWalletError: the payer has no wallet.
        """
        payer_id = principal.user_id
        sender = self._sender(principal, traceparent)
        payees = await self._payees.find_all({one.body.to for one in asked}, payer_id=payer_id)
        outcomes = await self._lanes.try_transfers(
            payer_id,
            [
                self._request(one, payees[one.body.to], sender, transfer_id=self.new_id(payer_id))
                for one in asked
            ],
        )
        for outcome in outcomes:
            if isinstance(outcome, Failed) and isinstance(outcome.error, UnknownWalletError):
                raise outcome.error
        self._wake_ups.offer(o.transfer for o in outcomes if isinstance(o, Tried))
        return outcomes

    def _sender(self, principal: Principal, traceparent: str) -> "_Sender":
        return _Sender(
            payer_id=principal.user_id,
            caller=str(principal.user_id),
            traceparent=traceparent,
            too_much=self._in_flight.obstacle(principal.user_id),
        )

    def _request(
        self,
        asked: MoneyRequest[TransferBody],
        payee: Payee,
        sender: "_Sender",
        *,
        transfer_id: UUID,
    ) -> TryRequest:
        body = asked.body
        return TryRequest(
            transfer_id=transfer_id,
            payer_id=sender.payer_id,
            payee_id=payee.id,
            currency=body.currency,
            amount=body.amount_minor,
            caller=sender.caller,
            idempotency_key=asked.key,
            fingerprint=asked.fingerprint,
            metadata=asked.metadata,
            expires_in=self._expiry(body.expires_in_s),
            traceparent=sender.traceparent,
            refusal=payee.refusal,
            # A 429 comes before the others, and like them after the key.
            obstacle=sender.too_much or asked.obstacle or payee.obstacle,
        )

    def _expiry(self, asked_s: int | None) -> timedelta:
        return self._expires_in if asked_s is None else timedelta(seconds=asked_s)


def refusal_of(tried: Tried) -> Problem | None:
    """What is told of a transfer that was refused, now or under this key before."""
    if tried.transfer.status != Status.REJECTED:
        return None
    return Problem(str(tried.transfer.reason), headers=replay_headers(replayed=tried.replayed))
