"""One check of a run, in one of three phases."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from audit import Report, audit
from audit.reader import ShardReader, UnreadableError
from reliability.checker.access import check_access
from reliability.checker.findings import Findings, Phase, Result, Violation
from reliability.checker.history import read_faults, read_history
from reliability.checker.hold_money import check_hold_money
from reliability.checker.holds import check_holds
from reliability.checker.ledger import find_place, read_ledger, snapshots
from reliability.checker.limits import check_limits
from reliability.checker.lines import HistoryError
from reliability.checker.money import check_money
from reliability.checker.powers import check_powers
from reliability.checker.refunds import check_refunds
from reliability.checker.registers import check_registers
from reliability.checker.requests import check_requests, check_users
from reliability.checker.statuses import check_statuses
from reliability.checker.totals import check_ended, check_frozen
from reliability.checker.vacuity import Minimum, count_run, unmet


async def check(
    *,
    folder: Path,
    dsns: Mapping[str, str],
    phase: Phase,
    minimums: Sequence[Minimum] = (),
    progress: Callable[[str], None] = lambda _: None,
) -> Result:
    """Checks what the phase allows to be required; changes nothing and raises nothing.

    Args:
        folder: of the run; the final phase reads its history.
        dsns: straight to the database of every shard, by its name.
        phase: how much can be required now.
        minimums: how often things must have happened; only the final phase can tell.
        progress: told what is begun.
    """
    findings = Findings()
    counted: Mapping[str, int] = {}
    try:
        place = await find_place(dsns)
        progress("the audit of all shards")
        _take_over(await audit(place.shards, buckets=place.buckets), findings)
        if phase is not Phase.LIVE:
            async with snapshots(place.shards) as readers:
                progress("exact totals")
                await check_frozen(readers, findings)
                if phase is Phase.FINAL:
                    await check_ended(readers, findings)
                    counted = await _check_history(folder, readers, findings, progress)
    except (UnreadableError, HistoryError) as error:
        findings.cannot(str(error))
    return Result(
        phase=phase,
        violations=tuple(findings.violations),
        untold=dict(findings.untold),
        unmet=unmet(minimums, counted) if phase is Phase.FINAL else (),
        not_checked=tuple(findings.not_checked),
        examined=dict(findings.examined),
        counted=counted,
    )


async def _check_history(
    folder: Path,
    readers: Sequence[ShardReader],
    findings: Findings,
    progress: Callable[[str], None],
) -> Mapping[str, int]:
    progress("reading the history")
    history = read_history(folder)
    progress("reading the ledger")
    ledger = await read_ledger(readers)
    progress("each key against its rows")
    check_users(history, ledger, findings)
    check_requests(history, ledger, findings)
    check_access(history, ledger, findings)
    check_statuses(history, ledger, findings)
    check_holds(history, ledger, findings)
    check_money(history, ledger, findings)
    await check_hold_money(ledger, findings)
    await check_powers(history, ledger, findings)
    progress("each read against the replayed accounts")
    replayed = await check_registers(history, ledger, findings)
    check_refunds(history, ledger, replayed, findings)
    check_limits(history, ledger, replayed, findings)
    return count_run(history, ledger, read_faults(folder))


def _take_over(report: Report, findings: Findings) -> None:
    for found in report.checks:
        findings.examined[found.name] = found.rows
        for breach in found.breaches:
            findings.add(
                Violation(
                    invariant=found.name,
                    shard=breach.shard,
                    subject=" ".join(breach.ids),
                    expected=found.says,
                    found=breach.detail,
                )
            )
    for shard in report.unaudited:
        findings.cannot(f"{shard.shard} was not audited: {shard.detail}")
