"""Every SQL block against the migrated schema."""

from pathlib import Path

import asyncpg
import pytest

from devstack.postgres import PostgresServer
from shards.statements import load_statements
from tests.databases import TEMPLATE

SUBJECTS = sorted(
    file.stem for file in (Path(__file__).parents[2] / "shards" / "sql").glob("*.sql")
)
# Types whose values asyncpg sends as they are; a parameter of another type needs a codec.
TYPES = {
    "bool", "int4", "int8", "float8", "text", "uuid", "bytea", "numeric", "timestamptz", "interval",
    "date",
}  # fmt: skip


@pytest.mark.parametrize("subject", SUBJECTS)
async def test_every_block_fits_the_schema(postgres: PostgresServer, subject: str):
    conn = await asyncpg.connect(postgres.dsn(TEMPLATE))
    try:
        for block in load_statements(subject).values():
            statement = await conn.prepare(block)
            parameters = {parameter.name for parameter in statement.get_parameters()}
            assert {name.removesuffix("[]") for name in parameters} <= TYPES
    finally:
        await conn.close()


@pytest.mark.parametrize(
    ("block", "error"),
    [
        ("SELECT nothing FROM users", asyncpg.UndefinedColumnError),
        ("SELECT id FROM users WHERE id = $1::text", asyncpg.UndefinedFunctionError),
        ("SELECT id FROM nowhere", asyncpg.UndefinedTableError),
    ],
)
async def test_a_block_that_does_not_fit_is_found_when_prepared(
    postgres: PostgresServer, block: str, error: type[Exception]
):
    conn = await asyncpg.connect(postgres.dsn(TEMPLATE))
    try:
        with pytest.raises(error):
            await conn.prepare(block)
    finally:
        await conn.close()
