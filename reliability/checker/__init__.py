"""The checker of a run: what clients were told against what the ledger holds.

    python -m reliability.checker --folder RUN --dsn shard-1=postgresql://... --phase final

A process of its own with SQL of its own, which shares no code with the engine; what is true of the
rows alone it leaves to `audit`. See `reliability.checker.invariants` for what it adds, and
`reliability.history` for what it reads.
"""

from reliability.checker.findings import Phase, Result, Unmet, Violation
from reliability.checker.run import check

__all__ = ["Phase", "Result", "Unmet", "Violation", "check"]
