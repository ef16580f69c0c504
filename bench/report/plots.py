"""The plots of a run, as SVG that needs nothing from anywhere and is the same every time."""

import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from xml.etree.ElementTree import Element

import pygal
from pygal.style import Style

from bench.report.lines import CaseLine
from bench.report.past import PastRun
from bench.report.results import Results

# pygal's own finder of modules is of an old kind, which Python warns of at every import that fails.
sys.meta_path[:] = [
    finder for finder in sys.meta_path if not isinstance(finder, pygal.PluginImportFixer)
]

_Series = dict[str, list[float | None]]
_Figure = Callable[[CaseLine], float | None]

_COLOURS = ("#3366cc", "#dc3912", "#ff9900", "#109618", "#990099", "#0099c6")
_STYLE = Style(
    font_family="sans-serif",
    background="#ffffff",
    plot_background="#ffffff",
    colors=_COLOURS,
    guide_stroke_color="#cccccc",
    major_guide_stroke_color="#bbbbbb",
    stroke_width="2",
    label_font_size=12,
    major_label_font_size=12,
    legend_font_size=13,
    title_font_size=16,
)
_ROLES = ("gateway", "workers", "postgresql", "kafka", "load")
_GROWTH = ("shards", "workers", "entries", "buckets")
_HISTORY = ("post", "wait", "batch", "hot_payee", "hot_payer")


def draw(results: Results, runs: Sequence[PastRun], folder: Path) -> list[Path]:
    """Writes all plots of a run and of the history; those without a figure are left out."""
    drawn = []
    for name, chart in (*_charts(results), _history(runs)):
        path = folder / f"{name}.svg"
        path.unlink(missing_ok=True)
        if any(value is not None for line in chart.raw_series for value in line[0]):
            chart.uuid = name  # else random, and part of the file
            path.write_text(f"{chart.render(is_unicode=True)}\n", encoding="utf-8")
            drawn.append(path)
    return drawn


def _charts(results: Results) -> Iterator[tuple[str, "pygal.Graph"]]:
    yield _completed(results)
    yield _cpu(results)
    yield _latency(results)
    for field in _GROWTH:
        yield _growth(results, field)


def _completed(results: Results) -> tuple[str, "pygal.Graph"]:
    named = {"POST alone": results.by_clients("post"), "Prefer: wait": results.by_clients("wait")}
    clients = sorted({group.shape.clients for groups in named.values() for group in groups})
    series: _Series = {}
    for name, groups in named.items():
        found = {group.shape.clients: group.per_s for group in groups}
        series[name] = [found.get(number) for number in clients]
    for kind in ("random", "hot"):
        series[f"floor, {kind}"] = [results.floor(kind)] * len(clients)
    return "completed", _lines(
        "Completed transfers per second", "clients", [str(number) for number in clients], series
    )


def _cpu(results: Results) -> tuple[str, "pygal.Graph"]:
    groups = [group for group in results.groups if group.failure is None]
    chart = _new(
        pygal.HorizontalStackedBar,
        "Processor time per transfer, ms",
        "ms",
        height=120 + 24 * len(groups),
    )
    chart.x_labels = [group.name for group in groups]
    for role in _ROLES:
        chart.add(role, [group.median_of(_cpu_of(role)) for group in groups])
    return "cpu", chart


def _cpu_of(role: str) -> _Figure:
    return lambda run: run.cpu_ms_per_transfer.get(role)


def _percentile(name: str) -> _Figure:
    return lambda run: None if run.latency_ms is None else float(getattr(run.latency_ms, name))


def _latency(results: Results) -> tuple[str, "pygal.Graph"]:
    groups = results.open_loops()
    series: _Series = {
        name: [group.median_of(_percentile(name)) for group in groups]
        for name in ("p50", "p90", "p99")
    }
    return "latency", _lines(
        "From the intended start to the terminal status, ms",
        "arrivals per second",
        [f"{group.shape.rate or 0:,.0f}" for group in groups],
        series,
    )


def _growth(results: Results, field: str) -> tuple[str, "pygal.Graph"]:
    groups = results.line_of(field)
    return f"growth-{field}", _lines(
        f"Completed transfers as a share of the floor, by {field}",
        field,
        [f"{getattr(group.shape, field):,}" for group in groups],
        {"POST alone": [results.ratio(group) for group in groups]},
    )


def _history(runs: Sequence[PastRun]) -> tuple[str, "pygal.Graph"]:
    quiet = [run for run in runs if not run.is_loaded]
    return "history", _lines(
        "Ratios over runs on a quiet machine",
        "commit",
        [run.commit for run in quiet],
        {name: [run.figures.get(name) for run in quiet] for name in _HISTORY},
    )


def _lines(title: str, across: str, labels: list[str], series: _Series) -> "pygal.Graph":
    chart = _new(pygal.Line, title, across)
    chart.x_labels = labels
    for name, values in series.items():
        chart.add(name, values)
    return chart


def _new(kind: "type[pygal.Graph]", title: str, across: str, *, height: int = 420) -> "pygal.Graph":
    chart = kind(
        # No script: pygal's own would be fetched from a server each time somebody looks.
        js=(),
        style=_STYLE,
        title=title,
        x_title=across,
        width=840,
        height=height,
        legend_at_bottom=True,
        disable_xml_declaration=True,
        value_formatter=lambda value: f"{value:,.4g}",
    )
    chart.zero = 0
    chart.include_x_axis = True
    chart.add_xml_filter(_bare)
    return chart


def _bare(root: Element) -> Element:
    """Without scripts and comments: they hold the day, and addresses that nobody needs."""
    for parent in root.iter():
        for child in list(parent):
            # The tag of a comment is not its name but the function that made it.
            if callable(child.tag) or child.tag == "script":
                parent.remove(child)
    return root
