"""What is told of a run is computed from its lines; what does not count gives no figure."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from bench.report.document import MarkerError, rewrite
from bench.report.lines import LineError, read_lines
from bench.report.past import PastRun, past_run, read_history, slower
from bench.report.plots import draw
from bench.report.results import Results
from bench.report.table import run_as_text
from bench.report.targets import TARGETS, Found, Verdict, judge
from bench.report.write import Kind, Places, newest_run, report
from tests.unit.bench_lines import RUN, case, floor, whole_run, write

QUICK = Kind.QUICK.value
PART = "<!-- {0}: written by `python -m bench.report` -->\nold\n<!-- end of {0} -->\n"
DOCUMENT = "# Title\n\n{}\nBetween.\n\n{}\n{}\nEnd.\n".format(
    *(PART.format(name) for name in ("run", "long", "history"))
)


@pytest.fixture
def read(tmp_path):
    def read_back(lines):
        return Results(read_lines(write(tmp_path / "run.jsonl", lines)))

    return read_back


@pytest.fixture
def places(tmp_path):
    results = tmp_path / "results"
    results.mkdir()
    document = tmp_path / "performance.md"
    document.write_text(DOCUMENT, encoding="utf-8")
    return Places(results=results, document=document)


def verdicts(results, *, is_long=False):
    return {target.name: verdict for target, _, verdict in judge(results, of_long=is_long)}


def figures(results, *, is_long=False):
    return {target.name: found.value for target, found, _ in judge(results, of_long=is_long)}


def without(lines, *names):
    return [line for line in lines if line["case"] not in names]


def replaced(lines, name, **changes):
    assert any(line["case"] == name for line in lines)
    return [line | changes if line["case"] == name else line for line in lines]


# --- lines


@pytest.mark.parametrize(
    "change",
    [
        {"completed_per_s": "2400"},
        {"completed_per_s": -1.0},
        {"completed_per_s": None},
        {"completed_per_s": float("nan")},
        {"audit": "skipped"},
        {"speed": 1.0},
        {"is_steady": 1},
        {"shape": {}},
        {"load_before": [0.1]},
    ],
)
def test_a_line_that_is_not_as_it_should_be_is_refused(tmp_path, change):
    path = write(tmp_path / "run.jsonl", [floor("random-before", 1.0), case("a", 1.0) | change])

    with pytest.raises(LineError, match=r"run\.jsonl:2"):
        read_lines(path)


def test_lines_of_two_runs_in_one_file_are_refused(tmp_path):
    path = write(tmp_path / "run.jsonl", [case("a", 1.0), case("b", 1.0, run="other")])

    with pytest.raises(LineError, match="of run other"):
        read_lines(path)


def test_a_file_without_lines_is_refused(tmp_path):
    with pytest.raises(LineError, match="empty"):
        read_lines(write(tmp_path / "run.jsonl", []))


def test_one_name_for_two_shapes_is_refused(read):
    with pytest.raises(ValueError, match="different shapes"):
        read([case("a", 1.0), case("a", 1.0, shape={"shards": 8})])


# --- figures


def test_ratios_are_to_the_mean_of_the_floor_before_and_after(read):
    results = read(whole_run())

    assert results.floor("random") == 4_000.0
    assert results.floor("hot") == 1_800.0
    assert figures(results)["post"] == pytest.approx(2_800 / 4_000)


def test_every_target_is_found_in_a_whole_run(read):
    assert figures(read(whole_run())) == {
        "post": pytest.approx(0.7),
        "wait": pytest.approx(0.56),
        "batch": pytest.approx(1.25),
        "hot_payee": pytest.approx(2_300 / 2_400),
        "hot_payer": pytest.approx(2_300 / 2_400),
        "p50_at_20": 10.0,
        "p99_at_20": 30.0,
        "p50_at_half": 10.0,
        "p99_at_half": 30.0,
        "cpu_ms": pytest.approx(0.49),
        "entries": pytest.approx(2_350 / 2_400),
        "shards": pytest.approx(2_200 / 2_500),
        "workers": pytest.approx(2_420 / 2_300),
    }


def test_only_a_long_run_tells_of_memory(read):
    results = read([line for line in whole_run() if line["case"] == "long"])

    assert figures(results, is_long=True) == {"memory": 0.3}
    assert verdicts(results, is_long=True) == {"memory": Verdict.MET}
    assert "0.3 %" in run_as_text(results, is_long=True)


def test_the_verdict_follows_from_the_figures(read):
    reached = verdicts(read(whole_run()))

    assert reached.pop("post") is Verdict.STRETCH
    assert set(reached.values()) == {Verdict.MET}
    slow_floor = verdicts(read([line | _times(line, 10) for line in whole_run()]))
    assert slow_floor["post"] is slow_floor["wait"] is slow_floor["batch"] is Verdict.SHORT
    assert slow_floor["workers"] is Verdict.MET


def _times(line, factor):
    """A floor that is so much faster."""
    return {"transfers_per_s": line["transfers_per_s"] * factor} if "seed" not in line else {}


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_just_beyond_a_limit_is_short(target):
    beyond = target.limit * (0.999 if target.at_least else 1.001)

    assert target.verdict(Found(value=beyond)) is Verdict.SHORT
    assert target.verdict(Found(value=target.limit)) is Verdict.MET


def test_what_was_not_run_is_not_measured(read):
    lines = without(whole_run(), "batch-256", "entries-1000000", "open-20", "long")

    found = verdicts(read(lines))

    assert {name for name, verdict in found.items() if verdict is Verdict.NOT_MEASURED} == {
        *("batch", "entries", "p50_at_20", "p99_at_20")
    }


def test_an_open_loop_at_another_rate_is_not_half_of_the_best(read):
    lines = without(whole_run(), "open-1400", "long")

    assert verdicts(read(lines))["p50_at_half"] is Verdict.NOT_MEASURED


def test_a_machine_without_a_floor_has_no_ratios(read):
    lines = [line for line in whole_run() if "seed" in line]

    assert verdicts(read(lines))["post"] is Verdict.NOT_MEASURED


# --- what does not count


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"problem": "3 transfers did not end"}, "3 transfers did not end"),
        ({"audit": "failed"}, "the audit failed"),
        ({"failed": 7}, "7 requests failed"),
        ({"is_steady": False, "backlog_end": 9_000}, "the backlog grew from 800 to 9000"),
        ({"completed": 0}, "nothing was completed"),
    ],
)
def test_a_run_that_does_not_count_is_shown_as_failed_and_never_as_a_figure(read, change, reason):
    results = read(replaced(whole_run(), "batch-256", **change))

    told = run_as_text(results, is_long=False)
    (row,) = [line for line in told.splitlines() if line.startswith("| batch-256 |")]

    assert f"**failed**: {reason}" in row
    assert not re.search(r"5,000|1\.25", told)
    assert verdicts(results)["batch"] is Verdict.FAILED
    assert past_run(results).failed == ["batch-256"]
    assert "batch" not in past_run(results).figures


def test_the_best_is_the_best_of_those_that_count(read):
    results = read(replaced(whole_run(), "post-512", audit="failed"))

    assert figures(results)["post"] == pytest.approx(2_400 / 4_000)


def test_the_best_is_not_chosen_among_shorter_runs_of_the_same(read):
    lucky = case("workers-2", 2_900.0, seconds=15.0)

    results = read([*without(whole_run(), "workers-2"), lucky])

    assert figures(results)["post"] == pytest.approx(0.7)
    assert results.best("post").name == "post-512"


def test_one_of_alternating_runs_that_fails_fails_the_case(read):
    lines = whole_run()
    at = next(number for number, line in enumerate(lines) if line["case"] == "workers-2")
    lines[at] = lines[at] | {"problem": "it fell over"}

    results = read(lines)

    assert verdicts(results)["workers"] is Verdict.FAILED
    assert "**failed**: 1 of 3 runs: it fell over" in run_as_text(results, is_long=False)


# --- text


def test_each_row_has_its_command(read):
    told = run_as_text(read(whole_run()), is_long=False)
    tables = re.findall(r"(?:^\|.*\n)+", told + "\n", re.MULTILINE)

    assert [table.count("`python -m bench full`") for table in tables] == [13, 4, 27]


def test_a_loaded_machine_is_told(read):
    quiet = run_as_text(read(whole_run()), is_long=False)
    loaded = run_as_text(read(replaced(whole_run(), "post-256", is_loaded=True)), is_long=False)

    assert "Nobody else used the machine." in quiet
    assert "Others used the machine during this run" in loaded
    assert loaded.count("loaded by others") == 1


def test_text_of_a_problem_cannot_break_the_table(read):
    problem = "a | b\n\n# `c`"
    told = run_as_text(read(replaced(whole_run(), "batch-256", problem=problem)), is_long=False)

    assert "**failed**: a / b # 'c'" in told


def test_a_part_of_a_document_is_replaced_and_nothing_else():
    changed = rewrite(DOCUMENT, name="run", content="new")

    assert rewrite(changed, name="run", content="new") == changed
    assert changed.count("\nold\n") == 2
    assert changed.endswith(DOCUMENT.partition("Between.")[2])
    with pytest.raises(MarkerError, match="end of other"):
        rewrite(DOCUMENT, name="other", content="new")
    with pytest.raises(MarkerError):
        rewrite(DOCUMENT * 2, name="run", content="new")


# --- plots


def test_plots_are_the_same_each_time_and_need_nothing_from_anywhere(read, tmp_path):
    results = read(whole_run())
    runs = [past_run(results)]

    drawn = draw(results, runs, tmp_path)
    first = {path.name: path.read_bytes() for path in drawn}

    assert {path.stem for path in drawn} == {
        *("completed", "cpu", "latency", "history"),
        *("growth-shards", "growth-workers", "growth-entries", "growth-buckets"),
    }
    assert {p.name: p.read_bytes() for p in draw(results, runs, tmp_path)} == first
    for svg in first.values():
        addresses = set(re.findall(rb"[\w:]*//[\w./-]+", svg))
        assert addresses <= {b"http://www.w3.org/2000/svg", b"http://www.w3.org/1999/xlink"}
        assert not re.search(rb"<script|@import|<!--", svg)


def test_a_plot_has_no_point_of_a_run_that_does_not_count(read, tmp_path):
    results = read(replaced(whole_run(), "post-512", problem="no"))

    draw(results, [], tmp_path)

    plot = (tmp_path / "completed.svg").read_text(encoding="utf-8")
    assert "2,400" in plot
    assert "2,800" not in plot


# --- history


def test_a_run_is_remembered_once(places):
    lines = write(places.results / f"{RUN}.jsonl", whole_run())

    report(lines, places)
    first = places.document.read_text(encoding="utf-8")
    report(lines, places)

    assert places.document.read_text(encoding="utf-8") == first
    (remembered,) = read_history(places.results / "history.jsonl")
    assert remembered.figures["post"] == pytest.approx(0.7)
    assert "![completed](../bench/results/completed.svg)" in first
    assert first.count("\nold\n") == 1


def test_a_quick_run_goes_into_the_history_only(places):
    lines = write(places.results / f"{RUN}.jsonl", whole_run(command=QUICK))

    report(lines, places)

    text = places.document.read_text(encoding="utf-8")
    assert text.count("\nold\n") == 2
    assert f"`{QUICK}`" in text
    assert not list(places.results.glob("*.svg"))


def test_a_long_run_has_a_part_of_its_own(places):
    long = [line for line in whole_run(command="python -m bench long") if line["case"] == "long"]

    report(write(places.results / f"{RUN}.jsonl", long), places)

    text = places.document.read_text(encoding="utf-8")
    assert text.index("Between.") < text.index("| long | 1 |") < text.index("history")
    assert text.count("\nold\n") == 2
    assert not (places.results / "history.jsonl").exists()


def test_a_run_with_other_settings_is_written_nowhere(places):
    command = "python -m bench full --set HOLDFAST_LANES__STEP_LINGER_MS=10"

    told = report(write(places.results / f"{RUN}.jsonl", whole_run(command=command)), places)

    assert command in told
    assert places.document.read_text(encoding="utf-8") == DOCUMENT
    assert [path.name for path in places.results.iterdir()] == [f"{RUN}.jsonl"]


def test_the_newest_run_of_a_kind_is_found(places):
    older = whole_run(run="older", at="2026-11-01T00:00:00Z")
    quick = whole_run(run="quick", at="2026-11-30T00:00:00Z", command=QUICK)
    for lines in (older, whole_run(), quick):
        path = places.results / f"{lines[0]['run']}.jsonl"
        report(write(path, lines), places)

    assert newest_run(places.results, Kind.FULL) == places.results / f"{RUN}.jsonl"
    assert newest_run(places.results, Kind.QUICK) == places.results / "quick.jsonl"
    assert newest_run(places.results, Kind.LONG) is None


def past(day, ratio, **changes):
    known = {
        "run": f"run-{day}",
        "at": datetime(2026, 11, 1, tzinfo=UTC) + timedelta(days=day),
        "commit": "c",
        "command": Kind.FULL.value,
        "machine": "m",
        "is_loaded": False,
        "floor_per_s": 4_000.0,
        "floor_hot_per_s": 1_800.0,
        "figures": {"post": ratio, "cpu_ms": 0.4},
        "failed": [],
    }
    return PastRun.model_validate(known | changes)


STEADY = [past(day, ratio) for day, ratio in enumerate((0.50, 0.51, 0.50, 0.51))]


@pytest.mark.parametrize(
    ("earlier", "ratio", "is_slower"),
    [
        (STEADY, 0.46, True),
        (STEADY, 0.49, False),
        (STEADY, 0.90, False),
        (STEADY[:2], 0.10, False),
        ([run.model_copy(update={"machine": "other"}) for run in STEADY], 0.10, False),
        ([run.model_copy(update={"command": "other"}) for run in STEADY], 0.10, False),
        ([run.model_copy(update={"is_loaded": True}) for run in STEADY], 0.10, False),
        # They differ by a fifth from one to the next: so nobody can say that this is slower.
        ([past(day, ratio) for day, ratio in enumerate((0.5, 0.6, 0.5, 0.6))], 0.4, False),
    ],
)
def test_slower_is_what_is_worse_by_more_than_the_noise(earlier, ratio, is_slower):
    new = past(9, ratio)

    assert (set(slower([*earlier, new], new)) == {"post"}) is is_slower


def test_of_costs_more_is_worse():
    new = past(9, 0.51, figures={"cpu_ms": 0.5})

    assert slower(STEADY, new) == {"cpu_ms": "0.5 after 0.4: 25% worse, the noise is 5%"}


def test_a_run_on_a_loaded_machine_is_not_called_slower():
    assert slower(STEADY, past(9, 0.1, is_loaded=True)) == {}


def test_the_document_says_what_became_slower(places):
    history = places.results / "history.jsonl"
    machine = "a processor, 2 cores, 24 GiB"
    earlier = [past(day, 0.9, machine=machine) for day in range(-5, 0)]
    history.write_text("".join(run.model_dump_json() + "\n" for run in earlier), encoding="utf-8")

    report(write(places.results / f"{RUN}.jsonl", whole_run()), places)

    text = places.document.read_text(encoding="utf-8")
    assert "**Slower** in run 20261120T194500Z, one POST per transfer" in text
    assert "0.7 after 0.9: 22% worse, the noise is 5%" in text


def test_a_history_that_was_tampered_with_is_refused(places):
    (places.results / "history.jsonl").write_text('{"run": 1}\n', encoding="utf-8")

    with pytest.raises(LineError, match=r"history\.jsonl:1"):
        read_history(places.results / "history.jsonl")
