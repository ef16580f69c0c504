"""Brings a shard's schema up to date, and makes an empty database into a shard.

Plain numbered files, one transaction each, recorded with their SHA-256: no tool we found runs
asyncpg migrations over many databases without bringing an ORM or a second driver along.
"""

import hashlib
from dataclasses import dataclass
from importlib import resources

import asyncpg

from shards.currencies import SEEDED, create_currencies
from shards.errors import SchemaError
from shards.ids import currency_bucket
from shards.statements import load_statements

_SQL = load_statements("migrate")


_CONNECT_S = 10.0
# Another start that applies the same migrations is waited for so long.
_LIMITS = {"lock_timeout": "60s"}
# For `transaction_timeout`, without which a paused process holds a row (`shards/pool.py`).
OLDEST_POSTGRESQL = 17


@dataclass(frozen=True, slots=True)
class Migration:
    """One numbered file of `shards/migrations`."""

    version: int
    name: str
    sql: str

    @property
    def full_name(self) -> str:
        """As the file: number and name."""
        return f"{self.version:04}_{self.name}"

    @property
    def sha256(self) -> str:
        """Hex digest of the file: a file that was applied must not change afterwards."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


def load_migrations() -> list[Migration]:
    """All migrations in order of their numbers."""
    folder = resources.files("shards").joinpath("migrations")
    files = sorted(file.name for file in folder.iterdir() if file.name.endswith(".sql"))
    return [
        Migration(int(name[:4]), name[5:-4], folder.joinpath(name).read_text("utf-8"))
        for name in files
    ]


async def migrate(dsn: str, *, shard: str) -> list[str]:
    """Applies the migrations a database lacks; safe to run twice and by two at once.

    Returns:
        Names of those applied now, such as `0001_ledger`.

    Raises:
        SchemaError: an applied file has changed, the database is newer than this code, or its
            server is older than `OLDEST_POSTGRESQL`.
    """
    conn = await asyncpg.connect(dsn, timeout=_CONNECT_S, server_settings=_LIMITS)
    try:
        _refuse_old_server(conn.get_server_version().major, shard)
        await conn.execute(_SQL["lock_migrations"])
        await conn.execute(_SQL["create_migrations_table"])
        applied = {
            row["version"]: row["sha256"] for row in await conn.fetch(_SQL["read_migrations"])
        }
        migrations = load_migrations()
        _refuse_drift(applied, migrations, shard)
        done = []
        for migration in migrations:
            if migration.version not in applied:
                async with conn.transaction():
                    await conn.execute(migration.sql)
                    await conn.execute(
                        _SQL["record_migration"],
                        migration.version,
                        migration.name,
                        migration.sha256,
                    )
                done.append(migration.full_name)
        return done
    finally:
        await conn.close()


async def set_up_shard(dsn: str, *, shard: str, owned: frozenset[int], buckets: int) -> bool:
    """Makes a migrated, empty database into the shard `shard`: its buckets and its currencies.

    Returns:
        False when that was done before; then nothing is changed.
    """
    conn = await asyncpg.connect(dsn, timeout=_CONNECT_S, server_settings=_LIMITS)
    try:
        async with conn.transaction():
            created = await conn.execute(_SQL["create_system"], shard, buckets)
            if created == "INSERT 0 0":
                return False
            await conn.execute(_SQL["create_buckets"], sorted(owned))
            await create_currencies(
                conn, [seed for seed in SEEDED if currency_bucket(seed.code, buckets) in owned]
            )
            return True
    finally:
        await conn.close()


def _refuse_old_server(major: int, shard: str) -> None:
    if major < OLDEST_POSTGRESQL:
        raise SchemaError(
            shard, f"it runs PostgreSQL {major}: upgrade it to {OLDEST_POSTGRESQL} or newer"
        )


def _refuse_drift(applied: dict[int, str], migrations: list[Migration], shard: str) -> None:
    ours = {migration.version: migration for migration in migrations}
    for version, sha256 in applied.items():
        if version not in ours:
            raise SchemaError(
                shard, f"has migration {version}, which this release does not know: update it"
            )
        if ours[version].sha256 != sha256:
            raise SchemaError(
                shard,
                f"migration {ours[version].full_name} was changed after it was applied;"
                " restore the file and write a new one",
            )
