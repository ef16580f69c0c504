"""A Kafka broker."""

from reliability.chaos.stack.node import Node


class BrokerNode(Node):
    """A broker, which is one of the controllers too."""

    async def truncate_tail(self, share: float) -> int:
        """Kills it, cuts from the logs of the wallet's topics what it had not flushed, starts it.

        Args:
            share: how much of the unflushed bytes of each partition goes, above 0 up to 1.

        Returns:
            Bytes that were cut.
        """
        raise NotImplementedError
