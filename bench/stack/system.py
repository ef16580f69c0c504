"""One system: made for a case, and gone with it."""

import asyncio
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from urllib.parse import urlsplit

from aiokafka.admin import AIOKafkaAdminClient

from bench.cases import Case
from bench.ledgers import Ledger, drop
from bench.stack.environment import Place, place_of
from bench.stack.programs import gateway_of, workers_of
from bench.stack.servers import Servers
from bench.stack.shards import database_names, fill
from devstack.errors import ServerError
from devstack.processes import Command, run_to_end
from devstack.programs import Program
from devstack.progress import Progress
from devstack.units import end_all
from devstack.waiting import wait_until

_READY_S = 90.0
_SETUP_S = 60.0
_DRAIN_S = 10.0
_AUDIT_S = 590.0


class AuditFailedError(Exception):
    """The books are wrong, or could not be audited: the run does not count."""


class System:
    """A gateway and workers over databases and topics of their own.

    Attributes:
        place: where everything is.
        servers: what it runs on.
        ledger: what its shards were cloned from.
        gateway: its one gateway.
        workers: its workers.
    """

    def __init__(self, place: Place, servers: Servers, ledger: Ledger) -> None:
        self.place = place
        self.servers = servers
        self.ledger = ledger
        self.gateway = gateway_of(place)
        self.workers = workers_of(place)

    @property
    def programs(self) -> tuple[Program, ...]:
        """All processes of the product."""
        return self.gateway, *self.workers

    @property
    def gateway_port(self) -> int:
        """Where the gateway listens."""
        return urlsplit(self.gateway.address).port or 0

    @property
    def internal_ports(self) -> list[int]:
        """Where the programs have their metrics."""
        return [urlsplit(program.internal_address).port or 0 for program in self.programs]

    def audit(self) -> None:
        """Every invariant on every shard, by the product's own command.

        Raises:
            AuditFailedError: with the end of what it printed.
        """
        log = self.place.folder / "audit.log"
        log.unlink(missing_ok=True)
        try:
            run_to_end(_holdfast(self.place, "audit"), timeout_s=_AUDIT_S)
        except ServerError as error:
            raise AuditFailedError(str(error)) from error


@contextmanager
def running_system(
    case: Case,
    name: str,
    *,
    servers: Servers,
    settings: Mapping[str, str],
    progress: Progress,
) -> Iterator[System]:
    """A system of the case's shape, filled and ready, until the end of the block.

    Raises:
        DevstackError: something cannot be started; its text says what to do.
    """
    place = place_of(
        name,
        case.shape,
        folder=servers.logs / name,
        postgres=servers.postgres,
        bootstrap=servers.kafka.bootstrap,
        settings=settings,
    )
    since = time.monotonic()
    with ExitStack() as stack:
        stack.callback(_forget, servers, place)
        names = database_names(name, case.shape.shards)
        ledger = asyncio.run(fill(servers.postgres, case.shape, names, say=progress.say))
        run_to_end(_holdfast(place, "migrate"), timeout_s=_SETUP_S)
        system = System(place, servers, ledger)
        stack.callback(end_all, system.programs, drain_s=_DRAIN_S)
        _start(system)
        pids = ", ".join(f"{program.name} {program.child.pid}" for program in system.programs)
        progress.done(f"{case.shape.shards} shards; processes: {pids}", since=since)
        yield system


def _start(system: System) -> None:
    waiting = list(system.programs)
    for program in waiting:
        program.launch()

    def all_ready() -> bool:
        for program in list(waiting):
            if program.ready():
                waiting.remove(program)
            elif not program.alive():
                program.launch()  # it asked for that: Kafka's group kept it out
        return not waiting

    if not wait_until(all_ready, timeout_s=_READY_S):
        late = waiting[0]
        raise ServerError(f"{late.name} was not ready in {_READY_S:.0f} s", late.log_path)


def _holdfast(place: Place, command: str) -> Command:
    return Command(
        name=command,
        argv=(sys.executable, "-m", "cli.main", command),
        output=place.folder / f"{command}.log",
        env=place.environment(),
        cwd=place.folder,
    )


def _forget(servers: Servers, place: Place) -> None:
    asyncio.run(drop(servers.postgres, database_names(place.name, place.shape.shards)))
    asyncio.run(_delete_topics(place))


async def _delete_topics(place: Place) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=place.bootstrap)
    await admin.start()
    try:
        await admin.delete_topics(list(place.topics.all))
    finally:
        await admin.close()
