"""One entry, by its hash."""

from uuid import UUID

from shards.connection import Connection
from shards.lists import ListedEntry
from shards.statements import load_statements

_SQL = load_statements("entries")


async def find_entry(conn: Connection, hash_: bytes) -> tuple[UUID, ListedEntry] | None:
    """The entry with this hash, and whose it is; None when this shard has none such."""
    row = await conn.fetchrow(_SQL["find_entry"], hash_)
    if row is None:
        return None
    fields = dict(row)
    return fields.pop("user_id"), ListedEntry(**fields)
