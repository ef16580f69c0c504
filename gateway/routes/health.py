"""GET /health and GET /ready."""

import asyncio
from typing import Final

from aiohttp import hdrs, web

from gateway.operations import Operation, Route, Shown, Tag, Who
from gateway.views import HealthView, ReadinessView, json_response, readiness
from messaging.sender import KafkaSender
from shards.errors import ShardTransientError
from shards.router import ShardMap
from shards.shard import Shard

_ANSWER_S = 1.0


HEALTH: Final = Operation(
    method=hdrs.METH_GET,
    path="/health",
    name="get_health",
    tag=Tag.HEALTH,
    who=Who.ANYONE,
    is_counted=False,
    shown={200: Shown(says="The process answers.", view=HealthView)},
)
READY: Final = Operation(
    method=hdrs.METH_GET,
    path="/ready",
    name="get_readiness",
    tag=Tag.HEALTH,
    who=Who.ANYONE,
    is_counted=False,
    shown={
        200: Shown(says="At least one shard answers.", view=ReadinessView),
        503: Shown(says="No shard answers.", view=ReadinessView),
    },
)


class HealthRoutes:
    """Alive, and able to work."""

    def __init__(self, *, shards: ShardMap, sender: KafkaSender) -> None:
        self._shards = shards
        self._sender = sender
        self._one_at_a_time = asyncio.Lock()
        self._begun = 0
        # The number of the last look that has ended, and what it saw.
        self._seen: tuple[int, ReadinessView] | None = None

    def table(self) -> list[Route]:
        """Each operation, and what does it."""
        return [HEALTH.route(self.health), READY.route(self.ready)]

    async def health(self, _request: web.Request) -> web.Response:
        """200 while the process answers."""
        return json_response(HealthView())

    async def ready(self, _request: web.Request) -> web.Response:
        """200 while one shard answers; Kafka away is only `degraded`: tries go on."""
        view = await self.readiness()
        return json_response(view, status=200 if view.is_ready else 503)

    async def readiness(self) -> ReadinessView:
        """What can be reached at this moment: by a look that begins after it is asked for.

        Nobody is refused it and none of it is counted, so all who ask while one looks share the
        next look: however many ask, a shard has one of them to answer, and places for the others.
        """
        asked_after = self._begun
        async with self._one_at_a_time:
            if self._seen is not None and self._seen[0] > asked_after:
                return self._seen[1]
            self._begun += 1
            number = self._begun
            view = await self._look()
            self._seen = (number, view)
            return view

    async def _look(self) -> ReadinessView:
        async with asyncio.TaskGroup() as group:
            kafka = group.create_task(self._sender.reachable(within_s=_ANSWER_S))
            shards = {
                shard.name: group.create_task(_answers(shard)) for shard in self._shards.shards
            }
        return readiness(
            shards={name: task.result() for name, task in shards.items()}, kafka=kafka.result()
        )


async def _answers(shard: Shard) -> bool:
    try:
        async with asyncio.timeout(_ANSWER_S):
            await shard.ping()
    except (TimeoutError, ShardTransientError):
        return False
    return True
