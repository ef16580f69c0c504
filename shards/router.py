"""Which shard a row lives on: bucket -> shard, from the ids themselves."""

from collections.abc import Sequence
from uuid import UUID

from shards.ids import bucket_of, currency_bucket, email_bucket, is_our_id
from shards.shard import Shard


class ShardMap:
    """The shards of a system and the bucket each row belongs to.

    Args:
        shards: every bucket 0..buckets-1 on exactly one of them.
        buckets: fixed when the system is created.

    Raises:
        ValueError: a bucket is on no shard or on two.
    """

    def __init__(self, shards: Sequence[Shard], *, buckets: int) -> None:
        placed = sorted(bucket for shard in shards for bucket in shard.buckets)
        if placed != list(range(buckets)):
            raise ValueError(f"buckets 0..{buckets - 1} must each be on one shard, not {placed}")
        self.shards = tuple(shards)
        self.buckets = buckets
        self._by_bucket = {bucket: shard for shard in shards for bucket in shard.buckets}

    def knows(self, id_: UUID) -> bool:
        """Whether `id_` can be an id of this system; one that cannot is simply unknown."""
        return is_our_id(id_, self.buckets)

    def of_bucket(self, bucket: int) -> Shard:
        """The shard of a bucket."""
        return self._by_bucket[bucket]

    def of_id(self, id_: UUID) -> Shard:
        """The shard that has the row of this id. Ask `knows` first about ids from outside."""
        return self._by_bucket[bucket_of(id_)]

    def of_email(self, email: str) -> Shard:
        """The shard that has, or would get, the user with this normalised e-mail."""
        return self._by_bucket[email_bucket(email, self.buckets)]

    def of_currency(self, code: str) -> Shard:
        """The shard that has the row of a currency."""
        return self._by_bucket[currency_bucket(code, self.buckets)]

    async def close(self) -> None:
        """Ends the connections of all shards."""
        for shard in self.shards:
            await shard.close()
