"""What is asked of the brokers from outside: who leads, and topics that are made again."""

from collections.abc import Mapping

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

_REQUEST_MS = 5_000


async def leader_ids(bootstrap: str, topic: str) -> Mapping[int, int]:
    """The node id of each partition's leader; empty when nobody can say, or there is no topic."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=_REQUEST_MS)
    try:
        await admin.start()
        (described,) = await admin.describe_topics([topic])
    except (KafkaError, OSError, TimeoutError):
        return {}
    finally:
        await admin.close()
    return {each["partition"]: each["leader"] for each in described["partitions"]}
