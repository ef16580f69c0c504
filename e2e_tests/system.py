"""A whole system for one test: databases, topics, gateways and workers of its own."""

import asyncio
import json
import os
import secrets
import signal
import sys
from asyncio.subprocess import PIPE, STDOUT, Process, create_subprocess_exec
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import UUID

import aiohttp
import asyncpg
import jwt
from aiohttp import web
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from audit import AuditedShard, audit
from config.limits import raise_file_limit
from config.settings import Settings
from config.wiring import topic_names
from devstack.ports import free_port
from e2e_tests.client import Client, Member
from gateway.app import GATEWAY, Gateway, create_app, create_runner
from messaging.topics import create_topics
from shards.ids import bucket_of
from tests.databases import ShardDatabase
from tests.eventually import eventually
from workers.app import Worker

BUCKETS = 8


@dataclass(frozen=True, slots=True)
class Spawned:
    """A gateway or worker in a process of its own, to be killed."""

    process: Process
    log: Path

    async def kill(self) -> None:
        """SIGKILL, and its end."""
        if self.process.returncode is None:
            self.process.kill()
        await self.process.wait()

    async def ended(self) -> None:
        """Returns when it was killed, by itself or by us."""
        async with asyncio.timeout(30):
            assert await self.process.wait() == -signal.SIGKILL, self.log.read_text()


class System:
    """Starts parts and ends them all. `close` audits the books first."""

    def __init__(self, *, databases: Sequence[ShardDatabase], bootstrap: str, folder: Path) -> None:
        self.databases = databases
        self._folder = folder
        self._stack = AsyncExitStack()
        self._session: aiohttp.ClientSession | None = None
        self.gateways: list[Gateway] = []
        self.spawned: list[Spawned] = []
        name = secrets.token_hex(4)
        self.settings = Settings(
            _env_file=None,
            home=folder,
            buckets=BUCKETS,
            shards=[{"name": d.name, "dsn": d.dsn, "buckets": list(d.buckets)} for d in databases],
            gateway={"port": 0, "hash_queue_of_address": 64},
            kafka={"bootstrap": bootstrap, "topic_prefix": f"t{name}", "group": f"g{name}"},
            workers={"session_timeout_s": 2.0, "commit_interval_s": 0.2},
            redrive={"first_after_s": 0.6, "backoff_cap_s": 1.0, "poll_s": 0.1},
            auth={"jwt_secret": secrets.token_hex(32)},
            messages={"keys": {"k1": secrets.token_hex(32)}},
            postgres={"allow_unsafe": True, "statement_s": 4.0, "lock_s": 1.0},
            # One address sends more than any client should; tests of limits have others.
            limits={
                "per_user": 100_000,
                "user_burst": 100_000,
                "per_address": 100_000,
                "address_burst": 100_000,
                "login_per_min": 1_000,
            },
            log={"level": "warning", "format": "console"},
        )

    @property
    def topics(self):
        """The topics of this system."""
        return topic_names(self.settings)

    def change(self, **sections: dict[str, Any]) -> None:
        """Other settings for what starts from now on, as in `change(redrive={"poll_s": 5})`."""
        update = {
            name: getattr(self.settings, name).model_copy(update=values)
            for name, values in sections.items()
        }
        self.settings = self.settings.model_copy(update=update)

    async def create_topics(self) -> None:
        """Makes this system's topics."""
        await create_topics(
            bootstrap=self.settings.kafka_bootstrap,
            names=self.topics,
            partitions=BUCKETS,
            replication_factor=1,
            min_insync_replicas=1,
        )

    async def start_gateway(self, *, without_shard: int | None = None) -> Client:
        """One more gateway, in this process, on a port of its own.

        Args:
            without_shard: index in `databases` of a shard that is away for this gateway.
        """
        app = create_app(self._settings_without(without_shard))
        runner = create_runner(app, shutdown_timeout=1.0, files_max=raise_file_limit())
        await runner.setup()
        self._stack.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        self.gateways.append(app[GATEWAY])
        return Client(await self._http(), f"http://{host}:{port}")

    async def internal(self, part: Gateway | Worker) -> Client:
        """The internal listener of a gateway or a worker of this process."""
        return Client(await self._http(), part.admin.address, is_internal=True)

    async def spawn_gateway(self) -> Client:
        """A gateway in a process of its own."""
        port = free_port()
        await self._spawn("gateway", more={"HOLDFAST_GATEWAY__PORT": str(port)})
        return await self._until_it_answers(port, "/health")

    async def start_worker(self) -> Worker:
        """One more worker, in this process."""
        worker = Worker(self.settings)
        self._stack.push_async_callback(worker.stop)
        await worker.start()
        return worker

    async def spawn_worker(self) -> Spawned:
        """A worker in a process of its own, in its group."""
        port = free_port()
        spawned = await self._spawn("workers", more={"HOLDFAST_WORKERS__ADMIN_PORT": str(port)})
        await self._until_it_answers(port, "/ready", is_internal=True)
        return spawned

    async def spawn_dying_worker(self, point: str) -> Spawned:
        """A worker that kills itself at a point of `e2e_tests.dying`; it may be there at once."""
        more = {"HOLDFAST_WORKERS__ADMIN_PORT": str(free_port())}
        return await self._spawn("e2e_tests.dying", point, more=more)

    async def spawn_dying_gateway(self, point: str) -> tuple[Spawned, Client]:
        """A gateway that kills itself at a point of `e2e_tests.dying`; it has all it needs."""
        port = free_port()
        more = {"HOLDFAST_GATEWAY__PORT": str(port)}
        spawned = await self._spawn("e2e_tests.dying", point, more=more)
        client = await self._until_it_answers(port, "/health")
        await self.until_it_has_everything(client)
        return spawned, client

    async def until_it_has_everything(self, client: Client) -> None:
        """Returns when this gateway has Kafka: before, it leaves what it has to send to redrive."""

        async def has_everything() -> bool:
            return (await client.call("GET", "/ready")).body.get("status") == "ready"

        await eventually(has_everything, within_s=30)

    async def _until_it_answers(self, port: int, path: str, *, is_internal: bool = False) -> Client:
        base = f"http://127.0.0.1:{port}"
        client = Client(await self._http(), base, is_internal=is_internal)

        async def answers() -> bool:
            try:
                return (await client.call("GET", path)).status == 200
            except aiohttp.ClientError:
                return False

        await eventually(answers, within_s=30)
        return client

    async def holdfast(self, *args: str) -> tuple[int, str]:
        """The command `holdfast` on this system: its exit code, and all it printed."""
        process = await create_subprocess_exec(
            sys.executable,
            "-m",
            "cli.main",
            *args,
            env=self._environment(),
            stdout=PIPE,
            stderr=STDOUT,
        )
        async with asyncio.timeout(60):
            output, _ = await process.communicate()
        assert process.returncode is not None
        return process.returncode, output.decode()

    def as_operator(self, member: Member) -> Member:
        """This member with a token that has the role of an operator."""
        claims = jwt.decode(member.token, options={"verify_signature": False})
        secret = self.settings.auth.jwt_secret.get_secret_value()
        return replace(member, token=jwt.encode({**claims, "role": "operator"}, secret))

    def shard_number(self, id_: str) -> int:
        """The index in `databases` of the shard that has this id's rows."""
        bucket = bucket_of(UUID(id_))
        return next(n for n, d in enumerate(self.databases) if bucket in d.buckets)

    async def sql(self, user_or_transfer_id: str, query: str, *args: object) -> list[Any]:
        """Rows from the shard that has this id's rows."""
        database = self.databases[self.shard_number(user_or_transfer_id)]
        return await self.sql_at(database.dsn, query, *args)

    async def sql_everywhere(self, query: str, *args: object) -> list[Any]:
        """Rows from all shards."""
        return [row for d in self.databases for row in await self.sql_at(d.dsn, query, *args)]

    async def sql_at(self, dsn: str, query: str, *args: object) -> list[Any]:
        """Rows from one database."""
        conn = await asyncpg.connect(dsn)
        try:
            return list(await conn.fetch(query, *args))
        finally:
            await conn.close()

    async def has_expired(self, transfer_id: str) -> bool:
        """Whether its time is over by the clock of its shard, whatever its status is."""
        (row,) = await self.sql(
            transfer_id,
            "SELECT expires_at < app_now() AS is_over FROM transfers WHERE id = $1",
            UUID(transfer_id),
        )
        return bool(row["is_over"])

    async def drained(self, *, within_s: float = 30.0) -> None:
        """Returns when no transfer is under way any more."""

        async def nothing_open() -> None:
            rows = await self.sql_everywhere(
                "SELECT id, status, attempts FROM transfers WHERE next_attempt_at IS NOT NULL"
            )
            assert not rows, f"{len(rows)} open: {rows[:3]}"

        await eventually(nothing_open, within_s=within_s, every_s=0.05)

    async def group_progress(self) -> tuple[int, int]:
        """Messages that the workers' group has committed, and messages that are there."""
        admin = AIOKafkaAdminClient(bootstrap_servers=self.settings.kafka_bootstrap)
        consumer = AIOKafkaConsumer(bootstrap_servers=self.settings.kafka_bootstrap)
        await admin.start()
        await consumer.start()
        try:
            committed = await admin.list_consumer_group_offsets(self.settings.kafka.group)
            partitions = [TopicPartition(t, p) for t in self.topics.steps for p in range(BUCKETS)]
            ends = await consumer.end_offsets(partitions)
        finally:
            await consumer.stop()
            await admin.close()
        done = sum(max(committed[p].offset, 0) for p in partitions if p in committed)
        return done, sum(ends.values())

    async def audit(self) -> None:
        """Every invariant on every shard; fails with the breaches."""
        shards = [AuditedShard(d.name, d.dsn, d.buckets) for d in self.databases]
        report = await audit(shards, buckets=BUCKETS)
        breaches = [(check.name, breach) for check in report.checks for breach in check.breaches]
        assert report.ok, breaches

    async def close(self) -> None:
        """Ends everything that was started, and deletes the topics where the broker still runs.

        Topics of all the systems of a run would fill the shared broker's memory.
        """
        await self._stack.aclose()
        admin = AIOKafkaAdminClient(
            bootstrap_servers=self.settings.kafka_bootstrap, request_timeout_ms=5_000
        )
        try:
            await admin.start()
            await admin.delete_topics(list(self.topics.all))
        except KafkaError:
            return
        finally:
            await admin.close()

    def _settings_without(self, shard: int | None) -> Settings:
        away = f"postgresql://holdfast@127.0.0.1:{free_port()}/away"
        shards = tuple(
            one.model_copy(update={"dsn": away}) if number == shard else one
            for number, one in enumerate(self.settings.shards)
        )
        return self.settings.model_copy(update={"shards": shards})

    async def _http(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = await self._stack.enter_async_context(
                aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
            )
        return self._session

    async def _spawn(self, *module: str, more: dict[str, str]) -> Spawned:
        log = self._folder / f"{module[0]}-{secrets.token_hex(3)}.log"
        with log.open("wb") as output:
            process = await create_subprocess_exec(
                sys.executable, "-m", *module, env={**self._environment(), **more}, stderr=output
            )
        spawned = Spawned(process, log)
        self.spawned.append(spawned)
        self._stack.push_async_callback(spawned.kill)
        return spawned

    def _environment(self) -> dict[str, str]:
        """The settings of this system as environment variables."""
        told = {name: value for name, value in os.environ.items() if "HOLDFAST_" not in name}
        for name, value in self.settings.model_dump(mode="json", exclude={"shards"}).items():
            if isinstance(value, dict):
                for inner, text in value.items():
                    told[f"HOLDFAST_{name}__{inner}".upper()] = _spelled(text)
            else:
                told[f"HOLDFAST_{name}".upper()] = _spelled(value)
        told["HOLDFAST_SHARDS"] = json.dumps(
            [{"name": d.name, "dsn": d.dsn, "buckets": list(d.buckets)} for d in self.databases]
        )
        told["HOLDFAST_LIMITS__REDIS"] = self.settings.limits.redis.get_secret_value()
        told["HOLDFAST_AUTH__JWT_SECRET"] = self.settings.auth.jwt_secret.get_secret_value()
        told["HOLDFAST_MESSAGES__KEYS"] = json.dumps(
            {k: v.get_secret_value() for k, v in self.settings.messages.keys.items()}
        )
        return told


def _spelled(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)
