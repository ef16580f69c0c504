"""Whether the rows bear out what clients were told, and nothing else is there."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from reliability.simulation.heard import Heard, Kind, Told
from reliability.simulation.wires import Database
from shards.keys import KeyOf

_ROWS = """
SELECT
    CASE
        WHEN hold_id IS NOT NULL THEN 'capture'
        WHEN refund_of IS NOT NULL THEN 'refund'
        ELSE 'transfer'
    END AS kind,
    payer_id AS wallet, caller, payee_id AS payee, amount::bigint AS amount,
    coalesce(hold_id, refund_of) AS of, idempotency_key AS key, id, status, 0 AS captured
FROM transfers
UNION ALL
SELECT
    kind, user_id, caller, NULL, amount::bigint, NULL, idempotency_key, id, status, 0
FROM movements
UNION ALL
SELECT
    'hold', payer_id, caller, payee_id, amount::bigint, NULL, idempotency_key, id, status,
    captured::bigint
FROM holds
"""
_ACTS = """
SELECT act, target_id, detail, count(*) AS times
FROM operator_acts
GROUP BY act, target_id, detail
"""
# What each status may be followed by; every other one lasts.
_LATER = {
    "held": {"held", "debited", "completed", "cancelled", "refunded"},
    "debited": {"debited", "completed", "refunded"},
    "open": {"open", "captured", "voided", "expired"},
}
Row = Mapping[str, Any]


async def read_answerable(databases: Sequence[Database]) -> list[Row]:
    """All rows that somebody asks for under a key."""
    return [dict(row) for database in databases for row in await database.rows(_ROWS)]


def objections_to_answers(heard: Heard, rows: Sequence[Row]) -> list[str]:
    """Every answer that the rows do not bear out, and every row that no request explains."""
    by_id = {row["id"]: row for row in rows}
    found = [
        f"a client was told of {told}, and {objection}"
        for told in heard.told
        if (objection := _objection(told, by_id.get(told.id)))
    ]
    found += [
        f"a client was told of {told}, and its hold is {by_id[told.asked.of]['status']}"
        for told in heard.told
        if told.asked.is_final
        and told.status != "rejected"
        and told.asked.of in by_id
        and by_id[told.asked.of]["status"] != "captured"
    ]
    return found + _objections_to_keys(heard, rows)


def _objection(told: Told, row: Row | None) -> str | None:
    if row is None:
        return "there is no such row"
    asked = told.asked
    expected = {
        "kind": asked.kind,
        "wallet": asked.wallet,
        "caller": asked.caller,
        "payee": asked.payee,
        "of": asked.of,
        "key": asked.key,
        "amount": told.amount,
    }
    differs = any(row[name] != value for name, value in expected.items())
    if differs or asked.amount not in (None, told.amount):
        return f"the row says {row}"
    if row["status"] not in _LATER.get(told.status, {told.status}):
        return f"it is {row['status']} now"
    if row["captured"] < told.captured or (
        row["status"] == told.status != "open" and row["captured"] != told.captured
    ):
        return f"{row['captured']} of it is captured now"
    return None


def _objections_to_keys(heard: Heard, rows: Sequence[Row]) -> list[str]:
    told_ids: defaultdict[KeyOf, set[UUID]] = defaultdict(set)
    for told in heard.told:
        told_ids[told.asked.key_of].add(told.id)
    found = [f"{key} stands for {ids}" for key, ids in told_ids.items() if len(ids) > 1]
    for row in rows:
        key = KeyOf(row["wallet"], row["caller"], row["key"])
        if key in told_ids:
            continue
        if not heard.attempts[key]:
            found.append(f"a row nobody asked for: {row}")
        elif heard.attempts[key] == heard.refused[key]:
            # Of an attempt that was not answered nobody knows; here each was answered by a no.
            found.append(f"a row of a request that was refused each time: {row}")
    return found


async def objections_to_acts(
    databases: Sequence[Database], heard: Heard, rows: Sequence[Row], *, operator: str
) -> list[str]:
    """Whether the trail has each act of an operator once, and no other.

    Args:
        databases: opened; together they have all buckets.
        heard: of all clients.
        rows: of `read_answerable`.
        operator: the caller of what operators ask for under a key.
    """
    acts = [row for database in databases for row in await database.rows(_ACTS)]
    refunds = {row["target_id"]: row["times"] for row in acts if row["act"] == "transfer.refund"}
    voids = {row["target_id"]: row["times"] for row in acts if row["act"] == "hold.void"}
    limits = {(row["target_id"], row["detail"].partition(",")[0]) for row in acts}
    found = [
        f"{refunds.get(row['id'], 0)} acts of the refund {row}"
        for row in rows
        if row["kind"] == Kind.REFUND and refunds.get(row["id"], 0) != (row["caller"] == operator)
    ]
    found += [
        f"{voids.get(row['id'], 0)} acts that void the hold {row}"
        for row in rows
        if row["kind"] == Kind.HOLD
        and voids.get(row["id"], 0) not in _acts_of_void(row, heard.voids.get(row["id"], set()))
    ]
    return found + [
        f"an operator was told of {told}, and there is no such act"
        for told in heard.limits
        if told.daily is not None
        and (told.user_id, f"EUR: {told.daily} minor units a day") not in limits
    ]


def _acts_of_void(hold: Row, asked_by_operator: set[bool]) -> set[int]:
    """How many acts a hold may have: which void ended it is not known if there were both."""
    return {int(by) for by in asked_by_operator} if hold["status"] == "voided" else {0}
