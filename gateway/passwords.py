"""Passwords: argon2id, in a few threads with a bounded queue, so that logins cannot stall money.

One address has a part of the queue at the most: whoever fills it with logins of nobody keeps out
those from the same address, and nobody else.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import Final, TypeVar

from argon2 import PasswordHasher, Type
from argon2.exceptions import VerifyMismatchError

from gateway.problems import Problem
from gateway.shares import Shares

MEMORY_KIB: Final = 19_456
PASSES: Final = 2
PARALLELISM: Final = 1

_T = TypeVar("_T")


class Passwords:
    """Hashes and checks passwords.

    Args:
        threads: hashes made at a time; each takes a processor and 19 MiB.
        queue: hashes that may wait for a thread; what is over is refused at once.
        per_address: hashes of one address that may be made or wait.
        memory_kib: cost in memory; only tests take less.
    """

    def __init__(
        self, *, threads: int, queue: int, per_address: int, memory_kib: int = MEMORY_KIB
    ) -> None:
        self._hasher = PasswordHasher(
            time_cost=PASSES, memory_cost=memory_kib, parallelism=PARALLELISM, type=Type.ID
        )
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix="passwords")
        self._places: Shares[str] = Shares(most=threads + queue, of_one=per_address)
        # They are given back by the threads.
        self._lock = Lock()
        # Nobody's: a login for an e-mail that does not exist has the same work to do.
        self._dummy_hash = self._hasher.hash("")

    async def hash(self, password: str, *, address: str) -> str:
        """The hash to store, with its salt and its costs.

        Args:
            password: to be hashed.
            address: who asks for it.

        Raises:
            Problem: 503 `busy` when the queue is full, or what this address may have of it.
        """
        return await self._run(address, lambda: self._hasher.hash(password))

    async def verify(self, stored_hash: str | None, password: str, *, address: str) -> bool:
        """Whether this is the password; for an unknown user (None) no, after the same work.

        Raises:
            Problem: 503 `busy` when the queue is full, or what this address may have of it.
        """
        hashed = stored_hash or self._dummy_hash
        matches = await self._run(address, lambda: self._matches(hashed, password))
        return matches and stored_hash is not None

    def _matches(self, stored_hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored_hash, password)
        except VerifyMismatchError:
            return False

    async def _run(self, address: str, work: Callable[[], _T]) -> _T:
        with self._lock:
            has_place = self._places.take(address)
        if not has_place:
            raise Problem("busy", "Too many passwords are waiting to be hashed.")
        try:
            future = self._executor.submit(work)
        except BaseException:
            self._give_back(address)
            raise
        # Not when the caller stops waiting: a thread that has begun goes on to its end.
        future.add_done_callback(lambda _: self._give_back(address))
        return await asyncio.wrap_future(future)

    def _give_back(self, address: str) -> None:
        with self._lock:
            self._places.give_back(address)

    def close(self) -> None:
        """Drops what waits, and ends the threads after the hash they are at."""
        self._executor.shutdown(wait=True, cancel_futures=True)
