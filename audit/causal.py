"""The checks across shards: every effect has its cause.

Snapshots of two shards are never of the same moment, so their sums are not compared. Effects are
read first, in a snapshot, and their causes second, as they are then: the cause was committed before
its effect, so it must be there however much time lies between.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from audit.findings import Findings
from audit.reader import Row, ShardReader, UnreadableError
from audit.report import Breach
from audit.statements import load_blocks

_SQL = load_blocks("causal")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Trail:
    """Effects with `state`, each of which needs a cause in one of `allowed`."""

    name: str
    says: str
    effects: str
    state: str
    causes: str
    allowed: tuple[str, ...]


_TRAILS = (
    _Trail(
        name="credit_has_debit",
        says="A credited verdict has an equal transfer on the payer's shard, debited or completed.",
        effects="stream_verdicts",
        state="credited",
        causes="find_missing_transfers",
        allowed=("debited", "completed"),
    ),
    _Trail(
        name="refusal_has_debit",
        says="A refused verdict has an equal transfer on the payer's shard, debited or refunded.",
        effects="stream_verdicts",
        state="refused",
        causes="find_missing_transfers",
        allowed=("debited", "refunded"),
    ),
    _Trail(
        name="completed_has_credit",
        says="A completed transfer has an equal credited verdict on the payee's shard.",
        effects="stream_transfers",
        state="completed",
        causes="find_missing_verdicts",
        allowed=("credited",),
    ),
    _Trail(
        name="refunded_has_refusal",
        says="A refunded transfer has an equal refused verdict on the payee's shard, reason too.",
        effects="stream_transfers",
        state="refunded",
        causes="find_missing_verdicts",
        allowed=("refused",),
    ),
)


def declare_causal(findings: Findings) -> None:
    """Puts every check across shards into the report."""
    for trail in _TRAILS:
        findings.declare(trail.name, trail.says)


async def check_effects(
    reader: ShardReader, places: Mapping[int, ShardReader], findings: Findings
) -> None:
    """Looks for the cause of every effect on one shard.

    Args:
        reader: where the effects are.
        places: the shard of each bucket, where the causes are.
        findings: takes the breaches; a cause on a shard that is lost is not looked for.

    Raises:
        UnreadableError: this shard stopped to answer.
    """
    for trail in _TRAILS:
        async for effects in reader.chunks(_SQL[trail.effects], trail.state):
            for bucket, rows in _by_place(effects, places).items():
                await _find_causes(trail, rows, reader, places.get(bucket), findings)


async def sum_in_transit(
    reader: ShardReader, places: Mapping[int, ShardReader], findings: Findings
) -> Counter[str]:
    """What one shard has debited and no shard is known to have credited, per currency.

    Raises:
        UnreadableError: this shard stopped to answer.
    """
    sums: Counter[str] = Counter()
    async for debited in reader.chunks(_SQL["stream_transfers"], "debited"):
        for bucket, rows in _by_place(debited, places).items():
            credited = await _credited(rows, places.get(bucket), findings)
            for row in rows:
                if row["id"] not in credited and row["amount"] != "NaN":
                    sums[row["currency"]] += int(row["amount"])
    return sums


def _by_place(rows: Sequence[Row], places: Mapping[int, ShardReader]) -> dict[int, list[Row]]:
    """Rows of one shard together, under any of its buckets."""
    first: dict[str, int] = {}
    grouped: dict[int, list[Row]] = defaultdict(list)
    for row in rows:
        bucket = row["bucket"]
        place = places.get(bucket)
        key = bucket if place is None else first.setdefault(place.shard.name, bucket)
        grouped[key].append(row)
    return grouped


async def _find_causes(
    trail: _Trail,
    effects: list[Row],
    reader: ShardReader,
    cause: ShardReader | None,
    findings: Findings,
) -> None:
    if cause is None and not findings.unaudited:
        for row in effects:
            detail = f"its cause would be in bucket {row['bucket']}, which no shard owns"
            findings.breach(trail.name, Breach(reader.shard.name, (str(row["id"]),), detail))
    if cause is None or findings.is_lost(cause.shard.name):
        return
    try:
        missing = await cause.later_rows(
            _SQL[trail.causes],
            [row["id"] for row in effects],
            [row["payer_id"] for row in effects],
            [row["payee_id"] for row in effects],
            [row["currency"] for row in effects],
            [row["amount"] for row in effects],
            [row["reason"] for row in effects],
            [row["refund_of"] for row in effects],
            list(trail.allowed),
        )
    except UnreadableError as error:
        findings.lose(error)
        return
    findings.found(trail.name, reader.shard.name, missing)
    findings.examined(trail.name, len(effects))


async def _credited(
    debited: list[Row], payee: ShardReader | None, findings: Findings
) -> set[object]:
    if payee is None or findings.is_lost(payee.shard.name):
        return set()
    try:
        rows = await payee.later_rows(_SQL["find_credited"], [row["id"] for row in debited])
    except UnreadableError as error:
        findings.lose(error)
        return set()
    return {row["transfer_id"] for row in rows}
