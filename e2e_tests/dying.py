"""`python -m e2e_tests.dying POINT`: a gateway or worker that kills itself (SIGKILL) at one point.

The product's code runs unchanged up to that point; nothing is cleaned up, as in a power cut.
"""

import os
import signal
import sys
from collections.abc import Callable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import gateway.__main__
import gateway.lane_runs
import sagas.expiry
import sagas.steps.run
import workers.__main__
import workers.dead_letters
import workers.redrive
import workers.step_lanes
from messaging.sender import KafkaSender
from sagas.outcomes import SKIPPED
from sagas.steps.cancel import CancelDone
from sagas.steps.confirm import Confirmed
from sagas.steps.settle import Settled
from sagas.steps.try_confirm import TryConfirmed
from shards.shard import Shard
from workers.outbound import Outbound

_in_step: ContextVar[bool] = ContextVar("in_step", default=False)


@dataclass(frozen=True, slots=True)
class Point:
    """Where a process dies: `arm` makes it so, `main` runs it."""

    arm: Callable[[], None]
    main: Callable[[], int]


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _before_commit(module: ModuleType, step: str) -> Callable[[], None]:
    """COMMIT is never sent, nor, without locks, the statement that commits by itself."""

    def arm() -> None:
        run = getattr(module, step)
        transaction = Shard.transaction

        def marked(*args: Any, **kwargs: Any) -> Any:
            _in_step.set(True)
            return run(*args, **kwargs)

        @asynccontextmanager
        async def dies(self: Shard, buckets: Any) -> Any:
            async with transaction(self, buckets) as conn:
                yield conn
                if _in_step.get():
                    _die()

        setattr(module, step, marked)
        Shard.transaction = dies  # type: ignore[method-assign]
        write_at_once = Shard.write_at_once

        async def dies_or_writes(self: Shard, conn: Any, query: str, *args: Any) -> Any:
            if _in_step.get():
                _die()
            return await write_at_once(self, conn, query, *args)

        Shard.write_at_once = dies_or_writes  # type: ignore[method-assign]

    return arm


def _after(owner: Any, name: str, *, kind: type = object) -> Callable[[], None]:
    """What this does is done, and it did something of this kind; nobody hears of it."""

    def arm() -> None:
        run = getattr(owner, name)

        async def then_dies(*args: Any, **kwargs: Any) -> Any:
            result = await run(*args, **kwargs)
            # What returns nothing was given it, as its last argument.
            done = args[-1] if result is None else result
            if any(one is not SKIPPED and isinstance(one, kind) for one in done):
                _die()
            return result

        setattr(owner, name, then_dies)

    return arm


def _after_step(outcome: type) -> Callable[[], None]:
    """A batch with such an outcome is committed; nothing that follows from it is done."""
    return _after(workers.step_lanes, "run_steps", kind=outcome)


def _after_ack() -> None:
    """Everything is done, but the group does not know."""
    ack = workers.step_lanes._ack

    def then_dies(done: Any) -> None:
        acked = list(done)
        ack(acked)
        if acked:
            _die()

    workers.step_lanes._ack = then_dies


def _of_gateway(arm: Callable[[], None]) -> Point:
    return Point(arm, gateway.__main__.main)


def _of_worker(arm: Callable[[], None]) -> Point:
    return Point(arm, workers.__main__.main)


POINTS: dict[str, Point] = {
    "try-before-commit": _of_gateway(_before_commit(gateway.lane_runs, "try_transfers")),
    "try-after-commit": _of_gateway(_after(gateway.lane_runs, "try_transfers")),
    "try-after-produce": _of_gateway(_after(KafkaSender, "send")),
    "cancel-after-commit": _of_gateway(_after(gateway.lane_runs, "run_steps")),
    "hold-after-commit": _of_gateway(_after(gateway.lane_runs, "open_holds")),
    "capture-before-commit": _of_gateway(_before_commit(gateway.lane_runs, "capture")),
    "capture-after-commit": _of_gateway(_after(gateway.lane_runs, "capture")),
    "void-after-commit": _of_gateway(_after(gateway.lane_runs, "end_holds")),
    "try-confirm-before-commit": _of_worker(_before_commit(sagas.steps.run, "try_confirm")),
    "try-confirm-after-commit": _of_worker(_after_step(TryConfirmed)),
    # By steps only: redrive sends by `try_send`.
    "try-confirm-after-produce": _of_worker(_after(Outbound, "send")),
    "try-confirm-after-ack": _of_worker(_after_ack),
    "confirm-before-commit": _of_worker(_before_commit(sagas.steps.run, "confirm")),
    "confirm-after-commit": _of_worker(_after_step(Confirmed)),
    "settle-before-commit": _of_worker(_before_commit(sagas.steps.run, "settle")),
    "settle-after-commit": _of_worker(_after_step(Settled)),
    "expiry-after-commit": _of_worker(_after_step(CancelDone)),
    "hold-expiry-after-commit": _of_worker(_after(sagas.expiry, "end_holds")),
    "redrive-after-claim": _of_worker(_after(workers.redrive, "claim_messages")),
    "dead-letter-after-insert": _of_worker(_after(workers.dead_letters, "insert_dead_letters")),
}

if __name__ == "__main__":
    point = POINTS[sys.argv[1]]
    point.arm()
    sys.exit(point.main())
