"""The internal listener of a worker: is it alive, and does it work."""

import time
from collections.abc import Callable

from aiohttp import web

# Requests under way may end.
_FINISH_S = 0.5


class Admin:
    """GET /health and /ready on 127.0.0.1; not for the outside.

    Args:
        port: where to listen; 0 takes a free one.
        is_ready: whether the worker is in its group and has its share of the buckets.
        depths: items in work by lane.
    """

    def __init__(
        self, *, port: int, is_ready: Callable[[], bool], depths: Callable[[], dict[str, int]]
    ) -> None:
        self._port = port
        self._is_ready = is_ready
        self._depths = depths
        self._since = time.monotonic()
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        """Listens.

        Raises:
            OSError: the port is taken.
        """
        app = web.Application()
        app.router.add_get("/health", self._health)
        app.router.add_get("/ready", self._ready)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=_FINISH_S)
        await runner.setup()
        self._runner = runner
        await web.TCPSite(runner, "127.0.0.1", self._port).start()

    async def close(self) -> None:
        """Stops listening."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def _health(self, _request: web.Request) -> web.Response:
        return web.json_response(
            {"status": "alive", "uptime_s": int(time.monotonic() - self._since)}
        )

    async def _ready(self, _request: web.Request) -> web.Response:
        ready = self._is_ready()
        return web.json_response(
            {"status": "ready" if ready else "unavailable", "lanes": self._depths()},
            status=200 if ready else 503,
        )
