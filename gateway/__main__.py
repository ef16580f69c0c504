"""`python -m gateway`: one gateway, until SIGTERM or SIGINT."""

import asyncio
import signal
import sys

import structlog
import uvloop
from aiohttp import web

from config.limits import raise_file_limit, spare_collector
from config.logging import configure_logging
from config.settings import UnknownSettingError, load_settings
from gateway.app import GATEWAY, Gateway, create_app, create_runner
from gateway.tokens import WeakSecretError
from shards.errors import SchemaError

_log = structlog.stdlib.get_logger(__name__)

_EXIT_REFUSED = 78
# Requests under way may end; waiters are woken before.
_FINISH_S = 2.0


async def _run() -> None:
    settings = load_settings()
    files_max = raise_file_limit()
    configure_logging(level=settings.log.level, format_=settings.log.format)
    app = create_app(settings)
    runner = create_runner(app, shutdown_timeout=_FINISH_S, files_max=files_max)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    try:
        await runner.setup()
        await web.TCPSite(runner, settings.gateway.host, settings.gateway.port).start()
        spare_collector()
        _log.info("gateway.started", addresses=runner.addresses)
        await _until_stopped(stop, app[GATEWAY])
    finally:
        await runner.cleanup()
    _log.info("gateway.stopped")


async def _until_stopped(stop: asyncio.Event, gateway: Gateway) -> None:
    stopping = asyncio.create_task(stop.wait())
    watching = asyncio.create_task(gateway.watch())
    done, rest = await asyncio.wait({stopping, watching}, return_when=asyncio.FIRST_COMPLETED)
    for task in rest:
        task.cancel()
    for task in done:
        task.result()


def main() -> int:
    """Runs the gateway; 0 after a stop, 78 when a person must act."""
    try:
        uvloop.run(_run())
    except (UnknownSettingError, ValueError, WeakSecretError, SchemaError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return _EXIT_REFUSED
    return 0


if __name__ == "__main__":
    sys.exit(main())
