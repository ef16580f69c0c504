"""The one way to make a topic in a test, and to make it anew."""

import asyncio

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import InvalidReplicationFactorError, NoError, for_code

from tests.eventually import eventually


async def make_topic(admin: AIOKafkaAdminClient, name: str, partitions: int = 1) -> None:
    """Makes a topic with one copy and returns when each partition has a leader.

    aiokafka does not raise what the broker refuses, so that is looked at here. A broker that was
    frozen for longer than its session counts as away for a moment more and refuses for that.
    """
    await eventually(lambda: _is_made(admin, name, partitions))
    await eventually(lambda: _has_leaders(admin, name, partitions))


async def remake_topic(admin: AIOKafkaAdminClient, name: str, partitions: int = 1) -> None:
    """Deletes a topic and makes it again, empty."""
    await admin.delete_topics([name])
    await asyncio.sleep(0.5)
    await make_topic(admin, name, partitions)


async def _is_made(admin: AIOKafkaAdminClient, name: str, partitions: int) -> bool:
    response = await admin.create_topics([NewTopic(name, partitions, 1)])
    [(_, code, message)] = response.topic_errors
    error = for_code(code)
    if error is not NoError and error is not InvalidReplicationFactorError:
        raise error(message)
    return error is NoError


async def _has_leaders(admin: AIOKafkaAdminClient, name: str, partitions: int) -> bool:
    [topic] = await admin.describe_topics([name])
    found = [partition["leader"] >= 0 for partition in topic["partitions"]]
    return len(found) == partitions and all(found)
