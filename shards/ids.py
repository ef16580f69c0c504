"""Ids that carry their bucket, and the hash that gives a user its bucket.

An id is a UUIDv8 (RFC 9562, 5.8): 48 bits of milliseconds, 12 bits of bucket, 62 random bits. So
whoever has an id knows which shard to ask, and ids sort by time.
"""

import hashlib
import random
import time
import unicodedata
from collections.abc import Callable
from typing import Protocol, cast
from uuid import UUID

from asyncpg.pgproto import pgproto

BUCKETS_MAX = 4096


class IdSource(Protocol):
    """Where ids and jitter come from; a simulation gives one with a seed."""

    def new_id(self, bucket: int) -> UUID:
        """A new id that carries `bucket`."""
        ...

    def jitter(self) -> float:
        """A number in [0, 1), for backoff."""
        ...


class RandomIds:
    """Ids of the wall clock and of random bits.

    Args:
        rng: source of random bits; the operating system's by default. Ids are not secrets, but a
            foreign id should not be guessed either.
        milliseconds: the clock of the id's time part; only the order of ids depends on it.
    """

    def __init__(
        self,
        rng: random.Random | None = None,
        milliseconds: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self._rng = rng or random.SystemRandom()
        self._milliseconds = milliseconds

    def new_id(self, bucket: int) -> UUID:
        """A new id that carries `bucket`."""
        high = (self._milliseconds() & 0xFFFF_FFFF_FFFF) << 16 | 0x8000 | bucket
        low = 0b10 << 62 | self._rng.getrandbits(62)
        return id_of((high << 64 | low).to_bytes(16, "big"))

    def jitter(self) -> float:
        """A number in [0, 1), for backoff."""
        return self._rng.random()


def id_of(sixteen_bytes: bytes) -> UUID:
    """The id with these bytes: of asyncpg's own class, which is made and spelled far faster."""
    return cast("UUID", pgproto.UUID(sixteen_bytes))


def parse_id(text: str) -> UUID:
    """The id that is spelled so: 8-4-4-4-12, lower case.

    Raises:
        ValueError: it is spelled otherwise.
    """
    id_ = cast("UUID", pgproto.UUID(text))
    if str(id_) != text:
        raise ValueError("an id is not spelled as we spell it")
    return id_


def bucket_of(id_: UUID) -> int:
    """The bucket that an id carries: 0 to 4095, to be checked against the system's number."""
    return id_.int >> 64 & 0xFFF


def is_our_id(id_: UUID, buckets: int) -> bool:
    """Whether this can be an id of a system of so many buckets."""
    value = id_.int
    is_version_8 = value >> 76 & 0xF == 8 and value >> 62 & 0b11 == 0b10
    return is_version_8 and value >> 64 & 0xFFF < buckets


def normalise_email(email: str) -> str:
    """The one spelling of an e-mail: NFC, lower case. Doing it twice changes nothing."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", email).lower())


def stable_hash(text: str) -> int:
    """64 bits of SHA-256. Never Python's `hash()`, which differs from process to process."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


def email_bucket(email: str, buckets: int) -> int:
    """The bucket a user with this normalised e-mail is created in."""
    return stable_hash(email) % buckets


def currency_bucket(code: str, buckets: int) -> int:
    """The bucket whose shard holds the row of a currency."""
    return stable_hash(code) % buckets
