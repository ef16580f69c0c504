import uuid
from typing import Any

import pytest

from devstack.kafka import KafkaBroker
from devstack.ports import free_port
from messaging.errors import BrokerUnavailableError, TopicsError
from messaging.topics import TopicNames, check_topics, create_topics


@pytest.fixture
def topics(kafka: KafkaBroker) -> dict[str, Any]:
    return {
        "bootstrap": kafka.bootstrap,
        "names": TopicNames.for_prefix(f"w{uuid.uuid4().hex[:8]}"),
        "partitions": 3,
        "replication_factor": 1,
        "min_insync_replicas": 1,
    }


async def test_topics_are_made_once(topics: dict[str, Any]) -> None:
    assert await create_topics(**topics) == list(topics["names"].all)
    assert await create_topics(**topics) == []
    await check_topics(**topics)


async def test_missing_topics_are_named(topics: dict[str, Any]) -> None:
    with pytest.raises(TopicsError, match=r"holdfast migrate") as caught:
        await check_topics(**topics)

    assert {(each.topic, each.what) for each in caught.value.problems} == {
        (topic, "is missing") for topic in topics["names"].all
    }


@pytest.mark.parametrize(
    ("setting", "value", "what"),
    [
        ("partitions", 4, "has partitions 3 where the settings say 4"),
        ("replication_factor", 3, "has replication factor 1 where the settings say 3"),
        ("min_insync_replicas", 2, "has min.insync.replicas 1 where the settings say 2"),
    ],
)
async def test_topics_made_with_other_numbers_are_named(
    topics: dict[str, Any], setting: str, value: int, what: str
) -> None:
    await create_topics(**topics)

    with pytest.raises(TopicsError) as caught:
        await check_topics(**{**topics, setting: value})

    assert {each.what for each in caught.value.problems} == {what}


async def test_more_copies_than_brokers_are_refused(topics: dict[str, Any]) -> None:
    with pytest.raises(TopicsError, match="refused"):
        await create_topics(**{**topics, "replication_factor": 3})


async def test_no_broker_is_a_transient_error(topics: dict[str, Any]) -> None:
    topics["bootstrap"] = f"127.0.0.1:{free_port()}"

    with pytest.raises(BrokerUnavailableError):
        await check_topics(**topics)
    with pytest.raises(BrokerUnavailableError):
        await create_topics(**topics)
