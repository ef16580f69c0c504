"""A real PostgreSQL server keeps its rows through every way of ending."""

import asyncio
import os
import signal
import socket
import subprocess
import sys

import asyncpg
import psutil
import pytest

from devstack.errors import PortTakenError, ServerError
from devstack.ports import free_port
from devstack.postgres import PostgresServer
from devstack.processes import Identity, still_runs
from devstack.waiting import wait_until
from tests.eventually import eventually

FAST = {"shared_buffers": "16MB"}


@pytest.fixture
def server(tmp_path):
    server = PostgresServer(tmp_path / "data", free_port(), tmp_path / "log", FAST)
    yield server
    server.kill()


@pytest.fixture
def foreign():
    """A process that has nothing to do with PostgreSQL."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        yield process
        process.kill()


async def run(server: PostgresServer, sql: str) -> object:
    connection = await asyncpg.connect(server.dsn("postgres"), timeout=5)
    try:
        return await connection.fetchval(sql)
    finally:
        await connection.close()


async def never_ends(server: PostgresServer) -> bool:
    """Returns when the connection breaks."""
    try:
        await run(server, "select pg_sleep(600)")
    except (asyncpg.PostgresError, OSError):
        return True
    return False


def backends_if_busy(server: PostgresServer) -> list[psutil.Process]:
    """All of its processes, once one of them is in a query."""
    backends = psutil.Process(server.pid).children()
    try:
        return backends if any("SELECT" in " ".join(b.cmdline()) for b in backends) else []
    except psutil.NoSuchProcess:  # one of those that come and go by themselves
        return []


async def make_row(server: PostgresServer) -> None:
    await run(server, "create table kept (id int)")
    await run(server, "insert into kept values (1)")


async def rows(server: PostgresServer) -> object:
    return await run(server, "select count(*) from kept")


async def test_rows_are_kept_through_stop_and_kill(server):
    server.start()
    assert str(await run(server, "show server_version")).startswith("18.")
    assert await run(server, "show fsync") == "on"
    await make_row(server)

    server.stop()
    assert not server.alive()
    server.start()
    assert await rows(server) == 1

    server.kill()
    assert not server.alive()
    server.start()
    assert await rows(server) == 1


async def test_busy_backends_end_with_a_kill(server):
    server.start()
    await make_row(server)
    async with asyncio.TaskGroup() as tasks:
        query = tasks.create_task(never_ends(server))
        backends = await eventually(lambda: backends_if_busy(server))

        server.kill()

        assert not any(map(still_runs, backends))
        assert await query
    server.start()
    assert await rows(server) == 1


async def test_postmaster_that_was_killed_from_outside_is_started_over(server):
    server.start()
    await make_row(server)

    os.kill(server.pid, signal.SIGKILL)
    assert wait_until(lambda: not server.alive(), timeout_s=5)
    server.start()

    assert await rows(server) == 1


async def test_server_that_another_process_left_running_is_taken_over(server, tmp_path):
    server.start()
    await make_row(server)

    heir = PostgresServer(tmp_path / "data", free_port(), tmp_path / "log", FAST)
    heir.start()
    try:
        assert not server.alive()
        assert await rows(heir) == 1
    finally:
        heir.kill()


async def test_stale_pid_file_that_names_a_foreign_process_does_not_stop_the_start(server, foreign):
    server.start()
    await make_row(server)
    server.stop()

    pid_file = server.data_dir / "postmaster.pid"
    pid_file.write_text(f"{foreign.pid}\n{server.data_dir}\n0\n{server.port}\n\n\n0 0\nready\n")
    server.start()

    assert foreign.poll() is None
    assert await rows(server) == 1


def test_taken_port_is_told_with_its_setting(server):
    with (
        socket.create_server(("127.0.0.1", server.port)),
        pytest.raises(PortTakenError, match=rf"port {server.port} .* HOLDFAST_POSTGRES__PORT"),
    ):
        server.start()


def test_server_that_cannot_start_shows_the_end_of_its_log(tmp_path):
    server = PostgresServer(tmp_path / "d", free_port(), tmp_path / "log", {"shared_buffers": "x"})

    with pytest.raises(ServerError, match=r"(?s)PostgreSQL ended.*invalid value for parameter"):
        server.start()


def test_half_made_data_folder_is_made_again(server):
    half = server.data_dir.with_name("data.new")
    half.mkdir()
    (half / "PG_VERSION").write_text("18")

    server.start()

    assert server.alive()
    assert not half.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root cannot run PostgreSQL as itself")
@pytest.mark.parametrize("identity", [Identity.NAMESPACE, Identity.NOBODY])
async def test_root_runs_it_as_someone_else_below_a_folder_of_its_own(tmp_path, identity):
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    data = closed / "data"
    server = PostgresServer(data, free_port(), closed / "log", FAST, identity=identity)
    try:
        server.start()
    except ServerError:
        pytest.skip(f"this machine does not let root become someone else by {identity}")
    try:
        await make_row(server)
        server.kill()
        server.start()
        assert await rows(server) == 1
    finally:
        server.kill()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give data away")
async def test_data_is_kept_when_the_way_root_goes_changes(tmp_path):
    log = tmp_path / "log"
    ways = (Identity.NAMESPACE, Identity.NOBODY, Identity.NAMESPACE)
    for count, identity in enumerate(ways, start=1):
        server = PostgresServer(tmp_path / "data", free_port(), log, FAST, identity=identity)
        try:
            server.start()
            await run(server, "create table if not exists kept (id int)")
            await run(server, "insert into kept values (1)")
            assert await rows(server) == count
        except ServerError:
            pytest.skip(f"this machine does not let root become someone else by {identity}")
        finally:
            server.stop()
