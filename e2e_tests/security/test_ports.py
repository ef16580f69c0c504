"""Where processes listen: where they say, on this machine only, and nowhere else."""

import asyncio
from urllib.parse import urlsplit

import psutil

from devstack.kafka import KafkaBroker
from devstack.postgres import PostgresServer
from e2e_tests.client import Client
from e2e_tests.system import System


def listening(pid: int) -> set[tuple[str, int]]:
    """Address and port of each socket that a process and its children listen on."""
    process = psutil.Process(pid)
    return {
        (connection.laddr.ip, connection.laddr.port)
        for one in (process, *process.children(recursive=True))
        for connection in one.net_connections("inet")
        # Of a socket that waits for datagrams psutil has no status.
        if connection.status in (psutil.CONN_LISTEN, psutil.CONN_NONE) and connection.laddr
    }


def port_of(client: Client) -> int:
    """The port of its gateway."""
    port = urlsplit(client.base).port
    assert port is not None
    return port


async def test_processes_listen_where_they_say_and_nowhere_else(
    system: System, postgres: PostgresServer, kafka: KafkaBroker
):
    system.change(log={"level": "info", "format": "json"})
    async with asyncio.TaskGroup() as group:
        spawning = group.create_task(system.spawn_gateway())
        worked = group.create_task(system.spawn_worker())
    client, worker = spawning.result(), worked.result()
    (gateway,) = (one for one in system.spawned if one is not worker)
    servers = {
        "gateway": listening(gateway.process.pid),
        "worker": listening(worker.process.pid),
        "postgres": listening(postgres.pid),
        "kafka": listening(kafka.pid),
    }
    found = {ip for sockets in servers.values() for ip, _ in sockets}
    ports = {name: {port for _, port in sockets} for name, sockets in servers.items()}

    # Java has its own spelling of the same address.
    assert found <= {"127.0.0.1", "::ffff:127.0.0.1", "::1"}
    # The port of each, and that of an internal listener; Kafka has one for its controller.
    assert port_of(client) in ports["gateway"]
    assert {name: len(sockets) for name, sockets in ports.items()} == {
        "gateway": 2,
        "worker": 1,
        "postgres": 1,
        "kafka": 2,
    }
    assert postgres.port in ports["postgres"]
    assert kafka.port in ports["kafka"]
    # Faust's own web server is there unless it is told not to be.
    assert not any(6066 in sockets for sockets in ports.values())
