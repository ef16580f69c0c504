"""The internal listener of a process: is it alive, does it work, what has it done."""

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

HOST = "127.0.0.1"
# Requests under way may end.
_FINISH_S = 0.5


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether a process works, and what it shows of that."""

    is_ready: bool
    shown: Mapping[str, Any]


class InternalListener:
    """GET /health, /ready and /metrics on 127.0.0.1; not for the outside.

    Args:
        port: where to listen; 0 takes a free one.
        ready: asked for each /ready.
        registry: what /metrics shows.
    """

    def __init__(
        self, *, port: int, ready: Callable[[], Awaitable[Readiness]], registry: CollectorRegistry
    ) -> None:
        self._port = port
        self._ready_now = ready
        self._registry = registry
        self._since = time.monotonic()
        self._runner: web.AppRunner | None = None

    @property
    def address(self) -> str:
        """Where it listens; only after `start`."""
        assert self._runner is not None, "it was not started"
        host, port = self._runner.addresses[0][:2]
        return f"http://{host}:{port}"

    async def start(self) -> None:
        """Listens.

        Raises:
            OSError: the port is taken.
        """
        app = web.Application()
        app.router.add_get("/health", self._health)
        app.router.add_get("/ready", self._ready)
        app.router.add_get("/metrics", self._metrics)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=_FINISH_S)
        await runner.setup()
        self._runner = runner
        await web.TCPSite(runner, HOST, self._port).start()

    async def close(self) -> None:
        """Stops listening."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def _health(self, _request: web.Request) -> web.Response:
        return web.json_response(
            {"status": "alive", "uptime_s": int(time.monotonic() - self._since)}
        )

    async def _ready(self, _request: web.Request) -> web.Response:
        readiness = await self._ready_now()
        return web.json_response(readiness.shown, status=200 if readiness.is_ready else 503)

    async def _metrics(self, _request: web.Request) -> web.Response:
        return web.Response(
            body=generate_latest(self._registry),
            headers={"Content-Type": CONTENT_TYPE_PLAIN_0_0_4},
        )
