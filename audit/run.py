"""One audit of all shards, right while money moves.

1. One REPEATABLE READ snapshot per shard. Each local check holds in it at any moment.
2. Across shards every effect in a snapshot needs its cause in a later read (`audit.causal`).
3. Conservation follows from 1 and 2. A balance is the sum of its entries; entries are, one to one,
   completed movements, debits of transfers, credits of verdicts and returns of refunds; a credit
   or a refund has its debit, of the same amount, and never both have the same. What is left over
   is debited and neither credited nor returned: in transit.
4. If nothing changed between the snapshots and a last look, there is a moment (after the last
   snapshot, before the first last look) at which all of this was true at once: then the totals are
   of that moment, and are compared too, whatever is in flight.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeVar

from audit.causal import check_effects, declare_causal, sum_in_transit
from audit.currencies import check_currencies, declare_currencies, read_known, read_used
from audit.findings import Findings
from audit.local import check_locally, declare_local
from audit.placement import check_placement, declare_placement, read_owned, require_identity
from audit.reader import ShardReader, UnreadableError, open_reader
from audit.report import ALL_SHARDS, AuditedShard, Breach, Report, Totals
from audit.summary import Summary, add_up, oldest_of, read_fingerprint, read_summary

_Found = TypeVar("_Found")

_CONSERVATION = "conservation"
_CONSERVATION_SAYS = (
    "Wallets and money in transit are deposits less withdrawals, per currency (if nothing moved)."
)


async def audit(shards: Sequence[AuditedShard], *, buckets: int) -> Report:
    """Reads every shard and checks every invariant; changes nothing.

    Args:
        shards: all shards of the system: without one of them, rows have no cause.
        buckets: of the whole system.

    Returns:
        What was found. A shard that does not answer is in `unaudited`; it raises nothing.
    """
    findings = Findings()
    declare_local(findings)
    declare_placement(findings)
    declare_causal(findings)
    declare_currencies(findings)
    findings.declare(_CONSERVATION, _CONSERVATION_SAYS)
    readers = await _open_all(shards, findings, buckets=buckets)
    try:
        return await _audit(readers, findings, buckets=buckets)
    finally:
        for reader in readers:
            await reader.close()


async def _audit(readers: Sequence[ShardReader], findings: Findings, *, buckets: int) -> Report:
    owned = await _on_each(readers, findings, read_owned)
    places = check_placement(
        [(reader, owned[reader.shard.name]) for reader in readers if reader.shard.name in owned],
        findings,
        buckets=buckets,
    )

    async def examine(reader: ShardReader) -> tuple[Summary, Counter[str]]:
        summary = await read_summary(reader)
        await check_locally(reader, findings)
        await check_effects(reader, places, findings)
        return summary, await sum_in_transit(reader, places, findings)

    used = await _on_each(readers, findings, read_used)
    check_currencies(used, await _on_each(readers, findings, read_known), findings)
    examined = await _on_each(readers, findings, examine)
    # Only now: every snapshot is older than every one of these.
    last = await _on_each(readers, findings, read_fingerprint)
    summaries = {name: summary for name, (summary, _) in examined.items()}
    quiet = not findings.unaudited and all(
        summary.fingerprint == last[name] for name, summary in summaries.items()
    )
    transit = sum((moving for _, moving in examined.values()), Counter[str]())
    totals = add_up(summaries.values(), transit)
    if quiet:
        _check_conservation(totals, findings)
    return Report(
        checks=findings.checks,
        totals=totals,
        quiet=quiet,
        transfers=sum((summary.transfers for summary in summaries.values()), Counter[str]()),
        oldest_open=oldest_of(summaries.values()),
        open_dead_letters=sum(summary.open_dead_letters for summary in summaries.values()),
        unaudited=findings.unaudited,
    )


async def _open_all(
    shards: Sequence[AuditedShard], findings: Findings, *, buckets: int
) -> list[ShardReader]:
    opened: dict[str, ShardReader] = {}

    async def open_one(shard: AuditedShard) -> None:
        try:
            reader = await open_reader(shard)
            opened[shard.name] = reader
            await require_identity(reader, buckets=buckets)
        except UnreadableError as error:
            findings.lose(error)

    async with asyncio.TaskGroup() as tasks:
        for shard in shards:
            tasks.create_task(open_one(shard))
    return [opened[shard.name] for shard in shards if shard.name in opened]


async def _on_each(
    readers: Sequence[ShardReader],
    findings: Findings,
    work: Callable[[ShardReader], Awaitable[_Found]],
) -> Mapping[str, _Found]:
    """Does the same on all shards at once; one that is lost has no result."""
    results: dict[str, _Found] = {}

    async def work_on(reader: ShardReader) -> None:
        try:
            results[reader.shard.name] = await work(reader)
        except UnreadableError as error:
            findings.lose(error)

    async with asyncio.TaskGroup() as tasks:
        for reader in readers:
            if not findings.is_lost(reader.shard.name):
                tasks.create_task(work_on(reader))
    return results


def _check_conservation(totals: Sequence[Totals], findings: Findings) -> None:
    for total in totals:
        here = total.in_wallets + total.in_transit
        given = total.deposited - total.withdrawn
        if here != given:
            detail = f"{here} in wallets and in transit, deposits less withdrawals are {given}"
            findings.breach(_CONSERVATION, Breach(ALL_SHARDS, (total.currency,), detail))
    findings.examined(_CONSERVATION, len(totals))
