"""No SQL is put together from values: what a client sends is a parameter, never a part of a text.

Two looks at all product code. What is given to a method that runs SQL is a constant, a block of a
`.sql` file, or a name; and no text that reads like SQL is put together anywhere, so that no name
stands for one that was. What is, is listed here with why no client has a say in it.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PRODUCT = (
    *("audit", "cli", "config", "devstack", "gateway", "messaging", "sagas", "shards", "telemetry"),
    "workers",
)
RUNS_SQL = {
    *("execute", "executemany", "fetch", "fetchmany", "fetchrow", "fetchval", "prepare", "cursor"),
    *("copy_from_query", "copy_from_table", "copy_to_table", "copy_records_to_table"),
}
# Keywords in upper case as in all SQL of the project, or a statement in lower case.
SQL = re.compile(
    r"\b(SELECT|INSERT|UPDATE|DELETE|CREATE|ALTER|DROP|TRUNCATE|BEGIN|COMMIT|LISTEN|NOTIFY|WHERE"
    r"|VALUES|UNION|FROM|ORDER BY|GRANT|COPY|SAVEPOINT|EXECUTE)\b(?!_)"
    r"|\b(select .* from|insert into|delete from|create (table|database|role)|drop database)\b"
)

# Module and function, and why what is put into the text is nobody's to choose.
ALLOWED = {
    ("shards/shard.py", "_begin"): "numbers of buckets: integers",
    ("shards/shard.py", "transaction"): "what an error says of a COMMIT",
    ("shards/writes.py", "<module>"): "a part of the same text, that has a name",
    ("shards/writes.py", "_one_statement"): "blocks of `.sql` files, and their names",
    ("shards/writes.py", "_gated_statement"): "blocks of `.sql` files, and their names",
    ("devstack/databases.py", "_create_missing"): "names of shards, from the settings; quoted",
}


def modules() -> list[Path]:
    """Every module of product code."""
    return sorted(path for name in PRODUCT for path in (ROOT / name).rglob("*.py"))


def functions(tree: ast.Module) -> dict[ast.AST, str]:
    """The innermost function around each node; `<module>` around the rest."""
    found: dict[ast.AST, str] = {}

    def visit(node: ast.AST, name: str) -> None:
        found[node] = name
        inside = name
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            inside = node.name
        for child in ast.iter_child_nodes(node):
            visit(child, inside)

    visit(tree, "<module>")
    return found


def is_built(node: ast.expr) -> bool:
    """Whether this puts a text together from others."""
    match node:
        case ast.JoinedStr():
            return any(isinstance(value, ast.FormattedValue) for value in node.values)
        case ast.BinOp(op=ast.Add() | ast.Mod()):
            return bool(literals(node))
        case ast.Call(func=ast.Attribute(attr="format" | "join" | "replace" | "format_map")):
            return bool(literals(node.func)) or any(map(is_built, node.args))
    return False


def literals(node: ast.AST) -> str:
    """All texts that stand in it, documentation aside."""
    return " ".join(
        part.value
        for part in ast.walk(node)
        if isinstance(part, ast.Constant) and isinstance(part.value, str)
    )


def given_to_sql(tree: ast.Module) -> Iterator[tuple[ast.Call, ast.expr]]:
    """Each call of a method that may run SQL, with what it is given first."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Attribute(attr=name), args=[first, *_]) if name in RUNS_SQL:
                yield node, first


def is_fixed(node: ast.expr) -> bool:
    """A constant, a block of a `.sql` file, or a name that stands for one of them."""
    match node:
        case ast.Constant(value=str()) | ast.Name():
            return True
        case ast.Subscript(value=ast.Name(id=name)):
            return name.endswith("SQL")
        case ast.IfExp(body=one, orelse=other):
            return is_fixed(one) and is_fixed(other)
        case ast.Attribute():
            # The text of a migration; and an aiohttp response prepares an answer to `self.x`.
            return True
    return False


def breaches(path: str, source: str) -> set[tuple[str, str]]:
    """Module and function of each place where SQL is put together."""
    tree = ast.parse(source)
    around = functions(tree)
    found = {(path, around[call]) for call, first in given_to_sql(tree) if not is_fixed(first)}
    for node in ast.walk(tree):
        if isinstance(node, ast.expr) and is_built(node) and SQL.search(literals(node)):
            found.add((path, around[node]))
    return found


def test_no_sql_is_put_together() -> None:
    found = {
        breach
        for path in modules()
        for breach in breaches(str(path.relative_to(ROOT)), path.read_text())
    }

    assert found - set(ALLOWED) == set()
    assert set(ALLOWED) - found == set(), "no longer needed"


@pytest.mark.parametrize(
    "line",
    [
        "await conn.fetch(f\"SELECT * FROM users WHERE name = '{name}'\")",
        'await conn.execute("DELETE FROM users WHERE id = %s" % user_id)',
        'await conn.fetchrow("SELECT 1 FROM users WHERE id = " + user_id)',
        'await conn.fetchval("SELECT {}".format(column))',
        'await conn.fetch(_SQL["list_users"] + order)',
        'await conn.fetch(_SQL["list_users"].replace("$1", name))',
        "await conn.fetch(make_query(name), name)",
        'query = f"INSERT INTO {table} VALUES ($1)"\n    await conn.execute(query, 1)',
        'query = "SELECT 1 " + "FROM " + table',
        'query = " UNION ALL ".join(parts)',
        "query = 'UPDATE %s SET x = 1' % table",
        'await conn.copy_records_to_table(f"{name}", records=[])',
    ],
)
def test_sql_that_is_put_together_is_found(line: str) -> None:
    source = f"async def handler(conn, name, user_id, table, column, order, parts):\n    {line}\n"

    assert breaches("gateway/x.py", source) == {("gateway/x.py", "handler")}


@pytest.mark.parametrize(
    "line",
    [
        'await conn.fetch("SELECT * FROM users WHERE name = $1", name)',
        'await conn.fetch(_SQL["list_users"], name)',
        'await conn.fetch(_SQL["one"] if name else _SQL["other"], name)',
        'print(f"user {name} is from the {place}")',
        'raise ValueError("a value " + name)',
    ],
)
def test_sql_with_parameters_is_not(line: str) -> None:
    assert breaches("x.py", f"async def handler(conn, name, place):\n    {line}\n") == set()
