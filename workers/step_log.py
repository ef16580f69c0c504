"""One line per batch of a step: which transfers, in which traces, and how they stand."""

from collections.abc import Iterable

from sagas.messages import Message
from telemetry.lines import EventLines

_FINISHED = EventLines("workers.steps", "step.finished")


def log_finished(lane: str, done: Iterable[tuple[Message, str]]) -> None:
    """Logs `step.finished` with transfer id, status and trace id of each; never an amount.

    A line per batch and not per transfer: it costs a few microseconds a transfer, and nothing at a
    log level above info.
    """
    if not _FINISHED.is_written:
        return
    transfers = [
        {"transfer_id": str(m.transfer_id), "status": status, "trace_id": trace_id_of(m)}
        for m, status in done
    ]
    if transfers:
        _FINISHED.write(lane=lane, transfers=transfers)


def trace_id_of(message: Message) -> str:
    """The trace id of a W3C traceparent; empty when there is none."""
    parts = message.traceparent.split("-")
    return parts[1] if len(parts) > 1 else ""
