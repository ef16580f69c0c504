"""`make run`: starts everything, keeps it running, ends it in order."""

import os
import sys
import time
from collections.abc import Callable

from config.settings import Settings
from devstack import databases, leftovers
from devstack.background import Background
from devstack.environment import children_environment, with_ports
from devstack.errors import JarError, ServerError
from devstack.files import rotate
from devstack.home import Home
from devstack.jars import KAFKA, SWAGGER_UI, fetched
from devstack.kafka import KafkaBroker
from devstack.kafka_classes import kept_classes
from devstack.keys import load_keys
from devstack.overview import announcement, what_runs
from devstack.postgres import PostgresServer
from devstack.postgres_binaries import MAJOR
from devstack.processes import Child, Command
from devstack.programs import Program, programs_of
from devstack.progress import Progress
from devstack.run_file import Role, write_run_file
from devstack.stopping import StopWish
from devstack.units import Endable, Server, Unit, end_all
from devstack.waiting import wait_until

_READY_S = 90.0
_WATCH_S = 0.2
_DRAIN_S = 4.0


class StoppedError(Exception):
    """A stop was wished for while things were still starting."""


class Supervisor:
    """Everything that `make run` starts, from the first port to the last process.

    Servers that the settings name elsewhere (shards, brokers) are used and not started.

    Args:
        settings: as loaded; ports that are 0 become free ones.
        stop: asked all the time.
        progress: told what happens.
    """

    def __init__(self, settings: Settings, *, stop: StopWish, progress: Progress) -> None:
        self._settings = with_ports(settings)
        self._home = Home(settings.home)
        self._stop = stop
        self._progress = progress
        logs = self._home.logs
        self._postgres: PostgresServer | None = None
        if not settings.shards:
            port = self._settings.postgres.port
            self._postgres = PostgresServer(self._home.postgres, port, logs / "postgres.log", {})
        self._kafka: KafkaBroker | None = None
        if not settings.kafka.bootstrap:
            self._kafka = KafkaBroker(self._home.kafka, self._settings.kafka.port, logs)
        self._env: dict[str, str] = {}
        self._programs: list[tuple[Role, Program]] = []
        self._setup: Child | None = None
        self._units: list[Unit] = []

    def run(self) -> None:
        """Starts everything, and comes back when a stop was wished for and all has ended.

        Raises:
            DevstackError: something cannot be started; what was started has been ended again.
        """
        with self._home.held():
            try:
                self._start()
                self._write_run_file()
                self._progress.block(announcement(self._settings, home=self._home))
                self._watch()
            except StoppedError:
                self._progress.say("stopped before everything was started")
            finally:
                self._end()

    # -- start ---------------------------------------------------------------------------------

    def _start(self) -> None:
        since = time.monotonic()
        self._prepare_home()
        self._fetch_documentation()
        self._programs = programs_of(self._settings, env=self._env, logs=self._home.logs)
        self._check_ports()
        self._start_servers()
        self._set_up()
        self._start_programs()
        self._progress.done("everything runs", since=since)

    def _prepare_home(self) -> None:
        home = self._home
        home.logs.mkdir(exist_ok=True)
        home.run_file.unlink(missing_ok=True)
        for name in leftovers.sweep(home.processes, home=home.folder):
            self._progress.say(f"ended a {name} that an earlier run left behind")
        versions = {}
        if self._postgres is not None:
            versions["PostgreSQL"] = str(MAJOR)
        if self._kafka is not None:
            versions["Kafka"] = KAFKA.version
        home.check_versions(versions)
        for log in [*home.logs.glob("*.log"), *home.logs.glob("*.out")]:
            rotate(log)
        self._env = children_environment(
            self._settings, home=home, keys=load_keys(home.keys_file), inherited=os.environ
        )

    def _fetch_documentation(self) -> None:
        """Without it all else works: the page /docs is not there then, and says why."""
        if self._settings.gateway.swagger_ui:
            return
        try:
            (jar,) = fetched(SWAGGER_UI, report=self._progress.say)
        except JarError as error:
            self._progress.say(f"no page /docs: {error}")
        else:
            self._env["HOLDFAST_GATEWAY__SWAGGER_UI"] = str(jar)

    def _check_ports(self) -> None:
        """All at once and first: nobody wants to hear of the last port after a minute."""
        for server in (self._postgres, self._kafka, *(program for _, program in self._programs)):
            if server is not None:
                server.check_port()

    def _start_servers(self) -> None:
        tasks = []
        if self._postgres is not None:
            tasks.append(Background(self._start_postgres))
        if self._kafka is not None:
            tasks.append(Background(self._start_kafka))

        def all_started() -> bool:
            ended = [task for task in tasks if task.done()]
            for task in ended:
                task.result()
            return len(ended) == len(tasks)

        # No deadline of ours: each has its own, and the first fetch takes what the network takes.
        self._wait(all_started, timeout_s=float("inf"))
        if self._postgres is not None:
            where = f"127.0.0.1:{self._postgres.port}"
            self._units.append(Unit(Role.POSTGRES, "postgres", where, self._postgres))
        if self._kafka is not None:
            self._units.append(Unit(Role.KAFKA, "kafka", self._kafka.bootstrap, self._kafka))

    def _start_postgres(self) -> None:
        assert self._postgres is not None
        since = time.monotonic()
        self._postgres.prepare()
        self._launch(self._postgres)
        self._postgres.await_ready()
        where = f"PostgreSQL {MAJOR} is ready on port {self._postgres.port}"
        self._progress.done(where, since=since)

    def _start_kafka(self) -> None:
        assert self._kafka is not None
        fetched(KAFKA, report=self._progress.say)
        if not kept_classes().exists():
            self._progress.say("starting Kafka once to keep its classes: later starts take half")
        since = time.monotonic()
        self._kafka.prepare()
        self._launch(self._kafka)
        self._kafka.await_ready()
        where = f"Kafka {KAFKA.version} is ready on port {self._kafka.port}"
        self._progress.done(where, since=since)

    def _set_up(self) -> None:
        """Databases, tables and topics."""
        since = time.monotonic()
        shards = self._settings.shard_settings
        if self._postgres is not None:
            addresses = [shard.dsn for shard in shards]
            for name in databases.create_missing(self._postgres.dsn("postgres"), addresses):
                self._progress.say(f"created database {name}")
        log = self._home.logs / "migrate.log"
        # Of this start only: its end is shown when the setup fails.
        log.unlink(missing_ok=True)
        argv = (sys.executable, "-m", "cli.main", "migrate")
        setup = Child(Command(name="migrate", argv=argv, output=log, env=self._env))
        self._setup = setup
        if not self._wait(lambda: not setup.alive(), timeout_s=_READY_S):
            raise ServerError(f"the setup did not end in {_READY_S:.0f} s", log)
        if setup.exit_code != 0:
            raise ServerError(f"the setup ended with code {setup.exit_code}", log)
        self._progress.done(f"tables on {len(shards)} shards and topics are ready", since=since)

    def _start_programs(self) -> None:
        since = time.monotonic()
        for role, program in self._programs:
            self._launch(program)
            internal = program.internal_address
            self._units.append(
                Unit(role, program.name, program.address, program, internal=internal)
            )
        waiting = [program for _, program in self._programs]

        def all_ready() -> bool:
            # A worker that Kafka's group keeps out ends itself, to be started again.
            self._watch_once()
            for program in [program for program in waiting if program.ready()]:
                self._progress.done(f"{program.name} is ready on {program.address}", since=since)
                waiting.remove(program)
            return not waiting

        if not self._wait(all_ready, timeout_s=_READY_S):
            raise ServerError(
                f"{waiting[0].name} was not ready in {_READY_S:.0f} s", waiting[0].log_path
            )

    def _wait(self, condition: Callable[[], bool], *, timeout_s: float) -> bool:
        wait_until(lambda: self._stop.made or condition(), timeout_s=timeout_s)
        if self._stop.made:
            raise StoppedError
        return condition()

    def _launch(self, server: Server) -> None:
        # Noted at once: from here on it is something that a killed supervisor leaves behind.
        server.launch()
        leftovers.remember(self._home.processes, server.child)

    # -- run -----------------------------------------------------------------------------------

    def _watch(self) -> None:
        while not wait_until(lambda: self._stop.made, timeout_s=_WATCH_S, poll_s=_WATCH_S / 2):
            if self._watch_once():
                self._write_run_file()

    def _watch_once(self) -> bool:
        """Starts again what died and is due; whether anything changed."""
        changed = [unit for unit in self._units if unit.watch_once(say=self._progress.say)]
        for unit in changed:
            if unit.server.alive():
                leftovers.remember(self._home.processes, unit.server.child)
        return bool(changed)

    def _write_run_file(self) -> None:
        write_run_file(self._home.run_file, what_runs(self._settings, units=self._units))

    # -- end -----------------------------------------------------------------------------------

    def _end(self) -> None:
        """Programs first, so that they can finish what they hold; then what they hold it in."""
        since = time.monotonic()
        programs: list[Endable] = [program for _, program in self._programs]
        if self._setup is not None:
            programs.append(self._setup)
        servers = [server for server in (self._postgres, self._kafka) if server is not None]
        some_run = any(started.alive() for started in (*programs, *servers))
        if some_run:
            self._progress.say("stopping")
        in_order = end_all(programs, drain_s=_DRAIN_S)
        in_order = end_all(servers, drain_s=_DRAIN_S) and in_order
        leftovers.forget_all(self._home.processes)
        self._home.run_file.unlink(missing_ok=True)
        if some_run:
            what = "stopped" if in_order else "stopped; some had to be killed"
            self._progress.done(what, since=since)
