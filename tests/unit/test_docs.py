"""What the documents say of the code is so: links, tests, targets, tables, settings, routes."""

import ast
import dataclasses
import hashlib
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from uuid import UUID

import orjson
import pytest

from config.settings import Settings, setting_names
from gateway.present import show_entry
from gateway.problems import KINDS
from gateway.timestamps import parse_timestamp
from messaging.envelope import topic_of
from messaging.topics import TopicNames
from reliability.checker.invariants import SAYS, Invariant
from sagas.dead_letters import Obstacle
from sagas.hold_states import HOLD_TRANSITIONS
from sagas.messages import IMPLIED_STEP, Step
from sagas.states import TERMINAL, TRANSITIONS, Status
from shards.dead_letters import ReasonClass
from shards.entry_hash import HashedEntry, canonical, entry_hash
from shards.holds import HoldStatus
from shards.lists import ListedEntry
from tests.unit.openapi_text import routes

ROOT = Path(__file__).parents[2]
DOCS = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")])
LINK = re.compile(r"(?<!!)\[[^\]]*\]\((?P<target>[^)\s]+)\)")
CODE = re.compile(r"`([^`\n]+)`")
NAMED_TEST = re.compile(r"`((?:e2e_tests|tests)/[\w/]+\.py)::(\w+)`")
FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)

# Where packages come from, and what is no part of the project.
FORBIDDEN = re.compile(
    r"pypi|pythonhosted|maven\.org|sonatype|repo1\.|docker\.io|ghcr\.io|npmjs"
    r"|\.\./shared|/work/|/root/|/home/|/tmp/",
    re.IGNORECASE,
)


@pytest.fixture(params=DOCS, ids=lambda path: path.name)
def doc(request: pytest.FixtureRequest) -> Path:
    path: Path = request.param
    return path


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def rows(text: str, *header: str) -> list[list[str]]:
    """The rows of the table with this header, each cell without its backticks."""
    lines = iter(text.splitlines())
    wanted = f"| {' | '.join(header)} |"
    assert any(line.startswith(wanted) for line in lines), f"no table {wanted}"
    next(lines)
    found = []
    for line in lines:
        if not line.startswith("|"):
            break
        found.append([cell.strip().strip("`") for cell in line.strip("|").split(" | ")])
    return found


def anchors(text: str) -> set[str]:
    """What a heading is linked by."""
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_links_lead_somewhere(doc: Path):
    for link in LINK.finditer(FENCE.sub("", doc.read_text(encoding="utf-8"))):
        path, _, anchor = link["target"].partition("#")
        assert not re.match(r"\w+:", link["target"]), "a link out of the project is not checked"
        target = (doc.parent / path).resolve() if path else doc
        assert target.is_relative_to(ROOT), link["target"]
        assert target.exists(), link["target"]
        if anchor:
            assert anchor in anchors(target.read_text(encoding="utf-8")), link["target"]


@cache
def functions(path: Path) -> set[str]:
    """The names of all functions of a file; none where there is no file."""
    tree = ast.parse(path.read_text(encoding="utf-8")) if path.is_file() else ast.Module([], [])
    kinds = ast.FunctionDef | ast.AsyncFunctionDef
    return {node.name for node in ast.walk(tree) if isinstance(node, kinds)}


def test_named_tests_exist(doc: Path):
    missing = {}
    for file, name in NAMED_TEST.findall(doc.read_text(encoding="utf-8")):
        if name not in functions(ROOT / file):
            tests = [*ROOT.glob("tests/*/test_*.py"), *ROOT.glob("e2e_tests/test_*.py")]
            now_in = [str(p.relative_to(ROOT)) for p in tests if name in functions(p)]
            missing[f"{file}::{name}"] = now_in or "nowhere"

    assert not missing


def test_targets_that_are_named_exist(doc: Path):
    targets = set(re.findall(r"^([a-z][a-z0-9-]*):", read("Makefile"), re.MULTILINE))
    text = doc.read_text(encoding="utf-8")
    spans = [*CODE.findall(text), *re.findall(r"^    (.+)$", text, re.MULTILINE)]
    named = {name for span in spans for name in re.findall(r"\bmake ([a-z][a-z0-9-]*)", span)}

    assert named <= targets


def test_paths_that_are_named_exist(doc: Path):
    folders = {path.name for path in ROOT.iterdir() if path.is_dir()}
    for span in CODE.findall(FENCE.sub("", doc.read_text(encoding="utf-8"))):
        first, slash, _ = span.partition("/")
        is_path = slash and first in folders and re.fullmatch(r"[\w./-]+", span)
        if is_path and not first.startswith(".") and "NNNN" not in span:
            assert (ROOT / span).exists(), span


def test_settings_that_are_named_exist(doc: Path):
    named = set(re.findall(r"HOLDFAST_\w+", doc.read_text(encoding="utf-8")))

    assert named <= set(setting_names())


def test_nothing_is_named_that_is_no_part_of_the_project(doc: Path):
    assert not FORBIDDEN.findall(doc.read_text(encoding="utf-8"))


def test_one_sentence_stands_on_a_line(doc: Path):
    text = FENCE.sub("", doc.read_text(encoding="utf-8"))
    lines = [line for line in text.splitlines() if not re.match(r"\||    |#|<!--", line)]
    # A few words in bold may stand before a sentence, as its title.
    prose = [re.sub(r"^([\d.*-]+ )?\*\*[^*]+\*\* ", "", line) for line in lines]

    assert not [line for line in prose if re.search(r"[a-z0-9)`][.!?] +[A-Z`*\[]", line)]


# --- the life of a transfer


LIFECYCLE = "docs/transfer-lifecycle.md"


def test_the_table_of_transitions_is_the_codes():
    told = {
        (None if before == "-" else before, event): after
        for before, event, after, *_ in rows(read(LIFECYCLE), "before", "event", "after")
    }

    assert told == {
        (before.value if before else None, event.value): after.value
        for (before, event), after in TRANSITIONS.items()
    }


def diagram(number: int) -> tuple[set[tuple[str, str, str]], set[str]]:
    """The edges (before, after, event) of a diagram of that page, and its ends."""
    text = re.findall(r"^```mermaid$.*?^```$", read(LIFECYCLE), re.MULTILINE | re.DOTALL)[number]
    edges = re.findall(r"^    (\S+) --> (\w+): (\w+)$", text, re.MULTILINE)
    return set(edges), set(re.findall(r"^    (\w+) --> \[\*\]$", text, re.MULTILINE))


def test_the_diagram_is_the_table():
    edges, ends = diagram(0)

    assert edges == {
        (before.value if before else "[*]", after.value, event.value)
        for (before, event), after in TRANSITIONS.items()
    }
    assert ends == {status.value for status in TERMINAL}


def test_the_life_of_a_hold_is_told_with_every_status():
    edges, ends = diagram(1)
    told = {status: over for status, over, *_ in rows(read(LIFECYCLE), "hold", "over?")}

    # A capture that leaves something changes no status, and is in no table.
    assert edges - {("open", "open", "capture")} == {
        (before.value if before else "[*]", after.value, event.value)
        for (before, event), after in HOLD_TRANSITIONS.items()
    }
    assert ("open", "open", "capture") in edges
    assert ends == set(HoldStatus) - {HoldStatus.OPEN}
    assert told == {s.value: "no" if s is HoldStatus.OPEN else "yes" for s in HoldStatus}


def test_every_status_is_told_with_whether_it_is_over():
    told = {status: over for status, over, *_ in rows(read(LIFECYCLE), "status", "over?")}

    assert told == {s.value: "yes" if s in TERMINAL else "no" for s in Status}


def test_what_redrive_sends_is_the_codes():
    told = {status: step for status, step, _ in rows(read(LIFECYCLE), "status", "message")}

    assert told == {status.value: step.value for status, step in IMPLIED_STEP.items()}


def test_every_step_has_a_topic_named_after_it():
    names = TopicNames.for_prefix("wallet")

    assert {topic_of(names, step) for step in Step} == {f"wallet.{step}.v1" for step in Step}


# --- failures


def test_every_row_of_failures_is_shown_or_says_that_it_is_not():
    tables = re.findall(
        r"^\| moment or fault.*?(?:\n\n|\Z)",
        read("docs/failure-modes.md"),
        re.MULTILINE | re.DOTALL,
    )
    lines = [line for table in tables for line in table.strip().splitlines()[2:]]

    assert len(lines) > 40
    for line in lines:
        shown = line.strip("| ").split(" | ")[-1]
        assert NAMED_TEST.fullmatch(shown) or shown.startswith("not shown yet: "), line


def test_every_threat_is_shown():
    tables = re.findall(
        r"^\| risk .*?(?:\n\n|\Z)", read("docs/security.md"), re.MULTILINE | re.DOTALL
    )
    lines = [line for table in tables for line in table.strip().splitlines()[2:]]

    assert len(lines) > 40
    for line in lines:
        _risk, _stopped_by, shown = line.strip("| ").split(" | ")
        assert NAMED_TEST.fullmatch(shown), line


# --- dead letters


def test_every_refusal_of_a_decision_is_told():
    told = {name for name, *_ in rows(read("docs/dead-letters.md"), "refused as", "when")}

    assert told == set(Obstacle)


def test_every_class_of_reasons_is_told():
    told = {name for name, *_ in rows(read("docs/dead-letters.md"), "class", "reasons")}

    assert told == set(ReasonClass)


# --- the checker of a run


def test_the_invariants_of_the_checker_are_the_codes():
    told = dict(rows(read("docs/invariants.md"), "invariant", "what it says"))

    assert told == {invariant.value: says for invariant, says in SAYS.items()}
    assert SAYS.keys() == set(Invariant)


# --- the HTTP API


def gateway_routes() -> Iterator[tuple[str, str]]:
    for route in routes():
        yield route.method, route.path


async def test_the_routes_are_the_gateways():
    told = [row[0].split() for row in rows(read("docs/http-api.md"), "method and path", "who")]

    assert sorted(map(tuple, told)) == sorted(gateway_routes())


def test_the_codes_are_the_gateways():
    told = {
        (int(status), code)
        for status, codes in rows(read("docs/http-api.md"), "status", "codes")
        for code in re.findall(r"\w+", codes)
    }

    assert told == {(status, code) for code, (status, _) in KINDS.items()}


def test_the_worked_example_of_a_hash_is_what_the_gateway_shows_and_hashes():
    _, _, section = read("docs/http-api.md").partition("\n## The hash of an entry\n")
    shown = json.loads(re.findall(r"^```json\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)[0])
    fields, string = re.findall(r"^```text\n(.*)\n```$", section, re.MULTILINE)[:2]
    at = parse_timestamp(shown["at"], rounds_up=False)
    assert at is not None
    entry = HashedEntry(
        user_id=UUID("01981234-5678-8007-8000-000000000001"),
        currency="EUR",
        seq=2,
        amount=-1250,
        balance_after=8750,
        kind="transfer_out",
        transfer_id=UUID(shown["transfer_id"]),
        counterparty_id=UUID(shown["counterparty"]),
        at=at,
        prev_hash=bytes.fromhex(shown["prev_hash"]),
    )
    columns = {f.name: getattr(entry, f.name) for f in dataclasses.fields(entry)}
    owner = columns.pop("user_id")

    view = show_entry(ListedEntry(**columns, hash=entry_hash(entry)), decimals=2)

    assert str(owner) in section.partition("```json")[0]
    assert json.loads(orjson.dumps(view)) == shown
    assert string == canonical(entry)
    assert hashlib.sha256(string.encode()).hexdigest() == shown["hash"]
    assert fields.split("|") == ["holdfast.entry.v1", *(f.name for f in dataclasses.fields(entry))]


# --- figures, folders, words


def test_the_defaults_that_are_explained_are_the_codes():
    defaults = {}
    for name, field in Settings.model_fields.items():
        value = field.get_default()
        inner = getattr(type(value), "model_fields", None)
        for key in inner or ():
            defaults[f"HOLDFAST_{name}__{key}".upper()] = str(getattr(value, key))
        if inner is None:
            defaults[f"HOLDFAST_{name}".upper()] = str(value)

    table = rows(read("docs/architecture.md"), "setting", "default", "why")

    assert table
    assert {name: defaults[name] for name, _, _ in table} == {name: told for name, told, _ in table}


def test_every_package_has_its_line_in_the_readme():
    told = " ".join(folder for folder, _ in rows(read("README.md"), "folder", "what is in it"))
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")}

    assert {name for name in packages if f"{name}/" not in told} == set()


def test_continuous_integration_runs_make_test():
    script = ROOT / ".ci" / "run"

    assert script.stat().st_mode & 0o111
    assert "exec make test" in script.read_text(encoding="utf-8")
