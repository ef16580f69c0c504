"""The proxy as a child process, and the way to tell it what to do."""

import asyncio
import json
import os
import secrets
import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from devstack.errors import ServerError
from devstack.processes import Child, Command
from reliability.chaos.stack.links import Link
from reliability.chaos.stack.proxy.relay import Route

_START_S = 20.0
_ANSWER_S = 10.0
_POLL_S = 0.02
_STOP_S = 2.0


class ProxyProcess:
    """One proxy; `start`, then links, then `stop`.

    Args:
        log: what it writes.
    """

    def __init__(self, log: Path) -> None:
        self._log = log
        self._name = f"holdfast.proxy.{secrets.token_hex(8)}"
        self._child: Child | None = None
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._one_at_a_time = asyncio.Lock()

    @property
    def pid(self) -> int | None:
        """Its process id; None before it was started."""
        return self._child.pid if self._child else None

    async def start(self) -> None:
        """Starts it and connects.

        Raises:
            ServerError: it was not there in time.
        """
        argv = (sys.executable, "-m", "reliability.chaos.stack.proxy", self._name)
        env = {"PATH": os.defpath, "LC_ALL": "C.UTF-8"}
        command = Command(name="proxy", argv=argv, output=self._log, env=env)
        self._child = await asyncio.to_thread(Child, command)
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _START_S
        while self._streams is None:
            try:
                self._streams = await _connect(f"\0{self._name}")
            except OSError:
                if loop.time() > deadline or not self._child.alive():
                    raise ServerError("the proxy did not start", self._log) from None
                await asyncio.sleep(_POLL_S)

    async def open_link(self, client: str, server: str, routes: Sequence[Route]) -> Link:
        """Listens for one more link.

        Raises:
            OSError: an address is taken.
        """
        link = Link(client, server, self.tell)
        await link.open([(*route.listen, *route.server) for route in routes])
        return link

    async def tell(self, command: dict[str, Any]) -> dict[str, Any]:
        """Does one command.

        Raises:
            ServerError: the proxy is gone.
            OSError: it could not do that.
        """
        if self._streams is None:
            raise ValueError("the proxy was not started")
        reader, writer = self._streams
        try:
            async with self._one_at_a_time, asyncio.timeout(_ANSWER_S):
                writer.write(json.dumps(command).encode() + b"\n")
                answer = json.loads(await reader.readline())
        except (OSError, ValueError) as error:
            raise ServerError(f"the proxy does not answer ({error!r})", self._log) from error
        if "error" in answer:
            raise OSError(f"the proxy could not do {command}: {answer['error']}")
        return dict(answer)

    async def stop(self) -> None:
        """Ends it."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None
        if self._child is not None:
            await asyncio.to_thread(self._child.stop, timeout_s=_STOP_S)


async def _connect(address: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    # uvloop takes an abstract address for an empty path, so we connect ourselves.
    sock = socket.socket(socket.AF_UNIX)
    try:
        sock.connect(address)
        sock.setblocking(False)
        return await asyncio.open_unix_connection(sock=sock)
    except OSError:
        sock.close()
        raise
