"""How many messages there are, by the ends of the topics."""

from aiokafka import AIOKafkaConsumer, TopicPartition

from messaging.topics import TopicNames


class MessageCount:
    """Counts the messages of one system; `connect` first, and `close`."""

    def __init__(self, *, bootstrap: str, topics: TopicNames, partitions: int) -> None:
        self._bootstrap = bootstrap
        self._all = [TopicPartition(t, p) for t in topics.all for p in range(partitions)]
        self._consumer: AIOKafkaConsumer | None = None

    async def connect(self) -> None:
        """Connects to the broker."""
        self._consumer = AIOKafkaConsumer(bootstrap_servers=self._bootstrap)
        await self._consumer.start()

    async def close(self) -> None:
        """Ends the connection."""
        if self._consumer is not None:
            await self._consumer.stop()

    async def total(self) -> int:
        """Messages ever written to the topics."""
        assert self._consumer is not None, "connect first"
        ends = await self._consumer.end_offsets(self._all)
        return sum(ends.values())
