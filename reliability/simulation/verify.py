"""What must be true when a run is over."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING
from uuid import UUID

from audit import AuditedShard, audit
from reliability.simulation.requests import Told
from reliability.simulation.wires import Database

if TYPE_CHECKING:
    from reliability.simulation.run import Result

_TERMINAL = {"completed", "cancelled", "refunded", "rejected"}
_ROWS = """
SELECT 'transfer' AS kind, payer_id AS wallet, payee_id AS payee, amount::bigint AS amount,
    idempotency_key AS key, id, status
FROM transfers
UNION ALL
SELECT kind, user_id, NULL, amount::bigint, idempotency_key, id, status
FROM movements
"""
_ALL = """
SELECT table_name, md5(string_agg(line, '|' ORDER BY line)) AS hash FROM (
    SELECT 'transfers' AS table_name, t::text AS line FROM transfers AS t
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
    databases: Sequence[Database],
    *,
    buckets: int,
    told: Sequence[Told],
    result: "Result",
    unanswered: Collection[tuple[UUID, str]] = (),
) -> list[str]:
    """The audit's findings, and every answer of a client that the rows do not bear out.

    Args:
        databases: opened; together they have all `buckets`.
        buckets: of the whole system.
        told: what clients were answered.
        result: where hashes and endings go.
        unanswered: wallets and keys of requests whose client went away without an answer.
    """
    report = await audit(
        [AuditedShard(d.name, d.dsn, tuple(d.buckets)) for d in databases], buckets=buckets
    )
    found = [
        f"audit: {check.name}: {breach}" for check in report.checks for breach in check.breaches
    ]
    if report.unaudited:
        found.append(f"not audited: {report.unaudited}")
    rows = [row for database in databases for row in await database.rows(_ROWS)]
    result.endings = Counter(row["status"] for row in rows if row["kind"] == "transfer")
    by_id = {row["id"]: row for row in rows}
    by_key: defaultdict[tuple[UUID, str], set[UUID]] = defaultdict(set)
    for one in told:
        by_key[one.asked.wallet, one.asked.key].add(one.id)
        row = by_id.get(one.id)
        if row is None:
            found.append(f"a client was told of {one}, and there is no such row")
        elif any(row[name] != asked for name, asked in asdict(one.asked).items()):
            found.append(f"a client was told of {one}, and the row says {dict(row)}")
        elif one.status in _TERMINAL and row["status"] != one.status:
            found.append(f"a client was told of {one}, and it is {row['status']} now")
    found += [f"key {key} stands for {ids}" for key, ids in by_key.items() if len(ids) > 1]
    found += [
        f"a row nobody asked for: {dict(row)}"
        for row in rows
        if (row["wallet"], row["key"]) not in by_key
        and (row["wallet"], row["key"]) not in unanswered
    ]
    for database in databases:
        # Poison is what the simulation itself has written; whatever else was set aside is ours.
        letters = await database.rows(
            "SELECT reason, detail FROM dead_letters WHERE reason_class <> 'poison'"
        )
        found += [f"a dead letter: {letter['reason']}: {letter['detail']}" for letter in letters]
    result.rows = await _hash(databases)
    return found


async def _hash(databases: Sequence[Database]) -> str:
    hashes = [tuple(row) for database in databases for row in await database.rows(_ALL)]
    return hashlib.sha256(repr(hashes).encode()).hexdigest()
