"""Bucket to shard, from the ids themselves."""

from uuid import UUID

import pytest

from shards.ids import RandomIds, currency_bucket, email_bucket
from shards.pool import ShardOptions
from shards.router import ShardMap
from shards.shard import Shard

NOWHERE = "postgresql://127.0.0.1:1/none"


def shard(name: str, *buckets: int) -> Shard:
    return Shard(name=name, dsn=NOWHERE, buckets=buckets, options=ShardOptions())


def four_buckets() -> ShardMap:
    return ShardMap([shard("even", 0, 2), shard("odd", 1, 3)], buckets=4)


@pytest.mark.parametrize(("bucket", "name"), [(0, "even"), (1, "odd"), (2, "even"), (3, "odd")])
def test_an_id_is_on_the_shard_of_its_bucket(bucket: int, name: str):
    shards = four_buckets()

    assert shards.of_bucket(bucket).name == name
    assert shards.of_id(RandomIds().new_id(bucket)).name == name


def test_an_email_and_a_currency_are_on_the_shard_of_their_hash():
    shards = four_buckets()

    assert shards.of_email("a@b.c") is shards.of_bucket(email_bucket("a@b.c", 4))
    assert shards.of_currency("EUR") is shards.of_bucket(currency_bucket("EUR", 4))


@pytest.mark.parametrize(
    ("placed", "named"),
    [
        ([(0, 1), (3,)], r"\[0, 1, 3\]"),
        ([(0, 1, 2), (2, 3)], r"\[0, 1, 2, 2, 3\]"),
        ([(0, 1, 2, 3, 4)], r"4\]"),
        ([], r"\[\]"),
    ],
    ids=["on-no-shard", "on-two-shards", "beyond-the-number", "no-shards"],
)
def test_a_bucket_that_is_not_on_one_shard_is_refused(placed: list[tuple[int, ...]], named: str):
    with pytest.raises(ValueError, match=named):
        ShardMap([shard(f"s{n}", *buckets) for n, buckets in enumerate(placed)], buckets=4)


def test_an_id_that_cannot_be_of_this_system_is_unknown():
    shards = four_buckets()

    assert shards.knows(RandomIds().new_id(3))
    assert not shards.knows(RandomIds().new_id(4))
    assert not shards.knows(UUID(int=0))


async def test_a_map_that_was_never_used_closes():
    await four_buckets().close()
