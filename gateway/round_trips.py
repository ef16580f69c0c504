"""Scripts that run in a Redis: what is asked for while others are under way goes there together.

A round trip by itself costs a gateway 60 µs of its processor and more; one of twenty scripts costs
16 µs for each.
"""

import asyncio
from collections import deque
from collections.abc import Iterable, Sequence
from typing import Any, Final

from redis.asyncio import Redis
from redis.commands.core import AsyncScript
from redis.exceptions import RedisError
from redis.typing import EncodableT, KeyT, ScriptTextT
from typing_extensions import override

from shards.records import record

# More at once would hold up everything else of this process.
_TOGETHER_MAX: Final = 200


@record
class _Call:
    """One script with its keys and arguments, and who waits for what it returns."""

    sha: str
    keys: Sequence[KeyT]
    args: Sequence[EncodableT]
    answer: "asyncio.Future[Any]"


class RoundTrips:
    """Runs scripts, in one round trip at a time.

    Args:
        client: of the Redis.
        answer_s: how long a round trip may take; those that wait for the next one fail with it.
    """

    def __init__(self, client: Redis, *, answer_s: float) -> None:
        self._client = client
        self._answer_s = answer_s
        self._waiting: deque[_Call] = deque()
        self._going: asyncio.Task[None] | None = None

    async def run(self, sha: str, keys: Sequence[KeyT], args: Sequence[EncodableT]) -> Any:
        """What the script with this hash returns.

        Raises:
            RedisError, TimeoutError, OSError: it is not known whether it ran.
        """
        answer = asyncio.get_running_loop().create_future()
        self._waiting.append(_Call(sha=sha, keys=keys, args=args, answer=answer))
        if self._going is None:
            self._going = asyncio.create_task(self._go())
        return await answer

    async def close(self) -> None:
        """Ends what is under way; who waits for it is told so."""
        if self._going is not None:
            self._going.cancel()
            await asyncio.wait({self._going})
        # One that had not begun to go has told nobody.
        self._break_off(())

    async def _go(self) -> None:
        calls: list[_Call] = []
        try:
            while self._waiting:
                together = min(len(self._waiting), _TOGETHER_MAX)
                calls = [self._waiting.popleft() for _ in range(together)]
                async with asyncio.timeout(self._answer_s):
                    answers = await self._ask(calls)
                _tell(calls, answers)
        except (RedisError, TimeoutError, OSError) as error:
            _fail((*calls, *self._waiting), error)
        finally:
            # Nobody waits for ever, whatever has happened.
            self._break_off(calls)

    def _break_off(self, calls: Sequence[_Call]) -> None:
        _fail((*calls, *self._waiting), ConnectionError("broken off"))
        self._waiting.clear()
        self._going = None

    async def _ask(self, calls: Iterable[_Call]) -> list[Any]:
        async with self._client.pipeline(transaction=False) as pipeline:
            for call in calls:
                pipeline.evalsha(call.sha, len(call.keys), *call.keys, *call.args)
            answers: list[Any] = await pipeline.execute(raise_on_error=False)
            return answers


def _tell(calls: Iterable[_Call], answers: Iterable[Any]) -> None:
    for call, answer in zip(calls, answers, strict=True):
        if isinstance(answer, Exception):
            _fail([call], answer)
        elif not call.answer.done():
            call.answer.set_result(answer)


def _fail(calls: Iterable[_Call], error: Exception) -> None:
    for call in calls:
        # Who went away has cancelled it.
        if not call.answer.done():
            call.answer.set_exception(error)


class GatheringRedis(Redis):
    """A client whose registered scripts run in `RoundTrips`, once `load_scripts` was called.

    Args:
        answer_s: as `RoundTrips`.
        options: as the client takes them.
    """

    def __init__(self, *, answer_s: float, **options: Any) -> None:
        super().__init__(**options)
        self.trips = RoundTrips(self, answer_s=answer_s)
        self._texts: set[ScriptTextT] = set()

    @override
    def register_script(  # type: ignore[override] # the base class has one for each kind of client
        self, script: ScriptTextT
    ) -> AsyncScript:
        self._texts.add(script)
        return _Gathered(self, script)

    async def load_scripts(self) -> None:
        """Tells Redis all scripts; one that was started anew has forgotten them."""
        for text in self._texts:
            await self.script_load(text)


class _Gathered(AsyncScript):
    """A script that goes with others."""

    registered_client: GatheringRedis

    @override
    async def __call__(
        self,
        keys: Sequence[KeyT] | None = None,
        args: Iterable[EncodableT] | None = None,
        client: Redis | None = None,
    ) -> Any:
        return await self.registered_client.trips.run(self.sha, keys or (), tuple(args or ()))
