"""SQL lives in named blocks: each file has one module, each block a use, and none is built."""

import ast
import os
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from shards.statements import load_statements

ROOT = Path(__file__).parents[2]
PACKAGES = ("shards", "sagas", "gateway", "workers", "messaging", "cli")
SUBJECTS = sorted(file.stem for file in (ROOT / "shards" / "sql").glob("*.sql"))
RUNS_SQL = {"execute", "executemany", "fetch", "fetchrow", "fetchval", "prepare", "cursor"}
SQL = re.compile(
    r"\b(SELECT\s.+\sFROM|INSERT\s+INTO|UPDATE\s.+\sSET|DELETE\s+FROM|SET\s+LOCAL)\b", re.DOTALL
)


def modules(*packages: str) -> list[tuple[str, ast.Module]]:
    return [
        (str(file.relative_to(ROOT)), ast.parse(file.read_text("utf-8")))
        for package in packages
        for file in sorted((ROOT / package).rglob("*.py"))
    ]


def loaded(tree: ast.Module) -> list[str]:
    """The subjects a module loads."""
    return [
        str(ast.literal_eval(node.args[0]))
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "load_statements"
    ]


def used(tree: ast.Module) -> set[str]:
    """The blocks a module uses."""
    return {
        str(ast.literal_eval(node.slice))
        for node in ast.walk(tree)
        if isinstance(node, ast.Subscript)
        and isinstance(node.value, ast.Name)
        and node.value.id == "_SQL"
    }


# Whole blocks become one statement; numbers of buckets go with BEGIN, which takes no parameters.
PUT_TOGETHER = {"shards/shard.py": 1, "shards/writes.py": 2}


def built_strings(tree: ast.AST) -> Iterator[ast.expr]:
    """Strings that are put together when the code runs."""
    for node in ast.walk(tree):
        match node:
            case ast.JoinedStr(values=values) if any(
                isinstance(value, ast.FormattedValue) for value in values
            ):
                yield node
            case ast.BinOp(left=ast.Constant(value=str()) | ast.JoinedStr()):
                yield node
            case ast.Call(func=ast.Attribute(value=ast.Constant(value=str()))):
                yield node


def built_sql(tree: ast.Module) -> list[int]:
    """Lines where SQL is put together, or where something built is run as SQL."""
    lines = {node.lineno for node in built_strings(tree) if SQL.search(ast.unparse(node))}
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in RUNS_SQL
            and node.args
            and any(built_strings(node.args[0]))
        ):
            lines.add(node.lineno)
    return sorted(lines)


def test_each_subject_is_loaded_by_one_module():
    counts = Counter(subject for _, tree in modules(*PACKAGES) for subject in loaded(tree))

    assert counts == dict.fromkeys(SUBJECTS, 1)


@pytest.mark.parametrize("subject", SUBJECTS)
def test_every_block_is_used_and_every_use_has_its_block(subject: str):
    (tree,) = (tree for _, tree in modules("shards") if subject in loaded(tree))

    assert used(tree) == load_statements(subject).keys()


@pytest.mark.parametrize("package", PACKAGES)
def test_no_sql_is_put_together_from_pieces(package: str):
    found = {path: len(lines) for path, tree in modules(package) if (lines := built_sql(tree))}

    assert found == {path: n for path, n in PUT_TOGETHER.items() if path.startswith(f"{package}/")}


@pytest.mark.parametrize(
    "code",
    [
        'conn.fetch(f"SELECT a FROM {table}")',
        'conn.execute("SET x = " + value)',
        'conn.fetchval("SELECT %s" % value)',
        'conn.fetchrow("SELECT {}".format(value))',
        'query = f"UPDATE {table} SET a = 1"',
        'query = "DELETE FROM " + table',
    ],
)
def test_the_check_above_sees_sql_that_is_put_together(code: str):
    assert built_sql(ast.parse(code)) == [1]


def test_blocks_are_split_at_their_names(tmp_path: Path):
    subject = write(tmp_path, "-- name: one\nSELECT 1\n\n-- name: two\n-- Why.\nSELECT 2\n")

    assert load_statements(subject) == {"one": "SELECT 1", "two": "-- Why.\nSELECT 2"}


def test_a_name_that_stands_twice_is_refused(tmp_path: Path):
    subject = write(tmp_path, "-- name: one\nSELECT 1\n-- name: one\nSELECT 2\n")

    with pytest.raises(ValueError, match="one"):
        load_statements(subject)


def write(folder: Path, text: str) -> str:
    """A subject whose file is elsewhere."""
    (folder / "subject.sql").write_text(text)
    return os.path.relpath(folder / "subject", ROOT / "shards" / "sql")
