"""A Kafka broker."""

import asyncio
from collections.abc import Callable, Collection

from devstack.kafka import KafkaBroker
from reliability.chaos.stack.log_tail import cut_tail
from reliability.chaos.stack.node import Node, Role


class BrokerNode(Node):
    """A broker, which is one of the controllers too.

    Args:
        topics: those whose logs may lose their tail.
    """

    def __init__(
        self,
        name: str,
        server: KafkaBroker,
        *,
        topics: Collection[str],
        say: Callable[[str], None],
    ) -> None:
        super().__init__(name, Role.BROKER, server, say=say)
        self.server = server
        self._topics = topics

    async def truncate_tail(self, share: float, *, ready_within_s: float = 30.0) -> int:
        """Kills it, cuts from the logs of the wallet's topics what it had not flushed, starts it.

        Args:
            share: how much of the unflushed bytes of each partition goes, above 0 up to 1.
            ready_within_s: as for `start`.

        Returns:
            Bytes that were cut.
        """
        if not 0 < share <= 1:
            raise ValueError(f"a share is above 0 and at most 1, and not {share}")
        await self.kill()
        gone = await asyncio.to_thread(cut_tail, self.server.messages, self._topics, share=share)
        await self.start(ready_within_s=ready_within_s)
        return gone
