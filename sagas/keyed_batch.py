"""A batch of requests that carry idempotency keys: what a try and a movement have in common.

Requests are decided one after another in memory, each seeing what the ones before did, and written
together. The key comes first: nothing that can change is looked at before it.
"""

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar
from uuid import UUID

from sagas.idempotency import KeyBook, KeyReusedError, open_key_book
from sagas.locking import Locked, lock_step_users
from sagas.outcomes import SKIPPED, Failed, Skipped
from shards.book import Book, open_book
from shards.connection import Connection
from shards.keys import KeyOf, KeyOwner
from shards.users import UserStatus


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


class KeyedRow(Protocol):
    """A row that a request makes."""

    @property
    def id(self) -> UUID:
        """Its id."""
        ...


RequestT = TypeVar("RequestT", bound=KeyedRequest)
RowT = TypeVar("RowT", bound=KeyedRow)
OutcomeT = TypeVar("OutcomeT")


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenKeys(Generic[RowT]):
    """What requests with keys are decided on, read under their wallets' locks.

    Attributes:
        owner: the table of the rows that the requests make.
        locked: the wallets of the requests.
        keys: what their keys were used for.
        book: the accounts they are about.
        replayable: the rows of `owner` that the keys stand for.
    """

    owner: KeyOwner
    locked: Locked
    keys: KeyBook
    book: Book
    replayable: dict[UUID, RowT]


async def open_keys(
    conn: Connection,
    requests: Sequence[KeyedRequest],
    *,
    owner: KeyOwner,
    read_rows: Callable[[Connection, list[UUID]], Awaitable[dict[UUID, RowT]]],
    wait: bool,
) -> OpenKeys[RowT]:
    """Locks the wallets, then reads keys, rows and accounts, each in a statement of its own.

    Args:
        conn: inside a transaction that has locked no user yet.
        requests: for wallets of this shard, known or not.
        owner: the table of the rows that the requests make.
        read_rows: reads rows of that table by id.
        wait: whether to wait for locked wallets or leave them skipped.
    """
    asked = [(request.key, request.currency) for request in requests]
    locked = await lock_step_users(conn, {key.wallet_id for key, _ in asked}, wait=wait)
    mine = [one for one in asked if one[0].wallet_id in locked.users]
    keys = await open_key_book(conn, [key for key, _ in mine])
    # A statement of its own: the rows the keys stand for may be younger than that snapshot.
    earlier = keys.ids_of(owner)
    replayable = await read_rows(conn, earlier) if earlier else {}
    book = await open_book(
        conn, users=locked.users, accounts={(key.wallet_id, code) for key, code in mine}
    )
    return OpenKeys(owner=owner, locked=locked, keys=keys, book=book, replayable=replayable)


class KeyedBatch(ABC, Generic[RequestT, RowT, OutcomeT]):
    """Decides requests; `made` has the rows to be inserted."""

    def __init__(self, opened: OpenKeys[RowT]) -> None:
        self._owner = opened.owner
        self._locked = opened.locked
        self._keys = opened.keys
        self._book = opened.book
        self._replayable = opened.replayable
        self.made: list[RowT] = []

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

    def _status_of(self, user_id: UUID) -> UserStatus:
        return self._locked.users[user_id].status
