"""What must be true when a run is over."""

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

from audit import AuditedShard, audit
from reliability.simulation.answers import (
    objections_to_acts,
    objections_to_answers,
    read_answerable,
)
from reliability.simulation.endings import count_endings
from reliability.simulation.heard import Heard
from reliability.simulation.money import objections_to_money
from reliability.simulation.replay import objections_to_events
from reliability.simulation.requests import OPERATOR
from reliability.simulation.wires import Database

if TYPE_CHECKING:
    from reliability.simulation.run import Result

_ALL = """
SELECT table_name, md5(string_agg(line, '|' ORDER BY line)) AS hash FROM (
    SELECT 'transfers' AS table_name, t::text AS line FROM transfers AS t
    UNION ALL SELECT 'holds', t::text FROM holds AS t
    UNION ALL SELECT 'accounts', t::text FROM accounts AS t
    UNION ALL SELECT 'entries', t::text FROM entries AS t
    UNION ALL SELECT 'verdicts', t::text FROM verdicts AS t
    UNION ALL SELECT 'movements', t::text FROM movements AS t
    UNION ALL SELECT 'outbox', t::text FROM outbox AS t
    UNION ALL SELECT 'dead_letters', t::text FROM dead_letters AS t
    UNION ALL SELECT 'users', concat_ws(' ', id, status, role, event_sequence) FROM users
    UNION ALL SELECT 'operator_acts', t::text FROM operator_acts AS t
) AS lines GROUP BY table_name ORDER BY table_name
"""


async def verify(
    databases: Sequence[Database], *, buckets: int, heard: Heard, result: "Result"
) -> list[str]:
    """The audit's findings, and everything that does not fit what clients were told.

    Args:
        databases: opened, and at rest; together they have all `buckets`.
        buckets: of the whole system.
        heard: what clients asked for, and what they were answered.
        result: where hashes and endings go.
    """
    found = await _audited(databases, buckets=buckets)
    rows = await read_answerable(databases)
    found += objections_to_answers(heard, rows)
    found += await objections_to_acts(databases, heard, rows, operator=OPERATOR)
    found += await objections_to_money(databases, heard, rows)
    found += await objections_to_events(databases)
    for database in databases:
        # Poison is what the simulation itself has written; whatever else was set aside is ours.
        letters = await database.rows(
            "SELECT reason, detail FROM dead_letters WHERE reason_class <> 'poison'"
        )
        found += [f"a dead letter: {letter['reason']}: {letter['detail']}" for letter in letters]
    result.endings = await count_endings(databases)
    result.rows = await _hash(databases)
    return found


async def _audited(databases: Sequence[Database], *, buckets: int) -> list[str]:
    report = await audit(
        [AuditedShard(d.name, d.dsn, tuple(d.buckets)) for d in databases], buckets=buckets
    )
    found = [
        f"audit: {check.name}: {breach}" for check in report.checks for breach in check.breaches
    ]
    if report.unaudited:
        found.append(f"not audited: {report.unaudited}")
    return found


async def _hash(databases: Sequence[Database]) -> str:
    hashes = [tuple(row) for database in databases for row in await database.rows(_ALL)]
    return hashlib.sha256(repr(hashes).encode()).hexdigest()
