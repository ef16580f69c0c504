"""The stack: what it is made of, and what can be done to all of it."""

from collections.abc import Callable, Mapping

from messaging.topics import TopicNames
from reliability.chaos.stack.broker_node import BrokerNode
from reliability.chaos.stack.database_node import DatabaseNode
from reliability.chaos.stack.links import Link
from reliability.chaos.stack.options import StackOptions
from reliability.chaos.stack.program_node import ProgramNode


class Stack:
    """A running system; `start` makes one, `stop` ends all of it.

    Attributes:
        gateways: gateway processes.
        workers: worker processes.
        brokers: Kafka brokers.
        servers: PostgreSQL servers, one per shard, named as the shard.
        links: every way from a process to a server.
        urls: base URL of each gateway, through its proxy.
        direct_dsns: name of a shard to its database, past the proxies.
        bootstrap: the brokers, past the proxies.
        topic_names: the topics of the system.
        environment: settings for a process that looks on (`holdfast audit`), past the proxies.
    """

    gateways: tuple[ProgramNode, ...]
    workers: tuple[ProgramNode, ...]
    brokers: tuple[BrokerNode, ...]
    servers: tuple[DatabaseNode, ...]
    links: tuple[Link, ...]
    urls: tuple[str, ...]
    direct_dsns: Mapping[str, str]
    bootstrap: str
    topic_names: TopicNames
    environment: Mapping[str, str]

    @classmethod
    async def start(cls, options: StackOptions, *, progress: Callable[[str], None]) -> "Stack":
        """Starts everything and returns when all of it is ready; ends it again where that fails.

        Raises:
            DevstackError: something could not be started; its text says what to do.
        """
        raise NotImplementedError

    async def stop(self) -> None:
        """Ends every process that it started, paused ones too; can be called twice."""
        raise NotImplementedError

    async def heal(self) -> None:
        """Ends every fault: links, pauses, what is down, clocks, disks, settings of programs."""
        raise NotImplementedError

    async def leader_of(self, topic: str, partition: int) -> BrokerNode | None:
        """The broker that leads a partition; None while there is none or nobody answers."""
        raise NotImplementedError

    async def rolling_restart(self) -> None:
        """Stops and starts one broker after the other, each ready before the next."""
        raise NotImplementedError

    async def make_topics(self) -> None:
        """Makes the topics that are missing, as they were made first."""
        raise NotImplementedError

    async def skew_database_clock(self, shard: str, seconds: float) -> None:
        """Replaces `app_now()` of a shard by one that is off; 0 heals."""
        raise NotImplementedError

    async def fill_disk(self, shard: str) -> None:
        """Takes all that is left of the shard's file system.

        Raises:
            Refused: its server has no file system of its own, since the kernel refused that.
        """
        raise NotImplementedError

    async def free_disk(self, shard: str) -> None:
        """Gives it back."""
        raise NotImplementedError
