"""One line per batch of a step: which transfers, in which traces, and how they stand."""

import logging
from collections.abc import Iterable

import structlog

from sagas.messages import Message

_log = structlog.stdlib.get_logger("workers.steps")


def log_finished(lane: str, done: Iterable[tuple[Message, str]]) -> None:
    """Logs `step.finished` with transfer id, status and trace id of each; never an amount.

    A line per batch and not per transfer: it costs a few microseconds a transfer, and nothing at a
    log level above info.
    """
    if not _log.isEnabledFor(logging.INFO):
        return
    transfers = [
        {"transfer_id": str(m.transfer_id), "status": status, "trace_id": trace_id_of(m)}
        for m, status in done
    ]
    if transfers:
        _log.info("step.finished", lane=lane, transfers=transfers)


def trace_id_of(message: Message) -> str:
    """The trace id of a W3C traceparent; empty when there is none."""
    parts = message.traceparent.split("-")
    return parts[1] if len(parts) > 1 else ""
