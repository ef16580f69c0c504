"""Capture, on the payer's shard: a part of a hold, or all of it, becomes a transfer.

The transfer is born `debited`: the hold has reserved the money, and nothing is left to be confirmed
by the payer. From there on it is a transfer like any other; what the payee's shard refuses returns
to what is available, and the hold does not open again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from typing_extensions import override

from sagas.events import TRANSFER_STATUS, transfer_data
from sagas.hold_side import HoldSide
from sagas.keyed_batch import KeyedBatch, KeyedStep, OpenKeys
from sagas.outcomes import Failed, Skipped
from sagas.states import Event, Reason, refusal_of_payer, transition
from sagas.steps.try_transfer import Timing, Tried
from shards.book_rows import EntryKind
from shards.connection import Connection
from shards.holds import Hold, HoldStatus, read_holds
from shards.keys import KeyOf, KeyOwner
from shards.records import record
from shards.shard import Shard
from shards.transfers import Transfer, insert_transfers, read_transfers
from shards.writes import Write

# Each capture is a transfer under way for the payer, whoever makes it: tiny ones must not fill what
# a payer may have.
CAPTURES_MAX = 100


@record
class CaptureRequest:
    """One capture asked for by the payer or the payee of a hold.

    Attributes:
        transfer_id: a new id with the payer's bucket.
        payer_id, currency: those of the hold, which never change.
        amount: minor units; None takes all that remains.
        is_final: whether the rest is released.
        obstacle: an error that stands unless the key has an answer already.
    """

    transfer_id: UUID
    hold_id: UUID
    payer_id: UUID
    currency: str
    amount: int | None
    is_final: bool
    caller: str
    idempotency_key: str
    fingerprint: bytes
    metadata: str | None
    traceparent: str
    obstacle: Exception | None
    act: None = None

    @property
    def key(self) -> KeyOf:
        """Whose key it is: the payer's wallet, whoever captures."""
        return KeyOf(self.payer_id, self.caller, self.idempotency_key)


class UnknownHoldError(Exception):
    """There is no such hold of this payer, or none that was ever open."""


class HoldClosedError(Exception):
    """The hold is over, or its expiry has passed; not recorded under the key."""


class CaptureTooLargeError(Exception):
    """More than remains of the hold; not recorded under the key."""


class TooManyCapturesError(Exception):
    """The last of `CAPTURES_MAX` captures, and not final; not recorded under the key."""


async def capture(
    shard: Shard, requests: Sequence[CaptureRequest], *, wait: bool, timing: Timing
) -> list[Tried | Failed | Skipped]:
    """Captures holds, one request after another, written together.

    A repeat of a key returns the transfer that its first run made, refused ones included. `Failed`
    carries `KeyReusedError`, `UnknownWalletError`, `UnknownHoldError`, `HoldClosedError`,
    `CaptureTooLargeError`, `TooManyCapturesError` or the request's obstacle; then nothing was
    written.

    Args:
        shard: the payers' shard.
        requests: for holds of this shard, known or not.
        wait: whether to wait for locked payers or leave them skipped.
        timing: when redrive is to look.

    Raises:
        ShardTransientError: run it again; the keys make that safe.
    """
    step = KeyedStep(
        owner=KeyOwner.TRANSFER,
        batch=lambda opened: _Batch(opened, timing),
        read_rows=read_transfers,
        read_related=_read_holds,
        insert_rows=insert_transfers,
        count_max=0,
    )
    return await step.run(shard, requests, wait=wait)


async def _read_holds(conn: Connection, requests: Sequence[CaptureRequest]) -> Mapping[UUID, Hold]:
    return await read_holds(conn, {request.hold_id for request in requests})


@dataclass(frozen=True, slots=True)
class _Wanted:
    """How much of which hold, once it is known that it may be."""

    hold: Hold
    amount: int


class _Batch(KeyedBatch[CaptureRequest, Transfer, Tried]):
    def __init__(self, opened: OpenKeys[Transfer, Mapping[UUID, Hold]], timing: Timing) -> None:
        super().__init__(opened)
        self._timing = timing
        self._holds = HoldSide(opened.book, opened.related)

    @override
    def _outcome(self, row: Transfer, *, replayed: bool) -> Tried:
        return Tried(row, replayed)

    @override
    def _obstacle(self, request: CaptureRequest) -> Exception | None:
        wanted = self._wanted(request)
        return wanted if isinstance(wanted, Exception) else request.obstacle

    def _wanted(self, request: CaptureRequest) -> _Wanted | Exception:
        hold = self._holds.find(request.hold_id, payer_id=request.payer_id)
        if hold is None or hold.status is HoldStatus.REJECTED:
            return UnknownHoldError(request.hold_id)
        if hold.status is not HoldStatus.OPEN or self._holds.has_expired(hold):
            return HoldClosedError(request.hold_id)
        amount = hold.remaining if request.amount is None else request.amount
        if amount > hold.remaining:
            return CaptureTooLargeError(request.hold_id)
        is_last = request.is_final or amount == hold.remaining
        if hold.captures + 1 >= CAPTURES_MAX and not is_last:
            return TooManyCapturesError(request.hold_id)
        return _Wanted(hold, amount)

    @override
    def _make(self, request: CaptureRequest) -> Transfer:
        wanted = self._wanted(request)
        assert isinstance(wanted, _Wanted), "it had no obstacle"
        refusal = refusal_of_payer(self._status_of(request.payer_id))
        transfer = self._transfer(request, wanted, refusal)
        if refusal is None:
            self._debit(transfer, wanted, is_final=request.is_final)
        self._book.tell(
            TRANSFER_STATUS[transition(None, _event_of(refusal))],
            user_id=transfer.payer_id,
            data=transfer_data(transfer),
            traceparent=transfer.traceparent,
        )
        return transfer

    def _transfer(
        self, request: CaptureRequest, wanted: _Wanted, refusal: Reason | None
    ) -> Transfer:
        hold = wanted.hold
        at = self._holds.time_of(hold)
        return Transfer(
            id=request.transfer_id,
            payer_id=hold.payer_id,
            payee_id=hold.payee_id,
            currency=hold.currency,
            amount=wanted.amount,
            status=transition(None, _event_of(refusal)).value,
            reason=refusal.value if refusal else None,
            caller=request.caller,
            idempotency_key=request.idempotency_key,
            fingerprint=request.fingerprint,
            metadata=request.metadata,
            traceparent=request.traceparent,
            attempts=0,
            next_attempt_at=None if refusal else self._book.now + self._timing.redrive_after,
            created_at=at,
            expires_at=max(at, hold.expires_at),
            debited_at=None if refusal else at,
            ended_at=at if refusal else None,
            hold_id=hold.id,
            refund_of=None,
            # It counted when the hold was opened.
            spent_on=hold.created_at.date(),
        )

    def _debit(self, transfer: Transfer, wanted: _Wanted, *, is_final: bool) -> None:
        self._holds.capture(wanted.hold, wanted.amount, is_final=is_final)
        self._book.not_before(transfer.payer_id, transfer.currency, transfer.created_at)
        self._book.post(
            EntryKind.TRANSFER_OUT,
            user_id=transfer.payer_id,
            currency=transfer.currency,
            amount=-transfer.amount,
            source_id=transfer.id,
            counterparty_id=transfer.payee_id,
        )

    @override
    def related_writes(self) -> list[Write]:
        return self._holds.writes()


def _event_of(refusal: Reason | None) -> Event:
    return Event.CAPTURE if refusal is None else Event.REJECT
