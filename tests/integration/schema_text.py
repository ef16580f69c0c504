"""The schema that the migrations add up to, as text: `shards/schema.sql`.

`python -m tests.integration.schema_text` writes that file anew, on a server of its own.
"""

import asyncio
import sys
import tempfile
from pathlib import Path

import asyncpg

from devstack.ports import free_port
from devstack.postgres import PostgresServer
from shards.migrate import migrate

PATH = Path(__file__).parents[2] / "shards" / "schema.sql"

_HEAD = """\
-- What the migrations add up to, for reading; a test compares it with a migrated database.
-- Written by `python -m tests.integration.schema_text`.
"""
_FUNCTIONS = """
    SELECT pg_get_functiondef(p.oid) AS text
    FROM pg_proc AS p
    WHERE p.pronamespace = 'public'::regnamespace
    ORDER BY p.proname
"""
_TABLES = """
    SELECT c.oid, c.relname AS name, array_to_string(c.reloptions, ', ') AS options
    FROM pg_class AS c
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'
    ORDER BY c.relname
"""
_COLUMNS = """
    SELECT concat_ws(' ',
        a.attname,
        format_type(a.atttypid, a.atttypmod),
        CASE WHEN a.attnotnull THEN 'NOT NULL' END,
        CASE a.attidentity WHEN 'a' THEN 'GENERATED ALWAYS AS IDENTITY' END,
        'DEFAULT ' || pg_get_expr(d.adbin, d.adrelid)) AS text
    FROM pg_attribute AS a
    LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped
    ORDER BY a.attnum
"""
_CONSTRAINTS = """
    SELECT format('CONSTRAINT %s %s', conname, pg_get_constraintdef(oid, true)) AS text
    FROM pg_constraint
    WHERE conrelid = $1 AND contype <> 'n'
    ORDER BY contype = 'p' DESC, contype, conname
"""
_INDEXES = """
    SELECT pg_get_indexdef(i.indexrelid) AS text
    FROM pg_index AS i
    WHERE i.indrelid = $1
        AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = i.indexrelid)
    ORDER BY text
"""
_TRIGGERS = """
    SELECT pg_get_triggerdef(oid, true) AS text
    FROM pg_trigger
    WHERE tgrelid = $1 AND NOT tgisinternal
    ORDER BY tgname
"""
# What the text above does not show must not be there.
_OTHERS = """
    SELECT c.relname AS text FROM pg_class AS c
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind NOT IN ('r', 'i', 'S')
    UNION ALL SELECT polname FROM pg_policy
    UNION ALL SELECT extname FROM pg_extension WHERE extname <> 'plpgsql'
"""


async def schema_text(dsn: str) -> str:
    """Tables, constraints, indexes, triggers and functions of a database, in one fixed order."""
    conn = await asyncpg.connect(dsn)
    try:
        assert await _texts(conn, _OTHERS) == []
        parts = [f"{text.strip()};" for text in await _texts(conn, _FUNCTIONS)]
        for table in await conn.fetch(_TABLES):
            lines = [
                *await _texts(conn, _COLUMNS, table["oid"]),
                *await _texts(conn, _CONSTRAINTS, table["oid"]),
            ]
            options = f" WITH ({table['options']})" if table["options"] else ""
            body = ",\n    ".join(lines)
            others = [
                *await _texts(conn, _INDEXES, table["oid"]),
                *await _texts(conn, _TRIGGERS, table["oid"]),
            ]
            after = "".join(f"\n{text};" for text in others)
            parts.append(f"CREATE TABLE {table['name']} (\n    {body}\n){options};{after}")
    finally:
        await conn.close()
    return "\n\n".join([_HEAD.strip(), *parts]) + "\n"


async def _texts(
    conn: "asyncpg.Connection[asyncpg.Record]", query: str, *args: object
) -> list[str]:
    return [row["text"] for row in await conn.fetch(query, *args)]


def main() -> None:
    """Writes the file."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        server = PostgresServer(folder / "data", free_port(), folder / "log", {"fsync": "off"})
        server.start()
        try:
            dsn = server.dsn("postgres")
            asyncio.run(migrate(dsn, shard="schema"))
            PATH.write_text(asyncio.run(schema_text(dsn)), "utf-8")
        finally:
            server.stop()
    sys.stdout.write(f"{PATH}\n")


if __name__ == "__main__":
    main()
