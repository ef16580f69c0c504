"""The users of a ledger, which whoever drives it can make again from its shape."""

import random
from dataclasses import dataclass
from uuid import UUID

from bench.ledgers.shape import BEGAN, LedgerShape
from shards.ids import RandomIds, email_bucket


@dataclass(frozen=True, slots=True)
class BenchUser:
    """A user; its bucket is that of its e-mail, and in its id."""

    id: UUID
    email: str
    bucket: int


def make_users(shape: LedgerShape) -> list[BenchUser]:
    """The users of a ledger, always the same ones for the same shape."""
    rng = random.Random(f"users {shape.seed}")
    ids = RandomIds(rng, lambda: int(BEGAN.timestamp() * 1000))
    made = []
    for number in range(shape.users):
        email = f"user-{number:07}@bench.example"
        bucket = email_bucket(email, shape.buckets)
        made.append(BenchUser(ids.new_id(bucket), email, bucket))
    return made
