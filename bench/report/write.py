"""From the lines of a run to the document, the plots and the history."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from bench.report.document import rewrite
from bench.report.lines import read_lines
from bench.report.past import PastRun, past_run, remember
from bench.report.plots import draw
from bench.report.results import Results
from bench.report.table import history_as_text, run_as_text

_HISTORY = "history.jsonl"


class Kind(StrEnum):
    """What a run is for, by its command as it stands in the lines."""

    FULL = "python -m bench full"
    """Into the document, with plots, and into the history."""
    QUICK = "python -m bench quick"
    """Into the history."""
    LONG = "python -m bench long"
    """Into the document, in a part of its own."""
    OTHER = "any other"
    """Nowhere: other settings are compared by a person."""

    @classmethod
    def of(cls, command: str) -> "Kind":
        """The kind of a run with this command."""
        return next((kind for kind in cls if kind == command), cls.OTHER)


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Where things are.

    Attributes:
        results: the folder with the lines of runs, the history and the plots.
        document: whose parts `run`, `long` and `history` are rewritten.
    """

    results: Path
    document: Path


def newest_run(folder: Path, kind: Kind) -> Path | None:
    """The file of the newest run of a kind; raises LineError when one cannot be read."""
    found = {}
    for path in folder.glob("*.jsonl"):
        if path.name != _HISTORY:
            results = Results(read_lines(path))
            if Kind.of(results.command) is kind:
                found[path] = results.at
    return max(found, key=lambda path: found[path], default=None)


def report(lines: Path, places: Places) -> str:
    """Tells a run where its kind belongs; what was there of the same run is replaced.

    Args:
        lines: of the run.
        places: where the rest is.

    Returns:
        The run as text.

    Raises:
        LineError: results cannot be read.
        MarkerError: the document has no place for them.
    """
    results = Results(read_lines(lines))
    kind = Kind.of(results.command)
    told = run_as_text(results, is_long=kind is Kind.LONG)
    parts = {}
    if kind is Kind.LONG:
        parts["long"] = told
    if kind in (Kind.FULL, Kind.QUICK):
        runs = remember(places.results / _HISTORY, past_run(results))
        parts["history"] = history_as_text(runs)
        if kind is Kind.FULL:
            parts["run"] = "\n\n".join([told, *_pictures(results, runs, places)])
    text = places.document.read_text(encoding="utf-8")
    for name, content in parts.items():
        text = rewrite(text, name=name, content=content)
    places.document.write_text(text, encoding="utf-8")
    return told


def _pictures(results: Results, runs: Sequence[PastRun], places: Places) -> list[str]:
    drawn = draw(results, runs, places.results)
    return [f"![{path.stem}](../bench/{places.results.name}/{path.name})" for path in drawn]
