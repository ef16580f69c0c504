"""A batch of requests that carry idempotency keys: what tries, holds, captures and movements share.

Requests are decided one after another in memory, each seeing what the ones before did, and written
together. The key comes first: nothing that can change is looked at before it.
"""

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar
from uuid import UUID

from sagas.idempotency import KeyBook, KeyReusedError
from sagas.locking import Locked, lock_step_users
from sagas.outcomes import SKIPPED, Failed, Skipped
from shards.book import Book
from shards.connection import Connection
from shards.ids import bucket_of
from shards.keys import KeyOf, KeyOwner
from shards.opening import open_keyed
from shards.operator_acts import NewAct, add_acts
from shards.shard import Shard
from shards.users import LockedUser, UserStatus
from shards.writes import Write, write_together, write_unless_changed


class UnknownWalletError(Exception):
    """There is no such user on this shard."""


class KeyedRequest(Protocol):
    """What a batch needs to know of a request."""

    @property
    def key(self) -> KeyOf:
        """Whose key it is; its wallet is the user to lock."""
        ...

    @property
    def currency(self) -> str:
        """Which of the wallet's accounts it is about."""
        ...

    @property
    def fingerprint(self) -> bytes:
        """What tells a repeat from another use of the key."""
        ...

    @property
    def obstacle(self) -> Exception | None:
        """An error that stands only when the key is new."""
        ...

    @property
    def act(self) -> NewAct | None:
        """What goes into the trail with its row, where an operator asks."""
        ...


class KeyedRow(Protocol):
    """A row that a request makes."""

    @property
    def id(self) -> UUID:
        """Its id."""
        ...


RequestT = TypeVar("RequestT", bound=KeyedRequest)
RowT = TypeVar("RowT", bound=KeyedRow)
OutcomeT = TypeVar("OutcomeT")
RelatedT = TypeVar("RelatedT")


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenKeys(Generic[RowT, RelatedT]):
    """What requests with keys are decided on.

    Attributes:
        owner: the table of the rows that the requests make.
        locked: the wallets of the requests; without locks, those that exist, and none skipped.
        keys: what their keys were used for.
        book: the accounts they are about.
        replayable: the rows of `owner` that the keys stand for.
        open: how many transfers of each wallet are open, counted up to a bound.
        related: what else this step decides on.
    """

    owner: KeyOwner
    locked: Locked
    keys: KeyBook
    book: Book
    replayable: dict[UUID, RowT]
    open: dict[UUID, int]
    related: RelatedT


class KeyedBatch(ABC, Generic[RequestT, RowT, OutcomeT]):
    """Decides requests; `made` has the rows to be inserted, `acts` what operators did with them."""

    def __init__(self, opened: OpenKeys[RowT, Any]) -> None:
        self._owner = opened.owner
        self._locked = opened.locked
        self._keys = opened.keys
        self._book = opened.book
        self._replayable = opened.replayable
        self.made: list[RowT] = []
        self.acts: list[NewAct] = []

    @property
    def users(self) -> Collection[LockedUser]:
        """The owners of the wallets."""
        return self._locked.users.values()

    def decide(self, request: RequestT) -> OutcomeT | Failed | Skipped:
        """What becomes of a request.

        `Failed` carries `KeyReusedError`, `UnknownWalletError` or an obstacle, and leaves nothing.
        """
        key = request.key
        wallet_id = key.wallet_id
        if wallet_id in self._locked.skipped:
            return SKIPPED
        if wallet_id not in self._locked.users:
            return Failed(UnknownWalletError(wallet_id))
        try:
            earlier = self._keys.earlier(key, owner=self._owner, fingerprint=request.fingerprint)
        except KeyReusedError as error:
            return Failed(error)
        if earlier is not None:
            return self._outcome(self._replayable[earlier], replayed=True)
        obstacle = self._obstacle(request)
        if obstacle is not None:
            return Failed(obstacle)
        row = self._make(request)
        self.made.append(row)
        if request.act is not None:
            self.acts.append(request.act)
        self._replayable[row.id] = row
        self._keys.use(key, owner=self._owner, id_=row.id, fingerprint=request.fingerprint)
        return self._outcome(row, replayed=False)

    @abstractmethod
    def _obstacle(self, request: RequestT) -> Exception | None:
        """An error that is not recorded under the key: the request's own, or one of the rows'."""

    @abstractmethod
    def _make(self, request: RequestT) -> RowT:
        """The row of a new request, refused or not, with what it does to the book."""

    @abstractmethod
    def _outcome(self, row: RowT, *, replayed: bool) -> OutcomeT:
        """What is said of a row; `replayed` when an earlier request with its key made it."""

    def related_writes(self) -> list[Write]:
        """What is to be written of `related`; of the wallets whose requests these are."""
        return []

    def _status_of(self, user_id: UUID) -> UserStatus:
        return self._locked.users[user_id].status


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyedStep(Generic[RequestT, RowT, OutcomeT, RelatedT]):
    """A step whose requests have keys.

    Attributes:
        owner: the table of the rows that the requests make.
        batch: decides requests on what was read.
        read_rows: reads rows of that table by id.
        read_related: reads what else it decides on, after keys and users.
        insert_rows: what writes them.
        count_max: open transfers of a wallet are counted so far and no further.
    """

    owner: KeyOwner
    batch: Callable[[OpenKeys[RowT, RelatedT]], KeyedBatch[RequestT, RowT, OutcomeT]]
    read_rows: Callable[[Connection, list[UUID]], Awaitable[dict[UUID, RowT]]]
    read_related: Callable[[Connection, Sequence[RequestT]], Awaitable[RelatedT]]
    insert_rows: Callable[[Sequence[RowT]], list[Write]]
    count_max: int

    async def run(
        self, shard: Shard, requests: Sequence[RequestT], *, wait: bool
    ) -> list[OutcomeT | Failed | Skipped]:
        """Decides the requests one after another, written together; one outcome each, in order.

        Args:
            shard: of their wallets.
            requests: for wallets of this shard, known or not.
            wait: whether to wait for locked wallets or leave them skipped.

        Raises:
            ShardTransientError: run it again; the keys make that safe.
        """
        # An act is written in a transaction: it has to see the one before it.
        has_acts = any(request.act is not None for request in requests)
        if not wait and not has_acts and len(requests) <= shard.unlocked_max:
            outcomes = await self._run_unlocked(shard, requests)
            if outcomes is not None:
                return outcomes
        async with shard.transaction(_buckets(requests)) as conn:
            wallets = {request.key.wallet_id for request in requests}
            locked = await lock_step_users(conn, wallets, wait=wait)
            batch, outcomes, book = await self._decide(conn, requests, locked)
            await write_together(conn, self._writes(batch, book))
            await add_acts(conn, batch.acts)
        return outcomes

    def _writes(self, batch: KeyedBatch[RequestT, RowT, OutcomeT], book: Book) -> list[Write]:
        return [*self.insert_rows(batch.made), *batch.related_writes(), *book.writes()]

    async def _run_unlocked(
        self, shard: Shard, requests: Sequence[RequestT]
    ) -> list[OutcomeT | Failed | Skipped] | None:
        """As `sagas.steps.run`: None when it was not to be had so, and nothing was written."""
        async with shard.connection() as conn:
            batch, outcomes, book = await self._decide(conn, requests, None)
            if not batch.made:
                return None
            done = await write_unless_changed(
                shard,
                conn,
                self._writes(batch, book),
                users=batch.users,
                buckets=_buckets(requests),
            )
        return outcomes if done else None

    async def _decide(
        self, conn: Connection, requests: Sequence[RequestT], locked: Locked | None
    ) -> tuple[KeyedBatch[RequestT, RowT, OutcomeT], list[OutcomeT | Failed | Skipped], Book]:
        """Reads keys and accounts, then the rows that the keys stand for, and decides."""
        asked = [
            (request.key, request.currency)
            for request in requests
            if locked is None or request.key.wallet_id in locked.users
        ]
        keyed = await open_keyed(
            conn, locked.users if locked else None, asked, count_max=self.count_max
        )
        keys = KeyBook(keyed.used)
        # A statement of its own: the rows the keys stand for may be younger than that snapshot.
        earlier = keys.ids_of(self.owner)
        opened = OpenKeys(
            owner=self.owner,
            locked=locked or Locked(dict(keyed.users), frozenset()),
            keys=keys,
            book=keyed.book,
            replayable=await self.read_rows(conn, earlier) if earlier else {},
            open=keyed.open,
            # After the users, whose number tells if something of theirs has changed since.
            related=await self.read_related(conn, requests),
        )
        batch = self.batch(opened)
        return batch, [batch.decide(request) for request in requests], keyed.book


async def nothing_related(_conn: Connection, _requests: Sequence[KeyedRequest]) -> None:
    """For a step that decides on keys, users and accounts alone."""


def _buckets(requests: Sequence[KeyedRequest]) -> set[int]:
    return {bucket_of(request.key.wallet_id) for request in requests}
