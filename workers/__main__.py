"""`python -m workers`: one worker, until SIGTERM or SIGINT."""

import asyncio
import logging
import os
import signal
import sys
import threading

import structlog
import uvloop

from config.limits import raise_file_limit, spare_collector
from config.logging import configure_logging
from config.settings import UnknownSettingError, load_settings
from messaging.errors import BrokerUnavailableError, TopicsError
from shards.errors import SchemaError
from workers.app import Worker
from workers.faust_app import AppStartError, AppStoppedError

_log = structlog.stdlib.get_logger(__name__)

# The supervisor starts the process again after these.
_EXIT_AGAIN = 75
_EXIT_REFUSED = 78
# Faust can hang while it stops, after a crash of its own too: after so long the process ends
# regardless.
_WATCHDOG_S = 8.0


async def _run() -> int:
    settings = load_settings()
    raise_file_limit()
    configure_logging(level=settings.log.level, format_=settings.log.format)
    worker = Worker(settings)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    stopping = asyncio.create_task(stop.wait())
    running = asyncio.create_task(_start_and_watch(worker))
    await asyncio.wait({stopping, running}, return_when=asyncio.FIRST_COMPLETED)
    _start_watchdog()
    stopping.cancel()
    error = running.exception() if running.done() else None
    if not running.done():
        running.cancel()
        await asyncio.wait({running})
    await worker.stop()
    return _exit_code(error)


async def _start_and_watch(worker: Worker) -> None:
    await worker.start()
    spare_collector()
    await worker.watch()


def _start_watchdog() -> None:
    watchdog = threading.Timer(_WATCHDOG_S, _end_now)
    watchdog.daemon = True
    watchdog.start()


def _end_now() -> None:
    logging.getLogger(__name__).error("worker.watchdog")
    os._exit(_EXIT_AGAIN)


def _exit_code(error: BaseException | None) -> int:
    match error:
        case None:
            return 0
        case AppStartError() | AppStoppedError() | BrokerUnavailableError():
            _log.error("worker.ended", error=str(error))
            return _EXIT_AGAIN
        case SchemaError() | TopicsError() | OSError() | ValueError():
            _log.error("worker.refused", error=str(error))
            return _EXIT_REFUSED
        case _:
            _log.error("worker.failed", exc_info=error)
            return _EXIT_AGAIN


def main() -> int:
    """Runs one worker; 0 after a stop, 75 to be started again, 78 when a person must act."""
    try:
        return uvloop.run(_run())
    except (UnknownSettingError, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        return _EXIT_REFUSED


if __name__ == "__main__":
    sys.exit(main())
