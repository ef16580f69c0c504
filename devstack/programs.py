"""The gateway and the workers, as processes to watch."""

import http.client
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from config.settings import Settings
from devstack.errors import ServerError
from devstack.ports import free_port, require_free
from devstack.processes import Child, Command
from devstack.run_file import Role

_PROBE_S = 1.0
_ADMIN_PORT = "HOLDFAST_WORKERS__ADMIN_PORT"
_EVERYWHERE = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - read, not bound


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """Where a program listens, and what it answers once it is ready.

    Attributes:
        internal_port: where on 127.0.0.1 it has its /metrics; 0 where that is its own affair.
    """

    host: str
    port: int
    ready_path: str
    port_setting: str
    internal_port: int = 0

    @property
    def reachable_host(self) -> str:
        """The host to dial for it from this machine."""
        return _EVERYWHERE.get(self.host, self.host)

    @property
    def address(self) -> str:
        """Its address for someone on this machine."""
        host = self.reachable_host
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"

    @property
    def internal_address(self) -> str:
        """The address of its internal listener; empty without one that is known."""
        return f"http://127.0.0.1:{self.internal_port}" if self.internal_port else ""


class Program:
    """One of our own programs, ready when its listener answers with 200.

    Args:
        name: its name, as in its log file.
        module: what `python -m` runs.
        listener: where it listens.
        env: its whole environment.
        log: what it writes is appended there.
        cwd: where it runs, and so whose `.env` it reads; ours by default.
    """

    def __init__(
        self,
        name: str,
        *,
        module: str,
        listener: Listener,
        env: Mapping[str, str],
        log: Path,
        cwd: Path | None = None,
    ) -> None:
        self.name = name
        self.log_path = log
        self._listener = listener
        argv = (sys.executable, "-m", module)
        self._command = Command(name=name, argv=argv, output=log, env=env, cwd=cwd)
        self._child: Child | None = None

    @property
    def address(self) -> str:
        """Its address for someone on this machine."""
        return self._listener.address

    @property
    def internal_address(self) -> str:
        """The address of its internal listener."""
        return self._listener.internal_address

    @property
    def child(self) -> Child:
        """The process as started last; raises ValueError when there is none."""
        if self._child is None:
            raise ValueError(f"{self.name} was not started")
        return self._child

    def check_port(self) -> None:
        """Makes sure that its port is free; raises PortTakenError."""
        host = self._listener.host or "0.0.0.0"  # noqa: S104 - as the program would
        require_free(self._listener.port, setting=self._listener.port_setting, host=host)

    def launch(self) -> None:
        """Starts the process and does not wait until it is ready."""
        self.check_port()
        self._child = Child(self._command)

    def ready(self) -> bool:
        """Whether it answers.

        Raises:
            ServerError: it has ended instead, and did not ask to be started again.
        """
        if not self.alive():
            if self.child.exit_code == os.EX_TEMPFAIL:
                return False
            raise ServerError(f"{self.name} ended while it started", self.log_path)
        where = (self._listener.reachable_host, self._listener.port)
        connection = http.client.HTTPConnection(*where, timeout=_PROBE_S)
        try:
            connection.request("GET", self._listener.ready_path)
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def alive(self) -> bool:
        """Whether it runs."""
        return self._child is not None and self._child.alive()

    def request_stop(self) -> None:
        """Asks it to end, and does not wait."""
        if self._child is not None:
            self._child.request_stop()

    def kill(self) -> None:
        """Ends it at once."""
        if self._child is not None:
            self._child.kill()


def gateway_listener(settings: Settings) -> Listener:
    """Where the gateway listens."""
    return Listener(
        host=settings.gateway.host,
        port=settings.gateway.port,
        ready_path="/health",
        port_setting="HOLDFAST_GATEWAY__PORT",
        internal_port=settings.gateway.admin_port,
    )


def programs_of(
    settings: Settings, *, env: Mapping[str, str], logs: Path
) -> list[tuple[Role, Program]]:
    """One gateway and the workers of the settings, in the order they are started."""
    programs = [
        (
            Role.GATEWAY,
            Program(
                "gateway-1",
                module="gateway",
                listener=gateway_listener(settings),
                env=env,
                log=logs / "gateway-1.log",
            ),
        )
    ]
    for number in range(1, settings.workers.count + 1):
        name = f"worker-{number}"
        port = free_port()
        listener = Listener(
            host="127.0.0.1",
            port=port,
            ready_path="/ready",
            port_setting=_ADMIN_PORT,
            internal_port=port,
        )
        worker = Program(
            name,
            module="workers",
            listener=listener,
            env={**env, _ADMIN_PORT: str(port)},
            log=logs / f"{name}.log",
        )
        programs.append((Role.WORKER, worker))
    return programs
