"""Movements: deposits and withdrawals, which need no second shard and no message."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from typing_extensions import override

from sagas.events import (
    MOVEMENT_DONE,
    MOVEMENT_REJECTED,
    movement_data,
    rejected_movement_data,
)
from sagas.keyed_batch import KeyedBatch, KeyedStep, nothing_related
from sagas.outcomes import Failed, Skipped
from sagas.spending import Spending, refusal_of_spending
from sagas.states import Reason
from shards.book import BALANCE_LIMIT
from shards.book_rows import EntryKind
from shards.keys import KeyOf, KeyOwner
from shards.movements import Movement, MovementKind, insert_movements, read_movements
from shards.operator_acts import NewAct
from shards.records import record
from shards.shard import Shard
from shards.users import UserStatus


@record
class MoveRequest:
    """One deposit or withdrawal asked for; `amount` is positive minor units.

    `obstacle` is an error that stands unless the key has an answer already, `act` what goes into
    the trail with it.
    """

    movement_id: UUID
    user_id: UUID
    kind: MovementKind
    currency: str
    amount: int
    caller: str
    idempotency_key: str
    fingerprint: bytes
    metadata: str | None
    traceparent: str
    obstacle: Exception | None = None
    act: NewAct | None = None

    @property
    def key(self) -> KeyOf:
        """Whose key it is."""
        return KeyOf(self.user_id, self.caller, self.idempotency_key)


@record(kw_only=False)
class Moved:
    """The movement, completed or rejected; `replayed` when an earlier request made it."""

    movement: Movement
    replayed: bool


class WalletClosedError(Exception):
    """A deposit to a closed wallet; not recorded under the key."""


class BalanceLimitError(Exception):
    """A deposit that would lift a balance over the limit; not recorded under the key."""


async def move(
    shard: Shard, requests: Sequence[MoveRequest], *, wait: bool
) -> list[Moved | Failed | Skipped]:
    """Deposits and withdraws, one request after another, written together.

    A repeat of a key returns what its first run made, refusals included. `Failed` carries
    `KeyReusedError`, `UnknownWalletError`, `WalletClosedError`, `BalanceLimitError` or the
    request's obstacle; then nothing was written.

    Raises:
        ShardTransientError: run it again; the keys make that safe.
    """
    return await _MOVE.run(shard, requests, wait=wait)


class _Batch(KeyedBatch[MoveRequest, Movement, Moved]):
    @override
    def _outcome(self, row: Movement, *, replayed: bool) -> Moved:
        return Moved(row, replayed)

    @override
    def _obstacle(self, request: MoveRequest) -> Exception | None:
        if request.obstacle is not None:
            return request.obstacle
        if request.kind is MovementKind.WITHDRAWAL:
            return None
        if self._status_of(request.user_id) is UserStatus.CLOSED:
            return WalletClosedError(request.user_id)
        account = self._book.account(request.user_id, request.currency)
        if account.balance + request.amount >= BALANCE_LIMIT:
            return BalanceLimitError(request.user_id)
        return None

    def _refusal(self, request: MoveRequest, *, at: datetime) -> Reason | None:
        if request.kind is MovementKind.DEPOSIT:
            return None
        wanted = Spending(
            user_id=request.user_id,
            currency=request.currency,
            amount=request.amount,
            day=at.date(),
        )
        status = self._status_of(request.user_id)
        return refusal_of_spending(self._book, wanted, status=status, advice=None)

    @override
    def _make(self, request: MoveRequest) -> Movement:
        at = self._book.time_of_spending(request.user_id, request.currency)
        refusal = self._refusal(request, at=at)
        before = self._book.account(request.user_id, request.currency).balance
        is_deposit = request.kind is MovementKind.DEPOSIT
        entry = None
        if refusal is None:
            if not is_deposit:
                self._book.spend(request.user_id, request.currency, request.amount, on=at.date())
            self._book.not_before(request.user_id, request.currency, at)
            entry = self._book.post(
                EntryKind.DEPOSIT if is_deposit else EntryKind.WITHDRAWAL,
                user_id=request.user_id,
                currency=request.currency,
                amount=request.amount if is_deposit else -request.amount,
                source_id=request.movement_id,
            )
        movement = Movement(
            id=request.movement_id,
            user_id=request.user_id,
            kind=request.kind,
            currency=request.currency,
            amount=request.amount,
            status="completed" if entry else "rejected",
            reason=refusal.value if refusal else None,
            caller=request.caller,
            idempotency_key=request.idempotency_key,
            fingerprint=request.fingerprint,
            metadata=request.metadata,
            balance_before=before if entry else None,
            balance_after=entry.balance_after if entry else None,
            hash=entry.hash if entry else None,
            created_at=entry.at if entry else self._book.now,
        )
        self._book.tell(
            MOVEMENT_DONE[request.kind] if entry else MOVEMENT_REJECTED,
            user_id=request.user_id,
            data=movement_data(movement) if entry else rejected_movement_data(movement),
            traceparent=request.traceparent,
        )
        return movement


_MOVE = KeyedStep(
    owner=KeyOwner.MOVEMENT,
    batch=_Batch,
    read_rows=read_movements,
    read_related=nothing_related,
    insert_rows=insert_movements,
    count_max=0,
)
