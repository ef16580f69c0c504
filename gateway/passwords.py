"""Passwords: argon2id, in a few threads with a bounded queue, so that logins cannot stall money."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import BoundedSemaphore
from typing import Final, TypeVar

from argon2 import PasswordHasher, Type
from argon2.exceptions import VerifyMismatchError

from gateway.problems import Problem

MEMORY_KIB: Final = 19_456
PASSES: Final = 2
PARALLELISM: Final = 1

_T = TypeVar("_T")


class Passwords:
    """Hashes and checks passwords.

    Args:
        threads: hashes made at a time; each takes a processor and 19 MiB.
        queue: hashes that may wait for a thread; what is over is refused at once.
        memory_kib: cost in memory; only tests take less.
    """

    def __init__(self, *, threads: int, queue: int, memory_kib: int = MEMORY_KIB) -> None:
        self._hasher = PasswordHasher(
            time_cost=PASSES, memory_cost=memory_kib, parallelism=PARALLELISM, type=Type.ID
        )
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix="passwords")
        self._places = BoundedSemaphore(threads + queue)
        # Nobody's: a login for an e-mail that does not exist has the same work to do.
        self._dummy_hash = self._hasher.hash("")

    async def hash(self, password: str) -> str:
        """The hash to store, with its salt and its costs.

        Raises:
            Problem: 503 `busy` when the queue is full.
        """
        return await self._run(lambda: self._hasher.hash(password))

    async def verify(self, stored_hash: str | None, password: str) -> bool:
        """Whether this is the password; for an unknown user (None) no, after the same work.

        Raises:
            Problem: 503 `busy` when the queue is full.
        """
        matches = await self._run(lambda: self._matches(stored_hash or self._dummy_hash, password))
        return matches and stored_hash is not None

    def _matches(self, stored_hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored_hash, password)
        except VerifyMismatchError:
            return False

    async def _run(self, work: Callable[[], _T]) -> _T:
        if not self._places.acquire(blocking=False):
            raise Problem("busy", "Too many passwords are waiting to be hashed.")
        try:
            future = self._executor.submit(work)
        except BaseException:
            self._places.release()
            raise
        # Not when the caller stops waiting: a thread that has begun goes on to its end.
        future.add_done_callback(lambda _: self._places.release())
        return await asyncio.wrap_future(future)

    def close(self) -> None:
        """Drops what waits, and ends the threads after the hash they are at."""
        self._executor.shutdown(wait=True, cancel_futures=True)
