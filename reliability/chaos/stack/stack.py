"""The stack: what it is made of, and what can be done to all of it."""

import asyncio
import sys
from collections.abc import Callable, Mapping

from devstack import databases
from devstack.errors import ServerError
from devstack.jars import KAFKA, fetched
from devstack.processes import Command, run_to_end
from messaging.topics import TopicNames, create_topics
from reliability.chaos.stack.broker_node import BrokerNode
from reliability.chaos.stack.clocks import set_clock
from reliability.chaos.stack.database_node import DatabaseNode
from reliability.chaos.stack.disk import Disk
from reliability.chaos.stack.environment import Environment
from reliability.chaos.stack.errors import Refused
from reliability.chaos.stack.kafka_admin import leader_ids
from reliability.chaos.stack.layout import Layout
from reliability.chaos.stack.links import Link
from reliability.chaos.stack.node import Node, Role
from reliability.chaos.stack.options import StackOptions
from reliability.chaos.stack.parts import Parts
from reliability.chaos.stack.program_node import ProgramNode
from reliability.chaos.stack.proxy.client import ProxyProcess
from reliability.chaos.stack.threads import to_the_end
from reliability.chaos.stack.together import all_of, quietly

_READY_S = 120.0
_SETUP_S = 60.0
_WATCH_S = 0.25


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
        environment: of a process that looks on (such as `holdfast audit`), past the proxies.
    """

    def __init__(self, options: StackOptions, *, progress: Callable[[str], None]) -> None:
        self.options = options
        self._say = progress
        self._layout = Layout(options)
        self._environment = Environment(options, self._layout)
        self.gateways: tuple[ProgramNode, ...] = ()
        self.workers: tuple[ProgramNode, ...] = ()
        self.brokers: tuple[BrokerNode, ...] = ()
        self.servers: tuple[DatabaseNode, ...] = ()
        self.links: tuple[Link, ...] = ()
        self.urls = tuple(self._layout.url(name) for name in self._layout.gateways)
        self.direct_dsns: Mapping[str, str] = {
            shard: self._layout.dsn(shard) for shard in self._layout.shards
        }
        self.bootstrap = self._layout.bootstrap()
        self.topic_names = TopicNames.for_prefix("wallet")
        self.environment: Mapping[str, str] = self._environment.of()
        self._proxy = ProxyProcess(options.folder / "logs" / "proxy.log")
        self._parts = Parts(options, self._layout, self._environment, say=progress)
        self._disks: dict[str, Disk | Refused] = {}
        self._skewed: dict[str, float] = {}
        self._watch: asyncio.Task[None] | None = None

    @classmethod
    async def start(cls, options: StackOptions, *, progress: Callable[[str], None]) -> "Stack":
        """Starts everything and returns when all of it is ready; ends it again where that fails.

        Raises:
            DevstackError: something could not be started; its text says what to do.
        """
        stack = cls(options, progress=progress)
        try:
            await stack._start()
        except BaseException:
            await stack.stop()
            raise
        return stack

    async def stop(self) -> None:
        """Ends every process that it started, paused ones too; can be called twice."""
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.wait({self._watch})
        await all_of(quietly(node.stop()) for node in self._programs)
        await all_of(quietly(node.kill()) for node in self._servers)
        await all_of(
            quietly(disk.stop()) for disk in self._disks.values() if isinstance(disk, Disk)
        )
        await quietly(self._proxy.stop())

    @property
    def nodes(self) -> tuple[Node, ...]:
        """Every process that can be killed."""
        return (*self._servers, *self._programs)

    async def heal(self) -> None:
        """Ends every fault: links, pauses, what is down, clocks, disks, settings of programs.

        Raises:
            ServerError: something is not ready in time.
        """
        await all_of(link.heal() for link in self.links)
        await all_of(
            self.free_disk(name) for name, disk in self._disks.items() if isinstance(disk, Disk)
        )
        await all_of(self._up(node) for node in self._servers)
        await all_of(self.skew_database_clock(shard, 0) for shard in list(self._skewed))
        await all_of(node.restart_with({}) for node in self._programs if node.environment)
        await all_of(self._up(node) for node in self._programs)

    async def leader_of(self, topic: str, partition: int) -> BrokerNode | None:
        """The broker that leads a partition; None while there is none or nobody answers."""
        node_id = (await leader_ids(self.bootstrap, topic)).get(partition, -1)
        return self.brokers[node_id - 1] if node_id > 0 else None

    async def rolling_restart(self) -> None:
        """Stops and starts one broker after the other, each ready before the next.

        Raises:
            ServerError: one was not ready in time.
        """
        for broker in self.brokers:
            await broker.stop()
            await self._up(broker)

    async def make_topics(self) -> list[str]:
        """Makes the topics that are missing, as they were made first; returns their names.

        Raises:
            BrokerUnavailableError, TopicsError: they could not be made.
        """
        return await create_topics(
            bootstrap=self.bootstrap,
            names=self.topic_names,
            partitions=self._layout.buckets,
            replication_factor=self._layout.copies,
            min_insync_replicas=self._layout.in_sync,
        )

    async def skew_database_clock(self, shard: str, seconds: float) -> None:
        """Replaces `app_now()` of a shard by one that is off; 0 heals.

        Raises:
            OSError, asyncpg.PostgresError: its server is away.
        """
        await set_clock(self.direct_dsns[shard], seconds)
        if seconds:
            self._skewed[shard] = seconds
        else:
            self._skewed.pop(shard, None)

    async def fill_disk(self, shard: str) -> None:
        """Takes all that is left of the shard's file system.

        Raises:
            Refused: its server has no file system of its own, since the kernel refused that.
        """
        await self._disk(shard).fill()

    async def free_disk(self, shard: str) -> None:
        """Gives it back."""
        await self._disk(shard).free()

    # -- start ---------------------------------------------------------------------------------

    async def _start(self) -> None:
        (self.options.folder / "logs").mkdir(parents=True, exist_ok=True)
        await self._start_proxy()
        await self._start_servers()
        await to_the_end(self._set_up)
        self.gateways = tuple(self._parts.program(n, Role.GATEWAY) for n in self._layout.gateways)
        self.workers = tuple(self._parts.program(n, Role.WORKER) for n in self._layout.workers)
        self._watch = asyncio.create_task(self._keep_up())
        await all_of(self._up(node) for node in self._programs)
        self._say(f"{len(self.gateways)} gateways and {len(self.workers)} workers are ready")

    async def _start_proxy(self) -> None:
        await self._proxy.start()
        self.links = tuple(
            [
                await self._proxy.open_link(way.client, way.server, way.routes)
                for way in self._layout.ways()
            ]
        )
        self._say(f"the proxy listens for {len(self.links)} links")

    async def _start_servers(self) -> None:
        await to_the_end(lambda: fetched(KAFKA, report=self._say))
        for shard in self._layout.shards:
            self._disks[shard] = await self._parts.disk(shard)
        async with asyncio.TaskGroup() as group:
            servers = [
                group.create_task(asyncio.to_thread(self._parts.database, shard, disk))
                for shard, disk in self._disks.items()
            ]
            brokers = [
                group.create_task(asyncio.to_thread(self._parts.broker, name, self.topic_names))
                for name in self._layout.brokers
            ]
        self.servers = tuple(task.result() for task in servers)
        self.brokers = tuple(task.result() for task in brokers)
        await all_of(self._up(node) for node in self._servers)
        self._say(
            f"{len(self.servers)} PostgreSQL servers and {len(self.brokers)} brokers are ready"
        )

    def _set_up(self) -> None:
        """Databases, tables and topics, made as an operator makes them."""
        for node in self.servers:
            databases.create_missing(node.server.dsn("postgres"), [self.direct_dsns[node.name]])
        argv = (sys.executable, "-m", "cli.main", "migrate")
        log = self.options.folder / "logs" / "migrate.log"
        command = Command(
            name="migrate",
            argv=argv,
            output=log,
            env=self.environment,
            cwd=self.options.folder,
        )
        run_to_end(command, timeout_s=_SETUP_S)

    async def _up(self, node: Node) -> None:
        if not await node.start(ready_within_s=_READY_S):
            log = self.options.folder / "logs" / f"{node.name}.log"
            raise ServerError(f"{node.name} was not ready in {_READY_S:.0f} s", log)

    async def _keep_up(self) -> None:
        while True:
            await asyncio.sleep(_WATCH_S)
            for node in self.nodes:
                await node.watch_once()

    @property
    def _servers(self) -> tuple[BrokerNode | DatabaseNode, ...]:
        return (*self.servers, *self.brokers)

    @property
    def _programs(self) -> tuple[ProgramNode, ...]:
        return (*self.gateways, *self.workers)

    def _disk(self, shard: str) -> Disk:
        disk = self._disks[shard]
        if isinstance(disk, Refused):
            raise disk
        return disk
