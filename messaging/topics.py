"""The topics: their names, how they are made, and the check that `holdfast migrate` ends with.

All topics of a saga have as many partitions as there are buckets: the partition *is* the bucket.
A topic made with other numbers is therefore refused, never adjusted.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import astuple, dataclass
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import (
    InvalidReplicationFactorError,
    KafkaError,
    NoError,
    TopicAlreadyExistsError,
    for_code,
)

from messaging.errors import BrokerUnavailableError, TopicProblem, TopicsError

REQUEST_TIMEOUT_S = 10.0
WITHIN_S = 30.0
# A broker that was frozen for longer than its session is not counted for a moment after it is back.
COUNTED_AGAIN_S = 3.0

WEEK_MS = 7 * 24 * 3600 * 1000
FOREVER_MS = -1


@dataclass(frozen=True, slots=True)
class TopicNames:
    """The five topics of one installation."""

    try_confirm: str
    confirm: str
    cancel: str
    dead: str
    events: str

    @classmethod
    def for_prefix(cls, prefix: str) -> "TopicNames":
        """The names below a prefix: `wallet` gives `wallet.try-confirm.v1` and so on."""
        return cls(
            try_confirm=f"{prefix}.try-confirm.v1",
            confirm=f"{prefix}.confirm.v1",
            cancel=f"{prefix}.cancel.v1",
            dead=f"{prefix}.dead.v1",
            events=f"{prefix}.events.v1",
        )

    @property
    def all(self) -> tuple[str, ...]:
        """Every topic."""
        return astuple(self)

    @property
    def steps(self) -> tuple[str, ...]:
        """The topics that workers consume."""
        return self.try_confirm, self.confirm, self.cancel

    def retention_ms(self, topic: str) -> int:
        """How long a topic keeps a message.

        A step or an event can be made again from its row, so a week is enough, and it is also how
        long Kafka remembers the offsets of a group that is away: a worker that comes back later
        finds neither, and starts from what redrive sends. A dead letter may be the only copy of
        what somebody sent: it is never deleted by time.
        """
        return FOREVER_MS if topic == self.dead else WEEK_MS


@asynccontextmanager
async def _admin(bootstrap: str) -> AsyncIterator[AIOKafkaAdminClient]:
    client = AIOKafkaAdminClient(
        bootstrap_servers=bootstrap, request_timeout_ms=int(REQUEST_TIMEOUT_S * 1000)
    )
    try:
        async with asyncio.timeout(WITHIN_S):
            await client.start()
            yield client
    except (KafkaError, TimeoutError, OSError) as error:
        raise BrokerUnavailableError(f"no answer from Kafka at {bootstrap!r}: {error!r}") from error
    finally:
        await client.close()


async def create_topics(
    *,
    bootstrap: str,
    names: TopicNames,
    partitions: int,
    replication_factor: int,
    min_insync_replicas: int,
) -> list[str]:
    """Makes the topics that do not exist and waits until each partition has a leader.

    Safe to repeat and to run from several places at once: a topic that exists is left as it is
    (`check_topics` says whether it is as it should be).

    Returns:
        The topics that this call made.

    Raises:
        TopicsError: the brokers refused, for instance more copies than there were brokers
            for `COUNTED_AGAIN_S`.
        BrokerUnavailableError: no broker answered in time.
    """
    async with _admin(bootstrap) as admin:
        present = await _described(admin, names)
        wanted = [
            NewTopic(
                topic,
                partitions,
                replication_factor,
                topic_configs={
                    "cleanup.policy": "delete",
                    "min.insync.replicas": str(min_insync_replicas),
                    "retention.ms": str(names.retention_ms(topic)),
                },
            )
            for topic in names.all
            if topic not in present
        ]
        if not wanted:
            return []
        await _until_controller(admin)
        created = await made(admin, wanted)
        await _until_leaders(admin, names)
        return created


async def made(admin: AIOKafkaAdminClient, wanted: list[NewTopic]) -> list[str]:
    """Asks for topics, and again while there are too few brokers, for `COUNTED_AGAIN_S`.

    Returns:
        Those that were not there before.

    Raises:
        TopicsError: with what the brokers said, for each topic that they refused.
    """
    created: list[str] = []
    loop = asyncio.get_running_loop()
    counted_at = loop.time() + COUNTED_AGAIN_S
    while True:
        response = await admin.create_topics(wanted)
        answers = [(topic, for_code(code), text) for topic, code, text in response.topic_errors]
        created += [topic for topic, error, _ in answers if error is NoError]
        refused = [each for each in answers if each[1] not in (NoError, TopicAlreadyExistsError)]
        if not refused:
            return created
        too_few = all(error is InvalidReplicationFactorError for _, error, _ in refused)
        if not too_few or loop.time() >= counted_at:
            raise TopicsError(
                [
                    TopicProblem(topic=topic, what=f"was refused: {text or error()}")
                    for topic, error, text in refused
                ]
            )
        await asyncio.sleep(0.05)


async def _until_controller(admin: AIOKafkaAdminClient) -> None:
    """A broker that has just started answers before it knows who decides about topics."""
    while True:
        if (await admin.describe_cluster())["controller_id"] >= 0:
            return
        await asyncio.sleep(0.02)


async def _until_leaders(admin: AIOKafkaAdminClient, names: TopicNames) -> None:
    """Faust ignores a topic that it cannot see when it starts, so nobody may start before."""
    while True:
        described = await _described(admin, names)
        if len(described) == len(names.all) and all(
            partition["leader"] >= 0 for topic in described.values() for partition in topic
        ):
            return
        await asyncio.sleep(0.02)


async def _described(
    admin: AIOKafkaAdminClient, names: TopicNames
) -> dict[str, list[dict[str, Any]]]:
    described = await admin.describe_topics(list(names.all))
    return {
        topic["topic"]: topic["partitions"]
        for topic in described
        if for_code(topic["error_code"]) is NoError
    }


async def check_topics(
    *,
    bootstrap: str,
    names: TopicNames,
    partitions: int,
    replication_factor: int,
    min_insync_replicas: int,
) -> None:
    """Changes nothing; returns when every topic is as the settings say.

    Raises:
        TopicsError: names each topic that is not, with what is wrong with it.
        BrokerUnavailableError: no broker answered in time.
    """
    async with _admin(bootstrap) as admin:
        described = await _described(admin, names)
        in_sync = await _min_insync_replicas(admin, list(described))
    problems = []
    for topic in names.all:
        if topic not in described:
            problems.append(TopicProblem(topic=topic, what="is missing"))
            continue
        copies = min((len(found["replicas"]) for found in described[topic]), default=0)
        compared = (
            ("partitions", len(described[topic]), partitions),
            ("replication factor", copies, replication_factor),
            ("min.insync.replicas", in_sync[topic], min_insync_replicas),
        )
        other = [
            f"{what} {found} where the settings say {wanted}"
            for what, found, wanted in compared
            if found != wanted
        ]
        if other:
            problems.append(TopicProblem(topic=topic, what=f"has {', '.join(other)}"))
    if problems:
        raise TopicsError(problems)


async def _min_insync_replicas(admin: AIOKafkaAdminClient, topics: list[str]) -> dict[str, int]:
    if not topics:
        return {}
    name = "min.insync.replicas"
    responses = await admin.describe_configs(
        [ConfigResource(ConfigResourceType.TOPIC, topic, {name: None}) for topic in topics]
    )
    found = {}
    for response in responses:
        for code, message, _, topic, entries in response.resources:
            if for_code(code) is not NoError:
                raise BrokerUnavailableError(f"settings of topic {topic!r}: {message}")
            # An entry begins with (name, value) in every version of the protocol.
            found[topic] = next(int(entry[1]) for entry in entries if entry[0] == name)
    return found
