"""Checks every invariant with SQL of its own; shares no code with the engine.

    report = await audit(shards, buckets=32)
    report.ok

It is right while the system moves money under full load: see `audit.run` for how.
"""

from audit.report import (
    AuditedShard,
    Breach,
    Check,
    OpenTransfer,
    Outcome,
    Report,
    Totals,
    Unaudited,
)
from audit.run import audit

__all__ = [
    "AuditedShard",
    "Breach",
    "Check",
    "OpenTransfer",
    "Outcome",
    "Report",
    "Totals",
    "Unaudited",
    "audit",
]
