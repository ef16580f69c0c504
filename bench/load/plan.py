"""What the load client is told, and what it tells: JSON over its standard input and output."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import orjson

from bench.cases import Mode, Workload


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadPlan:
    """All that the load client needs.

    Attributes:
        port: of the gateway, on this machine.
        jwt_secret: to mint the users' tokens.
        dsns: shards whose notices say what is over.
        users: ids.
        shard_of: the shard of each user, as a number.
        mode: how the load comes.
        workload: who pays whom.
        clients: connections.
        rate: arrivals per second of an open loop.
        batch_items: transfers in a batch.
        open_max: transfers that may be sent and not over before clients hold back.
        warmup_s: load before the window.
        seconds: the window.
        after_s: load after it, so that its end is measured under load as its begin is.
        drain_s: how long what is left is waited for.
        seed: of the choices.
        key: first part of all idempotency keys.
    """

    port: int
    jwt_secret: str
    dsns: Sequence[str]
    users: Sequence[str]
    shard_of: Sequence[int]
    mode: Mode
    workload: Workload
    clients: int
    rate: float | None
    batch_items: int
    open_max: int
    warmup_s: float
    seconds: float
    after_s: float
    drain_s: float
    seed: int
    key: str

    def to_line(self) -> bytes:
        """As one line of JSON."""
        return orjson.dumps(asdict(self)) + b"\n"

    @classmethod
    def from_line(cls, line: bytes) -> "LoadPlan":
        """From that line."""
        told = orjson.loads(line)
        told["mode"], told["workload"] = Mode(told["mode"]), Workload(told["workload"])
        return cls(**told)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadResult:
    """What the clients saw.

    Attributes:
        answers: HTTP status to how many answers (items of batches too), of the whole run.
        refused: asked for too much and told so, of the whole run.
        failed: answers that should not be, and connections lost while an answer was due.
        unfinished: due and not over when the wait for the rest ended.
        problem: the first failed answer.
        latency_ms: from the intended start to the end, of transfers begun in the window.
        answer_ms: from the intended start to the answer, of requests begun in the window.
        due: transfers whose intended start was in the window.
    """

    answers: Mapping[str, int]
    refused: int
    failed: int
    unfinished: int
    problem: str | None
    latency_ms: Mapping[str, float] | None
    answer_ms: Mapping[str, float] | None
    due: int

    def to_line(self) -> bytes:
        """As one line of JSON."""
        return orjson.dumps(asdict(self)) + b"\n"

    @classmethod
    def from_line(cls, line: bytes) -> "LoadResult":
        """From that line."""
        return cls(**orjson.loads(line))
