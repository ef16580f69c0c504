"""Structured logs: one event a line on standard error, the same for our code and the libraries'."""

import logging
import sys
from contextlib import nullcontext
from typing import Any, Literal, TextIO

import orjson
import structlog
from structlog.typing import EventDict, Processor


def without_row_details(_logger: object, _method: str, event: EventDict) -> EventDict:
    """Takes PostgreSQL's DETAIL lines out: they quote rows, and so e-mails and balances."""
    for name, value in event.items():
        if isinstance(value, str) and "DETAIL:" in value:
            lines = (line for line in value.splitlines() if not line.startswith("DETAIL:"))
            event[name] = "\n".join(lines)
    return event


_SHARED: list[Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.format_exc_info,
    without_row_details,
]
# One list for every call: a logger keeps the list of its first use, and who looks at the logs
# of one that was used before another call (structlog's `capture_logs`) changes it in place.
_PROCESSORS: list[Processor] = [
    structlog.stdlib.filter_by_level,
    *_SHARED,
    structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
]


class JsonHandler(logging.StreamHandler[TextIO]):
    """Writes to standard error; events that are ready to be written need no formatter."""

    def write_event(self, event: dict[str, Any]) -> None:
        """Writes an event as one line."""
        with self.lock or nullcontext():
            self.stream.write(f"{orjson.dumps(event).decode()}\n")
            self.flush()


def configure_logging(*, level: str, format_: Literal["json", "console"]) -> None:
    """Sends structlog's and the standard library's records through one formatter.

    Args:
        level: least level that is written, such as `"info"`.
        format_: `"json"` for machines, `"console"` for people.
    """
    renderer: Processor = (
        structlog.processors.JSONRenderer()
        if format_ == "json"
        # Plain tracebacks: pretty ones show local variables, and so passwords and tokens.
        else structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
    )
    structlog.configure(
        processors=_PROCESSORS,
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    kind = JsonHandler if format_ == "json" else logging.StreamHandler
    handler: logging.Handler = kind(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_SHARED,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    # The clients tell every retry of an outage; the step that waits tells it once, with its shard.
    for noisy in ("aiokafka", "faust", "mode", "asyncio", "aiohttp.access"):
        logging.getLogger(noisy).setLevel(max(logging.WARNING, root.level))
