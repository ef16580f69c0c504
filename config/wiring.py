"""From settings to the parts that every entry point makes alike."""

import time
from collections.abc import Callable
from datetime import timedelta

from config.settings import Settings
from messaging.topics import TopicNames
from sagas.messages import KeyRing
from sagas.steps.try_transfer import Timing
from shards.ids import IdSource, RandomIds
from shards.pool import ShardOptions
from shards.router import ShardMap
from shards.shard import Shard


def open_shards(settings: Settings) -> ShardMap:
    """The router over the configured shards; connects to none of them yet. Close it."""
    options = ShardOptions(
        pool_size=settings.postgres.pool_size,
        transaction_s=settings.postgres.statement_s,
        lock_s=settings.postgres.lock_s,
    )
    return ShardMap(
        [
            Shard(name=shard.name, dsn=shard.dsn, buckets=shard.buckets, options=options)
            for shard in settings.shard_settings
        ],
        buckets=settings.buckets,
    )


def wall_clock(settings: Settings) -> Callable[[], float]:
    """The clock of this process, in seconds since the epoch: ids and tokens take their time here.

    Nothing about money does: that is the databases' clock.
    """
    offset_s = settings.clock_offset_s
    return lambda: time.time() + offset_s


def random_ids(settings: Settings) -> IdSource:
    """Where the ids and the jitter of this process come from."""
    clock = wall_clock(settings)
    return RandomIds(milliseconds=lambda: int(clock() * 1000))


def key_ring(settings: Settings) -> KeyRing:
    """The keys that sign messages.

    Raises:
        ValueError: none is configured, or one is too short.
    """
    keys = {
        key_id: secret.get_secret_value().encode()
        for key_id, secret in settings.messages.keys.items()
    }
    return KeyRing(keys, signing=settings.messages.signing_key)


def timing(settings: Settings) -> Timing:
    """The times that steps plan with."""
    return Timing(redrive_after=timedelta(seconds=settings.redrive.first_after_s))


def topic_names(settings: Settings) -> TopicNames:
    """The topics of this installation."""
    return TopicNames.for_prefix(settings.kafka.topic_prefix)
