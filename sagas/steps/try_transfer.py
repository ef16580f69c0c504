"""Try, on the payer's shard: the reservation that everything else builds on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from typing_extensions import override

from sagas.events import TRANSFER_STATUS, transfer_data
from sagas.keyed_batch import KeyedBatch, KeyedStep, OpenKeys
from sagas.outcomes import Failed, Skipped
from sagas.refund_caps import RefundCaps
from sagas.spending import Spending, refusal_of_spending
from sagas.states import Event, Reason, transition
from shards.connection import Connection
from shards.keys import KeyOf, KeyOwner
from shards.operator_acts import NewAct
from shards.records import record
from shards.refunds import Refundable, read_refundable
from shards.shard import Shard
from shards.transfers import Transfer, insert_transfers, read_transfers
from shards.writes import Write


@record
class TryRequest:
    """One transfer asked for; `amount` is minor units.

    Attributes:
        transfer_id: a new id with the payer's bucket.
        amount: None takes all that may still be refunded.
        refund_of: the transfer to this payer that is given back, whole or in part.
        payee_id: None when there is no such payee; then `refusal` says so.
        refusal: a no that the payee's shard has given and that is recorded under the key.
        obstacle: an error that stands unless the key has an answer already (the payee's shard is
            away, say). Nothing that can change is looked at before the key.
        act: what goes into the trail with it, where an operator asks.
    """

    transfer_id: UUID
    payer_id: UUID
    payee_id: UUID | None
    currency: str
    amount: int | None
    caller: str
    idempotency_key: str
    fingerprint: bytes
    metadata: str | None
    expires_in: timedelta
    traceparent: str
    refund_of: UUID | None = None
    refusal: Reason | None = None
    obstacle: Exception | None = None
    act: NewAct | None = None

    @property
    def key(self) -> KeyOf:
        """Whose key it is."""
        return KeyOf(self.payer_id, self.caller, self.idempotency_key)


@record(kw_only=False)
class Tried:
    """The transfer: held, rejected, or, when `replayed`, as an earlier request left it."""

    transfer: Transfer
    replayed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Times that a try plans with.

    Attributes:
        redrive_after: when redrive looks at a transfer first; a debit does not put it off.
    """

    redrive_after: timedelta


class TooManyOpenError(Exception):
    """The payer has as many open transfers as it may have; not recorded under the key."""


async def try_transfers(
    shard: Shard,
    requests: Sequence[TryRequest],
    *,
    wait: bool,
    timing: Timing,
    open_max: int,
) -> list[Tried | Failed | Skipped]:
    """Reserves the amounts, one request after another, written together.

    The key is looked at first, under the payer's lock: a repeat returns what its first run made,
    refusals included. `Failed` carries `KeyReusedError`, `UnknownWalletError`, `TooManyOpenError`,
    the request's obstacle, or, of a refund, `NotCompletedError`, `RefundTooLargeError` or
    `TooManyRefundsError`; then nothing was written.

    Args:
        shard: the payers' shard.
        requests: for wallets of this shard, known or not.
        wait: whether to wait for locked payers or leave them skipped.
        timing: when redrive is to look.
        open_max: how many transfers of one payer may be held or debited at once.

    Raises:
        ShardTransientError: run it again; the keys make that safe.
    """
    step = KeyedStep(
        owner=KeyOwner.TRANSFER,
        batch=lambda opened: _Batch(opened, timing, open_max=open_max),
        read_rows=read_transfers,
        read_related=_read_refundable,
        insert_rows=insert_transfers,
        # Counted, and not kept in a column: a counter is one more thing that can drift.
        count_max=open_max,
    )
    return await step.run(shard, requests, wait=wait)


async def _read_refundable(
    conn: Connection, requests: Sequence[TryRequest]
) -> Mapping[UUID, Refundable]:
    refunded = {request.refund_of for request in requests if request.refund_of is not None}
    return await read_refundable(conn, refunded) if refunded else {}


class _Batch(KeyedBatch[TryRequest, Transfer, Tried]):
    def __init__(
        self,
        opened: OpenKeys[Transfer, Mapping[UUID, Refundable]],
        timing: Timing,
        *,
        open_max: int,
    ) -> None:
        super().__init__(opened)
        self._caps = RefundCaps(opened.related)
        self._timing = timing
        self._open = dict(opened.open)
        self._open_max = open_max

    @override
    def _outcome(self, row: Transfer, *, replayed: bool) -> Tried:
        return Tried(row, replayed)

    @override
    def _obstacle(self, request: TryRequest) -> Exception | None:
        if self._open[request.payer_id] >= self._open_max:
            return TooManyOpenError(request.payer_id)
        if request.obstacle is not None or request.refund_of is None:
            return request.obstacle
        return self._caps.obstacle(
            request.refund_of, payee_id=request.payer_id, amount=request.amount
        )

    def _amount(self, request: TryRequest) -> int:
        if request.amount is not None:
            return request.amount
        assert request.refund_of is not None, "only a refund may leave its amount out"
        return self._caps.left(request.refund_of)

    def _refusal(self, request: TryRequest, *, amount: int, at: datetime) -> Reason | None:
        wanted = Spending(
            user_id=request.payer_id, currency=request.currency, amount=amount, day=at.date()
        )
        status = self._status_of(request.payer_id)
        return refusal_of_spending(self._book, wanted, status=status, advice=request.refusal)

    @override
    def _make(self, request: TryRequest) -> Transfer:
        amount = self._amount(request)
        at = self._book.time_of_spending(request.payer_id, request.currency)
        refusal = self._refusal(request, amount=amount, at=at)
        status = transition(None, Event.ACCEPT if refusal is None else Event.REJECT)
        expires_at = at + request.expires_in
        transfer = Transfer(
            id=request.transfer_id,
            payer_id=request.payer_id,
            payee_id=request.payee_id,
            currency=request.currency,
            amount=amount,
            status=status.value,
            reason=refusal.value if refusal else None,
            caller=request.caller,
            idempotency_key=request.idempotency_key,
            fingerprint=request.fingerprint,
            metadata=request.metadata,
            traceparent=request.traceparent,
            attempts=0,
            # Expiry is redrive's to notice: it looks then at the latest.
            next_attempt_at=(
                min(self._book.now + self._timing.redrive_after, expires_at)
                if refusal is None
                else None
            ),
            created_at=at,
            expires_at=expires_at,
            debited_at=None,
            ended_at=at if refusal else None,
            hold_id=None,
            refund_of=request.refund_of,
            spent_on=None,
        )
        if refusal is None:
            self._reserve(transfer)
        self._book.tell(
            TRANSFER_STATUS[status],
            user_id=request.payer_id,
            data=transfer_data(transfer),
            traceparent=request.traceparent,
        )
        return transfer

    def _reserve(self, transfer: Transfer) -> None:
        payer_id, currency = transfer.payer_id, transfer.currency
        self._open[payer_id] += 1
        self._book.hold(payer_id, currency, transfer.amount)
        self._book.spend(payer_id, currency, transfer.amount, on=transfer.created_at.date())
        if transfer.refund_of is not None:
            self._caps.take(transfer.refund_of, transfer.amount)

    @override
    def related_writes(self) -> list[Write]:
        return self._caps.writes()
