"""From the lines of a run to the document, the plots and the history."""

from dataclasses import dataclass
from pathlib import Path

from bench.report.document import rewrite
from bench.report.lines import LineError, read_lines
from bench.report.past import past_run, remember
from bench.report.plots import draw
from bench.report.results import Results
from bench.report.table import history_as_text, run_as_text

_HISTORY = "history.jsonl"


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Where things are.

    Attributes:
        results: the folder with the lines of runs, the history and the plots.
        document: whose parts `run` and `history` are rewritten.
    """

    results: Path
    document: Path


def newest_run(folder: Path, *, command: str | None) -> Path:
    """The file of the newest run.

    Args:
        folder: of results.
        command: runs of this one only, such as `make bench`; of any if None.

    Raises:
        LineError: there is none, or one cannot be read.
    """
    runs = {
        path: Results(read_lines(path)) for path in folder.glob("*.jsonl") if path.name != _HISTORY
    }
    found = [path for path, run in runs.items() if command in (None, run.command)]
    if not found:
        raise LineError(f"no run of {command or 'anything'} in {folder}; make one first")
    return max(found, key=lambda path: runs[path].at)


def report(lines: Path, places: Places, *, in_document: bool) -> str:
    """Remembers a run, and tells it; what it said before of the same run is replaced.

    Args:
        lines: of the run.
        places: where the rest is.
        in_document: whether the document and the plots show this run; the history always does.

    Returns:
        The run as text.

    Raises:
        LineError: results cannot be read.
        MarkerError: the document has no place for them.
    """
    results = Results(read_lines(lines))
    runs = remember(places.results / _HISTORY, past_run(results))
    told = run_as_text(results)
    text = places.document.read_text(encoding="utf-8")
    text = rewrite(text, name="history", content=history_as_text(runs))
    if in_document:
        drawn = draw(results, runs, places.results)
        folder = places.results.name
        pictures = [f"![{path.stem}](../bench/{folder}/{path.name})" for path in drawn]
        text = rewrite(text, name="run", content="\n\n".join([told, *pictures]))
    places.document.write_text(text, encoding="utf-8")
    return told
