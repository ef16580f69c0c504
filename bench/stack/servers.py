"""The PostgreSQL server and the broker of a whole run, which its cases share."""

import contextlib
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from devstack import leftovers
from devstack.background import Background
from devstack.home import Home
from devstack.jars import KAFKA, fetched
from devstack.kafka import KafkaBroker
from devstack.ports import free_port
from devstack.postgres import PostgresServer
from devstack.postgres_binaries import MAJOR
from devstack.progress import Progress
from devstack.units import end_all

# In the checkout, since the system's folder for such things may be in memory, where fsync costs
# nothing; and kept, since ledgers of millions of entries are built once.
FOLDER = Path(".holdfast/bench")
# Nothing committed is lost, as `make run` has it: said here since every figure depends on it. The
# rest is for more than a try-out: by default PostgreSQL keeps 128 MB in memory, which a ledger of a
# million entries exceeds, and made 90 checkpoints for its log's size in a full run of 33 minutes.
_POSTGRES = {
    "fsync": "on",
    "synchronous_commit": "on",
    "shared_buffers": "1GB",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "15min",
}
_DRAIN_S = 15.0


class Servers:
    """Both servers, started by `running_servers`.

    Attributes:
        logs: of the servers, and of each system in a folder of its own.
        postgres: the server of all shards and of the floor.
        kafka: the broker.
    """

    def __init__(self, home: Home) -> None:
        self.logs = home.logs
        self.postgres = PostgresServer(
            home.postgres, free_port(), self.logs / "postgres.log", _POSTGRES
        )
        self.kafka = KafkaBroker(home.kafka, free_port(), self.logs)


@contextmanager
def running_servers(folder: Path, *, progress: Progress) -> Iterator[Servers]:
    """Both servers until the end of the block.

    Args:
        folder: of their data. The ledgers in it stay, topics and logs are of this run only.
        progress: told what happens.

    Raises:
        DevstackError: one cannot be started; its text says what to do.
    """
    with contextlib.ExitStack() as stack:
        home = Home(folder)
        stack.enter_context(home.held())
        leftovers.sweep(home.processes, home=home.folder)
        for old in (home.kafka, home.logs):
            shutil.rmtree(old, ignore_errors=True)
        home.logs.mkdir()
        home.check_versions({"PostgreSQL": str(MAJOR), "Kafka": KAFKA.version})
        servers = Servers(home)
        stack.callback(leftovers.forget_all, home.processes)
        stack.callback(end_all, [servers.postgres, servers.kafka], drain_s=_DRAIN_S)
        _start(servers, home, progress)
        yield servers


def _start(servers: Servers, home: Home, progress: Progress) -> None:
    fetched(KAFKA, report=progress.say)
    since = time.monotonic()

    def start_kafka() -> None:
        servers.kafka.start()
        leftovers.remember(home.processes, servers.kafka.child)

    kafka = Background(start_kafka)
    servers.postgres.start()
    leftovers.remember(home.processes, servers.postgres.child)
    kafka.result()
    progress.done(f"PostgreSQL {MAJOR} and Kafka {KAFKA.version} are ready", since=since)
