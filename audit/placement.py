"""Which shard has which bucket, and whether each is on exactly one."""

from collections.abc import Mapping, Sequence

from audit.findings import Findings
from audit.reader import ShardReader, UnreadableError
from audit.report import ALL_SHARDS, Breach
from audit.statements import load_blocks

_FACTS = load_blocks("facts")
_NAME = "bucket_placed"
_SAYS = "Every bucket is on exactly one shard, and on the one that the map names."


def declare_placement(findings: Findings) -> None:
    """Puts the check into the report."""
    findings.declare(_NAME, _SAYS)


async def require_identity(reader: ShardReader, *, buckets: int) -> None:
    """Makes sure that the database is the shard it is taken for.

    Raises:
        UnreadableError: it is another shard's, or of a system with another number of buckets.
    """
    shard = reader.shard.name
    rows = await reader.rows(_FACTS["read_system"])
    if not rows:
        raise UnreadableError(shard, "not set up; run `holdfast migrate`")
    if rows[0]["shard"] != shard:
        raise UnreadableError(shard, f"its address leads to the database of {rows[0]['shard']!r}")
    if rows[0]["buckets"] != buckets:
        raise UnreadableError(shard, f"made with {rows[0]['buckets']} buckets, not {buckets}")


async def read_owned(reader: ShardReader) -> tuple[int, ...]:
    """The buckets that a shard says it owns."""
    return tuple(row["bucket"] for row in await reader.rows(_FACTS["read_buckets"]))


def check_placement(
    owned: Sequence[tuple[ShardReader, tuple[int, ...]]], findings: Findings, *, buckets: int
) -> Mapping[int, ShardReader]:
    """Compares what the shards own with the map, and returns where each bucket is.

    Args:
        owned: the shards that answer, with what they own.
        findings: takes the breaches.
        buckets: of the whole system.
    """
    places: dict[int, list[ShardReader]] = {bucket: [] for bucket in range(buckets)}
    for reader, mine in owned:
        shard = reader.shard
        for bucket in mine:
            places.setdefault(bucket, []).append(reader)
        for bucket in sorted(set(mine) ^ set(shard.buckets)):
            said = "owned, but not by the map" if bucket in mine else "not owned, but in the map"
            findings.breach(_NAME, Breach(shard.name, (str(bucket),), said))
    for bucket, readers in places.items():
        names = ", ".join(reader.shard.name for reader in readers)
        if len(readers) > 1:
            findings.breach(_NAME, Breach(ALL_SHARDS, (str(bucket),), f"owned by {names}"))
        elif not readers and not findings.unaudited:
            findings.breach(_NAME, Breach(ALL_SHARDS, (str(bucket),), "owned by no shard"))
    findings.examined(_NAME, len(places))
    return {bucket: readers[0] for bucket, readers in places.items() if readers}
