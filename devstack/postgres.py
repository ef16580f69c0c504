"""A real PostgreSQL server: made when its folder is empty, started, ended, killed."""

import os
import shutil
import signal
from collections.abc import Iterator, Mapping
from pathlib import Path

import psutil

from devstack.errors import ServerError
from devstack.ports import require_free
from devstack.postgres_binaries import binaries, give, server_identity
from devstack.processes import Child, Command, Identity, run_to_end, send, still_runs
from devstack.waiting import wait_until

USER = "holdfast"
PORT_SETTING = "HOLDFAST_POSTGRES__PORT"
_MAX_CONNECTIONS = 400
_START_S = 60.0
_STOP_S = 10.0
_KILL_S = 10.0


class PostgresServer:
    """One server on 127.0.0.1, whose user `holdfast` needs no password: for development only.

    Whoever makes it owns `data_dir` alone (`devstack.home.Home` locks it): what still runs on that
    folder when it starts is a leftover, and is ended.

    Args:
        data_dir: its data; made by `start` when it is not there.
        port: where it listens.
        log_path: what it writes is appended there.
        settings: parameters of the server that go over ours, such as `{"fsync": "off"}`.
        identity: as whom it runs; found out if not given.
        mounts_of: the process in whose view of the file systems `data_dir` lies, if not in ours.
    """

    def __init__(
        self,
        data_dir: Path,
        port: int,
        log_path: Path,
        settings: Mapping[str, str],
        *,
        identity: Identity | None = None,
        mounts_of: int | None = None,
    ) -> None:
        self.data_dir = data_dir.resolve()
        self._mounts_of = mounts_of
        self.port = port
        self.log_path = log_path.resolve()
        self._settings = settings
        self._identity = identity
        self._child: Child | None = None

    @property
    def pid(self) -> int:
        """The postmaster's process id; the last one when it has ended.

        Raises:
            ValueError: it was never started.
        """
        return self.child.pid

    @property
    def child(self) -> Child:
        """The process as started last; raises ValueError when there is none."""
        if self._child is None:
            raise ValueError("PostgreSQL was not started")
        return self._child

    def dsn(self, database: str) -> str:
        """The address of one of its databases."""
        return f"postgresql://{USER}@127.0.0.1:{self.port}/{database}"

    def alive(self) -> bool:
        """Whether the postmaster runs."""
        return self._child is not None and self._child.alive()

    def start(self) -> None:
        """Makes the data folder if need be, starts, and returns when connections are accepted.

        Raises:
            PortTakenError: another program listens on the port.
            ServerError: it ended or was not ready in time; carries the end of its log.
        """
        self.prepare()
        self.launch()
        self.await_ready()

    def await_ready(self) -> None:
        """Waits until it can be used; ends it and raises ServerError when that takes too long."""
        if not wait_until(self.ready, timeout_s=_START_S):
            self.kill()
            raise ServerError(f"PostgreSQL was not ready in {_START_S:.0f} s", self.log_path)

    def prepare(self) -> None:
        """Makes the data folder where there is none; a half-made one is never left."""
        data_dir = self._seen(self.data_dir)
        if (data_dir / "PG_VERSION").is_file():
            return
        half = self.data_dir.with_name(f"{self.data_dir.name}.new")
        shutil.rmtree(self._seen(half), ignore_errors=True)
        self._seen(half.parent).mkdir(parents=True, exist_ok=True)
        run_to_end(self._command("initdb", *_initdb_terms(half)), timeout_s=_START_S)
        if data_dir.is_dir():
            data_dir.rmdir()
        self._seen(half).rename(data_dir)

    def check_port(self) -> None:
        """Makes sure that its port is free; raises PortTakenError."""
        require_free(self.port, setting=PORT_SETTING)

    def launch(self) -> None:
        """Starts the process and does not wait until it is ready (see `ready`)."""
        if self.alive():
            raise ValueError("PostgreSQL runs already")
        self._end_leftovers()
        self.check_port()
        give(self._seen(self.data_dir), self._whom())
        self._child = Child(self._command("postgres", *self._postgres_terms()))

    def ready(self) -> bool:
        """Whether it accepts connections.

        Raises:
            ServerError: it has ended instead.
        """
        if not self.alive():
            # Someone may have been faster than we between the check of the port and the server.
            self.check_port()
            raise ServerError("PostgreSQL ended while it started", self.log_path)
        lines = _pid_file_lines(self._seen(self.data_dir))
        return len(lines) > 7 and lines[0] == str(self.pid) and lines[7].strip() == "ready"

    def request_stop(self) -> None:
        """Asks for a fast stop (open transactions are rolled back), and does not wait."""
        if self._child is not None:
            self._child.request_stop()

    def stop(self) -> None:
        """Stops it fast and waits for the end; one that does not end in time is killed."""
        if self._child is None:
            return
        self._child.request_stop()
        if not self._child.wait(timeout_s=_STOP_S):
            self.kill()

    def kill(self) -> None:
        """Ends the postmaster and every backend at once (SIGKILL), as a power cut would."""
        if self._child is None:
            return
        # Backends are in sessions of their own, and one that goes on keeps the data from
        # being opened again: so they are found while their parent can still be asked.
        backends = _children(self._child.pid)
        self._child.kill()
        _kill_all([*backends, *_running_on(self.data_dir)])

    def _seen(self, path: Path) -> Path:
        """Where a path of the server's is for us."""
        if self._mounts_of is None:
            return path
        return Path(f"/proc/{self._mounts_of}/root", *path.parts[1:])

    def _whom(self) -> Identity:
        if self._identity is None:
            self._identity = server_identity()
        return self._identity

    def _command(self, program: str, *terms: str) -> Command:
        return Command(
            name=program,
            argv=(str(binaries() / program), *terms),
            output=self.log_path,
            env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
            # A fast stop; SIGTERM would wait until the last client has gone.
            stop_signal=signal.SIGINT,
            identity=self._whom(),
            mounts_of=self._mounts_of,
        )

    def _postgres_terms(self) -> Iterator[str]:
        ours = {
            "listen_addresses": "127.0.0.1",
            # The path of a socket may have 107 characters at the most: a folder may have more.
            "unix_socket_directories": "",
            "max_connections": str(_MAX_CONNECTIONS),
            # In the data folder: a killed server leaves nothing in the machine's shared memory.
            "dynamic_shared_memory_type": "mmap",
            "timezone": "UTC",
            "log_timezone": "UTC",
            # The DETAIL of an error quotes its row, and so e-mails and balances.
            "log_error_verbosity": "terse",
        }
        yield from ("-D", str(self.data_dir), "-p", str(self.port))
        for name, value in {**ours, **self._settings}.items():
            yield from ("-c", f"{name}={value}")

    def _end_leftovers(self) -> None:
        _kill_all(_running_on(self.data_dir))
        # Its pid may be another program's by now, and PostgreSQL would believe it.
        (self._seen(self.data_dir) / "postmaster.pid").unlink(missing_ok=True)


def _initdb_terms(data_dir: Path) -> tuple[str, ...]:
    # The built-in locale is the same everywhere; the system's may be missing.
    locale = ("--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")
    return ("-D", str(data_dir), "-U", USER, "-A", "trust", "-E", "UTF8", "--no-sync", *locale)


def _pid_file_lines(data_dir: Path) -> list[str]:
    try:
        return (data_dir / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return []


def _running_on(data_dir: Path) -> list[psutil.Process]:
    """Every postgres process of that folder, orphans too: each has it as its working folder."""
    found = []
    for process in psutil.process_iter(["name"]):
        try:
            if process.info["name"] == "postgres" and process.cwd() == str(data_dir):
                found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return found


def _children(pid: int) -> list[psutil.Process]:
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def _kill_all(processes: list[psutil.Process]) -> None:
    for process in processes:
        send(process, signal.SIGKILL)
    wait_until(lambda: not any(map(still_runs, processes)), timeout_s=_KILL_S)
