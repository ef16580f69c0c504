"""A run as Markdown: what it was, its targets, its floor and its cases."""

from collections.abc import Iterator, Sequence

from bench.report.lines import CaseLine, FloorLine
from bench.report.past import RULE, PastRun, compared, slower
from bench.report.results import Group, Results
from bench.report.targets import TARGETS, Found, Target, Verdict, judge

_NONE = "–"
_HISTORY_MAX = 15
_OF_HISTORY = ("post", "wait", "batch", "hot_payee", "hot_payer", "cpu_ms")


def run_as_text(results: Results, *, is_long: bool) -> str:
    """What was run, where, and how it ended."""
    blocks = [
        tuple(_about(results)),
        tuple(_targets(results, is_long=is_long)),
        tuple(_floor(results.floors, results.command)),
        tuple(_cases(results)),
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block)


def history_as_text(runs: Sequence[PastRun]) -> str:
    """The last runs, and what the newest one has made slower."""
    if not runs:
        return "No run has been recorded yet."
    names = [target.name for target in TARGETS if target.name in _OF_HISTORY]
    lines = _row("run", "commit", "command", "machine", "floor/s", *names, "did not count")
    lines += _rule(6 + len(names))
    for run in runs[-_HISTORY_MAX:]:
        lines += _row(
            run.run,
            run.commit,
            f"`{run.command}`",
            f"{run.machine}{', loaded' if run.is_loaded else ''}",
            _number(run.floor_per_s),
            *(_number(run.figures.get(name)) for name in names),
            ", ".join(run.failed) or _NONE,
        )
    return "\n".join((*lines, "", *_slower(runs), "", RULE.replace(". Compared", ".\nCompared")))


def _slower(runs: Sequence[PastRun]) -> Iterator[str]:
    newest = runs[-1]
    if newest.is_loaded:
        yield f"Run {newest.run} was on a loaded machine and is not compared."
        return
    found = slower(runs, newest)
    says = {target.name: target.says for target in TARGETS}
    for name, told in found.items():
        yield f"- **Slower** in run {newest.run}, {says.get(name, name)}: {told}."
    if not found:
        earlier = len(compared(runs, newest))
        yield f"Run {newest.run}: nothing slower than the noise, of {earlier} runs to compare with."


def _about(results: Results) -> Iterator[str]:
    versions = ", ".join(f"{name} {version}" for name, version in sorted(results.versions.items()))
    when = f"{results.at:%d %B %Y}"
    yield f"Run {results.run} of commit {results.commit}, {when}, by `{results.command}`."
    yield f"Machine: {results.machine.name}, kernel {results.machine.kernel}."
    yield f"Versions: {versions}."
    if results.is_loaded:
        yield "**Others used the machine during this run**: its figures are to be taken again."
    else:
        yield "Nobody else used the machine."


def _targets(results: Results, *, is_long: bool) -> Iterator[str]:
    yield from _row("target", "to reach", "stretch", "measured", "verdict", "from", "command")
    yield from _rule(7)
    for target, found, verdict in judge(results, of_long=is_long):
        yield from _row(
            target.says,
            _limit(target, target.limit),
            _limit(target, target.stretch),
            _measured(target, found, verdict),
            f"**{verdict}**",
            found.cases or _NONE,
            f"`{results.command}`",
        )


def _limit(target: Target, limit: float | None) -> str:
    if limit is None:
        return _NONE
    return f"{'at least' if target.at_least else 'at most'} {limit:g}{target.unit}"


def _measured(target: Target, found: Found, verdict: Verdict) -> str:
    if verdict is Verdict.FAILED:
        return _plain(found.failure or "")
    return _NONE if found.value is None else f"{_number(found.value)}{target.unit}"


def _floor(floors: Sequence[FloorLine], command: str) -> Iterator[str]:
    if not floors:
        return
    yield from _row("floor", "transfers/s", "CPU ms: PostgreSQL, pgbench", "machine", "command")
    yield from _rule(5)
    for line in floors:
        cpu = line.cpu_ms_per_transfer
        yield from _row(
            line.case.removeprefix("floor-"),
            _number(line.transfers_per_s),
            ", ".join(f"{cpu[role]:.3f}" for role in ("postgresql", "load") if role in cpu),
            _machine(is_loaded=line.is_loaded),
            f"`{command}`",
        )


def _cases(results: Results) -> Iterator[str]:
    yield from _row(
        *("case", "runs", "completed/s", "to the floor", "p50 ms", "p99 ms", "CPU ms outside load"),
        *("commits", "messages", "WAL bytes", "machine", "command"),
    )
    yield from _rule(12)
    for group in results.groups:
        yield from _row(
            group.name,
            str(len(group.runs)),
            *(_figures(group, results) if group.failure is None else _failed(group)),
            _machine(is_loaded=group.is_loaded),
            f"`{group.runs[0].command}`",
        )


def _failed(group: Group) -> tuple[str, ...]:
    return (f"**failed**: {_plain(group.failure or '')}", *[_NONE] * 7)


def _figures(group: Group, results: Results) -> tuple[str, ...]:
    def percentile(name: str) -> str:
        def of(run: CaseLine) -> float | None:
            return None if run.latency_ms is None else float(getattr(run.latency_ms, name))

        return _number(group.median_of(of))

    return (
        _number(group.per_s),
        _number(results.ratio(group)),
        percentile("p50"),
        percentile("p99"),
        _number(group.median_of(lambda run: run.cpu_outside_load_ms)),
        _number(group.median_of(lambda run: run.per_transfer.commits)),
        _number(group.median_of(lambda run: run.per_transfer.messages)),
        _number(group.median_of(lambda run: run.per_transfer.wal_bytes)),
    )


def _machine(*, is_loaded: bool) -> str:
    return "loaded by others" if is_loaded else "quiet"


def _plain(text: str) -> str:
    """Text of elsewhere in a cell: nothing in it ends the cell or the line."""
    return " ".join(text.replace("|", "/").replace("`", "'").split())[:160]


def _number(value: float | None) -> str:
    if value is None:
        return _NONE
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _row(*cells: str) -> list[str]:
    return [f"| {' | '.join(cells)} |"]


def _rule(columns: int) -> list[str]:
    return [f"|{' --- |' * columns}"]
