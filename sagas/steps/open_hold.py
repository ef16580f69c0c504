"""Opening a hold, on the payer's shard: a reservation that waits for its captures."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from uuid import UUID

from typing_extensions import override

from sagas.events import HOLD_STATUS, hold_data
from sagas.hold_states import HoldEvent, hold_transition
from sagas.keyed_batch import KeyedBatch, KeyedStep, OpenKeys
from sagas.outcomes import Failed, Skipped
from sagas.spending import Spending, refusal_of_spending
from sagas.states import Reason
from shards.connection import Connection
from shards.holds import Hold, count_open_holds, insert_holds, read_holds
from shards.keys import KeyOf, KeyOwner
from shards.records import record
from shards.shard import Shard


@record
class HoldRequest:
    """One hold asked for; `amount` is minor units.

    Attributes:
        hold_id: a new id with the payer's bucket.
        payee_id, refusal, obstacle: as of `sagas.steps.try_transfer.TryRequest`.
    """

    hold_id: UUID
    payer_id: UUID
    payee_id: UUID | None
    currency: str
    amount: int
    caller: str
    idempotency_key: str
    fingerprint: bytes
    metadata: str | None
    expires_in: timedelta
    traceparent: str
    refusal: Reason | None
    obstacle: Exception | None
    act: None = None

    @property
    def key(self) -> KeyOf:
        """Whose key it is."""
        return KeyOf(self.payer_id, self.caller, self.idempotency_key)


@record(kw_only=False)
class HoldTried:
    """The hold: open, rejected, or, when `replayed`, as an earlier request left it."""

    hold: Hold
    replayed: bool


class TooManyHoldsError(Exception):
    """The payer has as many open holds as it may have; not recorded under the key."""


async def open_holds(
    shard: Shard, requests: Sequence[HoldRequest], *, wait: bool, open_max: int
) -> list[HoldTried | Failed | Skipped]:
    """Reserves the amounts, one request after another, written together.

    A repeat of a key returns what its first run made, refusals included. `Failed` carries
    `KeyReusedError`, `UnknownWalletError`, `TooManyHoldsError` or the request's obstacle; then
    nothing was written.

    Args:
        shard: the payers' shard.
        requests: for wallets of this shard, known or not.
        wait: whether to wait for locked payers or leave them skipped.
        open_max: how many holds of one payer may be open at once.

    Raises:
        ShardTransientError: run it again; the keys make that safe.
    """

    async def count_open(conn: Connection, asked: Sequence[HoldRequest]) -> Mapping[UUID, int]:
        payers = {request.payer_id for request in asked}
        return await count_open_holds(conn, payers, count_max=open_max)

    step = KeyedStep(
        owner=KeyOwner.HOLD,
        batch=lambda opened: _Batch(opened, open_max=open_max),
        read_rows=read_holds,
        read_related=count_open,
        insert_rows=insert_holds,
        count_max=0,
    )
    return await step.run(shard, requests, wait=wait)


class _Batch(KeyedBatch[HoldRequest, Hold, HoldTried]):
    def __init__(self, opened: OpenKeys[Hold, Mapping[UUID, int]], *, open_max: int) -> None:
        super().__init__(opened)
        self._open_holds = dict(opened.related)
        self._open_max = open_max

    @override
    def _outcome(self, row: Hold, *, replayed: bool) -> HoldTried:
        return HoldTried(row, replayed)

    @override
    def _obstacle(self, request: HoldRequest) -> Exception | None:
        if self._open_holds[request.payer_id] >= self._open_max:
            return TooManyHoldsError(request.payer_id)
        return request.obstacle

    @override
    def _make(self, request: HoldRequest) -> Hold:
        at = self._book.time_of_spending(request.payer_id, request.currency)
        wanted = Spending(
            user_id=request.payer_id,
            currency=request.currency,
            amount=request.amount,
            day=at.date(),
        )
        refusal = refusal_of_spending(
            self._book,
            wanted,
            status=self._status_of(request.payer_id),
            advice=request.refusal,
        )
        hold = Hold(
            id=request.hold_id,
            payer_id=request.payer_id,
            payee_id=request.payee_id,
            currency=request.currency,
            amount=request.amount,
            captured=0,
            captures=0,
            status=hold_transition(None, HoldEvent.REJECT if refusal else HoldEvent.OPEN),
            reason=refusal.value if refusal else None,
            caller=request.caller,
            idempotency_key=request.idempotency_key,
            fingerprint=request.fingerprint,
            metadata=request.metadata,
            traceparent=request.traceparent,
            created_at=at,
            expires_at=at + request.expires_in,
            ended_at=at if refusal else None,
        )
        if refusal is None:
            self._open_holds[hold.payer_id] += 1
            self._book.hold(hold.payer_id, hold.currency, hold.amount)
            self._book.spend(hold.payer_id, hold.currency, hold.amount, on=wanted.day)
        self._book.tell(
            HOLD_STATUS[hold.status],
            user_id=hold.payer_id,
            data=hold_data(hold),
            traceparent=hold.traceparent,
        )
        return hold
