"""Fixtures of the end-to-end tests: each test has a system of its own, audited at its end."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest

from devstack.kafka import KafkaBroker
from devstack.ports import free_port
from devstack.postgres import PostgresServer
from e2e_tests.client import Client
from e2e_tests.system import System
from gateway.passwords import Passwords
from tests.databases import TEMPLATE, ShardDatabase, create_template


@pytest.fixture(autouse=True)
def _cheap_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Passwords cost gateways of this process little; what they should cost is a unit test's."""
    monkeypatch.setattr("gateway.app.Passwords", partial(Passwords, memory_kib=8))


@asynccontextmanager
async def own_system(
    databases: list[ShardDatabase], bootstrap: str, folder: Path
) -> AsyncIterator[System]:
    """A system with topics and nothing started yet; its books are audited at the end."""
    made = System(databases=databases, bootstrap=bootstrap, folder=folder)
    await made.create_topics()
    try:
        yield made
        await made.audit()
    finally:
        await made.close()


@pytest.fixture
async def system(
    shard_databases: list[ShardDatabase], kafka: KafkaBroker, tmp_path: Path
) -> AsyncIterator[System]:
    """Databases and topics, nothing started yet."""
    async with own_system(shard_databases, kafka.bootstrap, tmp_path) as made:
        yield made


@pytest.fixture
async def client(system: System) -> Client:
    """A gateway that has Kafka; no worker, so what is accepted stays held."""
    made = await system.start_gateway()
    await system.until_it_has_everything(made)
    return made


@pytest.fixture
async def running(system: System, client: Client) -> Client:
    """A gateway and a worker."""
    await system.start_worker()
    return client


@pytest.fixture
async def two_servers(tmp_path: Path) -> AsyncIterator[list[PostgresServer]]:
    """A PostgreSQL server per shard."""
    servers = []
    for name in ("one", "two"):
        server = PostgresServer(
            tmp_path / name, free_port(), tmp_path / f"{name}.log", {"fsync": "off"}
        )
        await asyncio.to_thread(server.start)
        await create_template(server.dsn("postgres"), server.dsn(TEMPLATE))
        servers.append(server)
    yield servers
    for server in servers:
        await asyncio.to_thread(server.stop)


@pytest.fixture
def nothing_fills(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a gateway of this process has counted stays counted."""
    monkeypatch.setattr("throttled.utils.now_sec", lambda: 1_000_000)
