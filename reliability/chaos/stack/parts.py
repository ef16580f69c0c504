"""The parts of a stack, made from its options and not started."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from devstack.kafka import KafkaBroker
from devstack.postgres import PostgresServer
from messaging.topics import TopicNames
from reliability.chaos.stack.broker_node import BrokerNode
from reliability.chaos.stack.database_node import DatabaseNode
from reliability.chaos.stack.disk import Disk
from reliability.chaos.stack.environment import Environment
from reliability.chaos.stack.errors import Refused
from reliability.chaos.stack.layout import Layout
from reliability.chaos.stack.node import Role
from reliability.chaos.stack.options import StackOptions
from reliability.chaos.stack.program_node import ProgramNode

Say = Callable[[str], None]

# Small, since each server has a small disk; and as durable as PostgreSQL is by default.
_POSTGRES = {"max_wal_size": "128MB", "min_wal_size": "32MB", "shared_buffers": "64MB"}


class Parts:
    """Makes nodes and disks.

    Args:
        options: of the stack.
        layout: of the stack.
        environment: of the stack.
        say: told of what nodes do by themselves.
    """

    def __init__(
        self, options: StackOptions, layout: Layout, environment: Environment, *, say: Say
    ) -> None:
        self._options = options
        self._layout = layout
        self._environment = environment
        self._say = say
        self._folder = options.folder.resolve()
        self._logs = self._folder / "logs"

    def program(self, name: str, role: Role) -> ProgramNode:
        """A gateway or a worker."""
        return ProgramNode(
            name, role, partial(self._environment.program, name, role), say=self._say
        )

    def broker(self, name: str, topics: TopicNames) -> BrokerNode:
        """A broker, whose folder is formatted here."""
        folder = self._folder / name
        folder.mkdir(parents=True, exist_ok=True)
        hosts = folder / "hosts"
        hosts.write_text(self._layout.hosts_of(name), encoding="utf-8")
        server = KafkaBroker(
            folder / "data",
            self._layout.ports[name],
            self._logs / name,
            member=self._layout.member(name, hosts=hosts),
        )
        server.prepare()
        return BrokerNode(name, server, topics=topics.all, say=self._say)

    async def disk(self, shard: str) -> Disk | Refused:
        """A mounted disk for a shard's server, or why there is none."""
        log = self._logs / f"{shard}-disk.log"
        disk = Disk(self._folder / shard, size_mb=self._options.disk_mb, log=log)
        try:
            await disk.mount()
        except Refused as refused:
            self._say(f"{shard} has no disk of its own: {refused.reason}")
            return refused
        return disk

    def database(self, shard: str, disk: Disk | Refused) -> DatabaseNode:
        """A shard's server, whose folder is made here."""
        server = PostgresServer(
            self._data_of(shard),
            self._layout.ports[shard],
            self._logs / f"{shard}.log",
            _POSTGRES,
            mounts_of=disk.pid if isinstance(disk, Disk) else None,
        )
        server.prepare()
        return DatabaseNode(shard, server, say=self._say)

    def _data_of(self, shard: str) -> Path:
        return self._folder / shard / "data"
