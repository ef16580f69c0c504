"""`holdfast audit`: every invariant on every shard, as a table or as JSON."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import asdict

import typer
from rich.console import Console
from rich.table import Table

from audit import AuditedShard, Check, Outcome, Report, Totals, audit
from cli.options import AsJson
from cli.system import find_system

_EXIT_CODES = {Outcome.OK: 0, Outcome.BREACH: 1, Outcome.NOT_AUDITED: 2}


def audit_command(as_json: AsJson = False) -> None:
    """Checks every invariant on every shard; changes nothing, and is right under full load.

    Exits with 0 when all is well, 1 when rows break an invariant (their ids are printed), and 2
    when a shard does not answer, so that nothing can be said.
    """
    system = find_system()
    shards = [AuditedShard(shard.name, shard.dsn, shard.buckets) for shard in system.shards]
    report = asyncio.run(audit(shards, buckets=system.buckets))
    if as_json:
        print(json.dumps(report_as_json(report), indent=2))
    else:
        _print_report(report)
    raise typer.Exit(_EXIT_CODES[report.outcome])


def report_as_json(report: Report) -> dict[str, object]:
    """The report as JSON types; amounts are strings of minor units, which no reader rounds."""
    oldest = report.oldest_open
    return {
        "outcome": report.outcome.value,
        "ok": report.ok,
        "quiet": report.quiet,
        "checks": [asdict(check) for check in report.checks],
        "totals": [
            {name: str(value) for name, value in asdict(totals).items()} for totals in report.totals
        ],
        "transfers": dict(report.transfers),
        "oldest_open": oldest and {**asdict(oldest), "created_at": oldest.created_at.isoformat()},
        "open_dead_letters": report.open_dead_letters,
        "unaudited": [asdict(shard) for shard in report.unaudited],
    }


def _print_report(report: Report) -> None:
    if report.outcome is Outcome.NOT_AUDITED:
        _print_outcome(report)
        return
    console = Console()
    console.print(_checks_table(report.checks))
    if report.totals:
        _print_totals(console, report.totals)
    if not report.quiet:
        print("Not of one moment, so not compared: money moved.")
    statuses = ", ".join(f"{count} {status}" for status, count in sorted(report.transfers.items()))
    print(f"Transfers: {statuses or 'none'}")
    if report.oldest_open is not None:
        oldest = report.oldest_open
        since = f"{oldest.created_at:%Y-%m-%d %H:%M:%S} UTC"
        print(f"Oldest open: {oldest.id} on {oldest.shard}, {oldest.status}, made {since}")
    if report.open_dead_letters:
        print(f"Open dead letters: {report.open_dead_letters} (see `holdfast dead list`)")
    for check in report.checks:
        if check.breaches:
            _print_breaches(check)
    _print_outcome(report)


def _checks_table(checks: Sequence[Check]) -> Table:
    table = Table("check", title="Invariants", title_justify="left")
    table.add_column("rows", justify="right")
    table.add_column("breaches", justify="right")
    for check in checks:
        found = f"{len(check.breaches)}{' and more' if check.more else ''}"
        style = "bold red" if check.breaches else None
        table.add_row(check.name, f"{check.rows:,}", found, style=style)
    return table


def _print_totals(console: Console, totals: Sequence[Totals]) -> None:
    """These are the figures to compare: where a table would break them, each has a line."""
    table = _totals_table(totals)
    if table.__rich_measure__(console, console.options).maximum <= console.width:
        console.print(table)
        return
    print("Totals in minor units")
    for one in totals:
        for name, amount in _amounts(one):
            print(f"  {one.currency:<8} {name:<12} {amount:>32,}")


def _amounts(totals: Totals) -> tuple[tuple[str, int], ...]:
    return (
        ("deposited", totals.deposited),
        ("withdrawn", totals.withdrawn),
        ("in wallets", totals.in_wallets),
        ("of it held", totals.held),
        ("in transit", totals.in_transit),
    )


def _totals_table(all_totals: Sequence[Totals]) -> Table:
    table = Table("currency", title="Totals in minor units", title_justify="left")
    for name, _ in _amounts(all_totals[0]):
        table.add_column(name, justify="right", no_wrap=True)
    for totals in all_totals:
        table.add_row(totals.currency, *(f"{amount:,}" for _, amount in _amounts(totals)))
    return table


def _print_breaches(check: Check) -> None:
    # Plain lines, which no terminal cuts: somebody will copy these ids.
    print(f"\n{check.name}: {check.says}")
    for breach in check.breaches:
        print(f"  {breach.shard}  {' '.join(breach.ids)}  {breach.detail}")
    if check.more:
        print("  ... and more")


def _print_outcome(report: Report) -> None:
    for shard in report.unaudited:
        print(f"\n{shard.shard} was not audited: {shard.detail}")
    match report.outcome:
        case Outcome.OK:
            print(_ok(report))
        case Outcome.BREACH:
            print("BREACH: see docs/invariants.md for what each check means.")
        case Outcome.NOT_AUDITED:
            print("NOT AUDITED: start the shards above and run this again.")


def _ok(report: Report) -> str:
    if report.quiet:
        return f"OK: {len(report.checks)} invariants hold."
    # What moves is not added up, and follows from the others: see `audit.run`.
    return (
        f"OK: {len(report.checks) - 1} invariants hold, and from them follows the last,"
        " that no money was made or lost: what moves was not added up."
    )
