"""Faults of a shard's server that leave its process alone."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from reliability.chaos.faults.field import Field, Note

# Far less than the expiry of a transfer that names none: none of those may expire.
_SKEWS_S = (-7_200.0, -600.0, -20.0, 20.0, 600.0, 7_200.0)


@asynccontextmanager
async def database_clock_skew(field: Field) -> AsyncIterator[Note]:
    """`app_now()` of one shard jumps, and jumps back."""
    shard = field.stack.servers[field.target].name
    seconds = field.rng.choice(_SKEWS_S)
    try:
        await field.stack.skew_database_clock(shard, seconds)
        yield Note(shard, f"{seconds:+.0f} s")
    finally:
        await field.stack.skew_database_clock(shard, 0)


@asynccontextmanager
async def full_disk(field: Field) -> AsyncIterator[Note]:
    """Nothing more can be written."""
    shard = field.stack.servers[field.target].name
    try:
        await field.stack.fill_disk(shard)
        yield Note(shard)
    finally:
        await field.stack.free_disk(shard)
