"""Try, on the payer's shard: the reservation that everything else builds on."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from typing_extensions import override

from sagas.events import TRANSFER_STATUS, transfer_data
from sagas.keyed_batch import KeyedBatch, KeyedStep, OpenKeys
from sagas.messages import Message, Step, message_of
from sagas.outcomes import Failed, Skipped
from sagas.states import Event, Reason, Status, refusal_of_payer, transition
from shards.keys import KeyOf, KeyOwner
from shards.records import record
from shards.shard import Shard
from shards.transfers import Transfer, insert_transfers, read_transfers


@record
class TryRequest:
    """One transfer asked for; `amount` is minor units.

    Attributes:
        transfer_id: a new id with the payer's bucket.
        payee_id: None when there is no such payee; then `refusal` says so.
        refusal: a no that the payee's shard has given and that is recorded under the key.
        obstacle: an error that stands unless the key has an answer already (the payee's shard is
            away, say). Nothing that can change is looked at before the key.
    """

    transfer_id: UUID
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
    refusal: Reason | None = None
    obstacle: Exception | None = None

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
    refusals included. `Failed` carries `KeyReusedError`, `UnknownWalletError`, `TooManyOpenError`
    or the request's obstacle; then nothing was written.

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
        insert_rows=insert_transfers,
        # Counted, and not kept in a column: a counter is one more thing that can drift.
        count_max=open_max,
    )
    return await step.run(shard, requests, wait=wait)


class _Batch(KeyedBatch[TryRequest, Transfer, Tried]):
    def __init__(self, opened: OpenKeys[Transfer], timing: Timing, *, open_max: int) -> None:
        super().__init__(opened)
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
        return request.obstacle

    def _refusal(self, request: TryRequest) -> Reason | None:
        refusal = refusal_of_payer(self._status_of(request.payer_id)) or request.refusal
        if refusal is not None:
            return refusal
        account = self._book.account(request.payer_id, request.currency)
        return Reason.INSUFFICIENT_FUNDS if account.available < request.amount else None

    @override
    def _make(self, request: TryRequest) -> Transfer:
        refusal = self._refusal(request)
        now = self._book.now
        status = transition(None, Event.ACCEPT if refusal is None else Event.REJECT)
        expires_at = now + request.expires_in
        transfer = Transfer(
            id=request.transfer_id,
            payer_id=request.payer_id,
            payee_id=request.payee_id,
            currency=request.currency,
            amount=request.amount,
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
                min(now + self._timing.redrive_after, expires_at) if refusal is None else None
            ),
            created_at=now,
            expires_at=expires_at,
            debited_at=None,
            ended_at=now if refusal else None,
        )
        if refusal is None:
            self._open[request.payer_id] += 1
            self._book.hold(request.payer_id, request.currency, request.amount)
        self._book.tell(
            TRANSFER_STATUS[status],
            user_id=request.payer_id,
            data=transfer_data(transfer),
            traceparent=request.traceparent,
        )
        return transfer


def try_confirm_of(transfer: Transfer) -> Message | None:
    """The try-confirm of a held transfer; None in any other status."""
    return message_of(transfer, Step.TRY_CONFIRM) if transfer.status == Status.HELD else None
