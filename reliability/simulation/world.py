"""One simulated system: databases, a log, gateways and workers, and what can befall them."""

import asyncio
from random import Random
from uuid import UUID

from faust.types import TP

from messaging.envelope import topic_of
from messaging.sender import Outgoing
from reliability.simulation.log import Group, Log
from reliability.simulation.nodes import (
    NAMES,
    Gateway,
    Sizes,
    Surroundings,
    Worker,
    partitions,
)
from reliability.simulation.process import Process
from reliability.simulation.requests import ask_act
from reliability.simulation.stage import Stage
from reliability.simulation.wires import Database
from sagas.messages import Step
from sagas.operators import UserAct
from shards.errors import ShardTransientError
from shards.ids import RandomIds, email_bucket
from shards.users import insert_user

_GATEWAYS = 2
_WORKERS = 2
_AGAIN_AFTER_S = 0.1
# The simulated clock begins at a midnight.
_DAY_US = 86_400_000_000
_UNFINISHED = """
SELECT
    (SELECT count(*) FROM transfers WHERE status IN ('held', 'debited'))
    + (SELECT count(*) FROM holds WHERE status = 'open' AND expires_at <= app_now()) AS n
"""


class World:
    """Starts with all nodes up and nobody in it.

    Attributes:
        gateways, workers: by place; None where one is down.
        operator: who asks for acts.
        acting: what it has asked for.
    """

    def __init__(
        self, stage: Stage, *, seed: int, buckets: int, sizes: Sizes, hands_over: bool
    ) -> None:
        self.stage = stage
        self.seed = seed
        self.log = Log()
        self.group = Group(partitions(buckets))
        self._around = Surroundings(
            stage=stage,
            log=self.log,
            group=self.group,
            buckets=buckets,
            sizes=sizes,
            hands_over=hands_over,
        )
        self._born = 0
        self._turn = 0
        self.gateways: list[Gateway | None] = [None] * _GATEWAYS
        self.workers: list[Worker | None] = [None] * _WORKERS
        self.operator = stage.process("operator")
        self.acting: list[asyncio.Task[None]] = []
        self._ids = RandomIds(Random(f"{seed} users"), milliseconds=lambda: 1_767_225_600_000)  # noqa: S311

    # --- nodes

    @property
    def processes(self) -> list[Process]:
        """All that are alive."""
        return [node.process for node in (*self.gateways, *self.workers) if node is not None]

    def start_gateway(self, place: int) -> None:
        """A new gateway in a place that has none."""
        self.gateways[place] = Gateway(self._process(f"gateway-{place}"), self._around, self.seed)

    def start_worker(self, place: int) -> None:
        """A new worker in a place that has none; it gets partitions by the next rebalance."""
        self.workers[place] = Worker(self._process(f"worker-{place}"), self._around, self.seed)

    def start_all(self) -> None:
        """Whatever is down comes up, and partitions are dealt out."""
        for place, gateway in enumerate(self.gateways):
            if gateway is None:
                self.start_gateway(place)
        for place, worker in enumerate(self.workers):
            if worker is None:
                self.start_worker(place)
        self.rebalance()

    def bury_dead(self) -> None:
        """Notices who has died."""
        for nodes in (self.gateways, self.workers):
            for place, node in enumerate(nodes):
                if node is not None and not node.process.alive:
                    nodes[place] = None

    def rebalance(self) -> None:
        """Deals partitions out among the workers that answer; a paused one does not hear of it."""
        here = [w for w in self.workers if w is not None and not w.process.paused]
        sources = [worker.source for worker in here]
        self._turn += 1
        self.group.rebalance(sources, told=sources, turn=self._turn)
        self.stage.note(f"rebalance among {[worker.process.name for worker in here]}")

    def _process(self, name: str) -> Process:
        self._born += 1
        return self.stage.process(f"{name}.{self._born}")

    # --- the log

    def read(self, worker: Worker, tp: TP, most: int) -> None:
        """A worker takes messages of a partition."""
        count = worker.read(tp, most)
        self.stage.note(f"{worker.process.name} reads {count} of {tp.topic} {tp.partition}")

    def append_raw(self, step: Step, bucket: int, value: bytes) -> None:
        """Somebody writes something to a topic of ours."""
        self.log.append([Outgoing(topic_of(NAMES, step), bucket, b"", value)])
        self.stage.note(f"{value[:20]!r} written to {step} {bucket}")

    # --- users

    async def user(self, bucket: int, name: str) -> UUID:
        """A new open user in a bucket, before anything else runs."""
        id_ = self._ids.new_id(bucket)
        buckets = self._around.buckets
        email = next(
            spelling
            for number in range(10_000)
            if email_bucket(spelling := f"{name}-{number}@example.com", buckets) == bucket
        )
        database = self.database_of(bucket)
        wire = await database.take()
        async with wire.conn.transaction():
            await insert_user(wire.conn, id_=id_, email=email, name=None, password_hash="-")  # noqa: S106
        await database.give_back(wire)
        return id_

    def act(self, user_id: UUID, act: UserAct) -> None:
        """An operator asks the gateways for an act until one of them answers."""
        self.stage.note(f"operator wants {act} of {user_id}")
        self.acting.append(self.operator.spawn(self._insist(user_id, act)))

    async def _insist(self, user_id: UUID, act: UserAct) -> None:
        while True:
            for gateway in self.gateways:
                if gateway is None:
                    continue
                asking = gateway.process.spawn(_is_answered(gateway, user_id, act))
                await asyncio.wait([asking])
                if not asking.cancelled() and asking.result():
                    return
            await asyncio.sleep(_AGAIN_AFTER_S)

    def database_of(self, bucket: int) -> Database:
        """Where a bucket lives."""
        return next(one for one in self.stage.databases if bucket in one.buckets)

    def skip_to_midnight(self, *, off_s: float) -> None:
        """Lets the time of all databases go on to so long after the end of their UTC day.

        What is measured in seconds by processes goes on as if nothing was: nobody waits for it.
        """
        one = self.stage.databases[0]
        now_us = int(self.stage.loop.time() * 1_000_000) + one.skipped_us
        rest_us = _DAY_US - now_us % _DAY_US + int(off_s * 1_000_000)
        for database in self.stage.databases:
            database.skipped_us += max(0, rest_us)
        self.stage.note(f"the time goes on to {off_s:+.1f} s from midnight")

    async def unfinished(self) -> int:
        """Transfers that are not over, and open holds whose expiry has passed."""
        return sum([await _count_unfinished(database) for database in self.stage.databases])


async def _is_answered(gateway: Gateway, user_id: UUID, act: UserAct) -> bool:
    try:
        await ask_act(gateway, user_id, act)
    except ShardTransientError:
        return False
    return True


async def _count_unfinished(database: Database) -> int:
    (row,) = await database.rows(_UNFINISHED)
    count: int = row["n"]
    return count
