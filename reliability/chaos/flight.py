"""What is under way: how much, how old, and how long after a fault the last of it is over.

Transfers are, until they are over; so are holds whose time is up, until they are ended.

Ages are by our own clock, from when a transfer was first seen open: the shards' clocks are among
the things that are set off.
"""

import asyncio
import heapq
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from operator import itemgetter
from uuid import UUID

import asyncpg

_EVERY_S = 0.5
_SLOWEST = 5
_ANSWER_S = 3.0
_OPEN = """
    SELECT id FROM transfers WHERE next_attempt_at IS NOT NULL
    UNION ALL
    SELECT id FROM holds WHERE status = 'open' AND expires_at <= app_now()
"""
_DATABASE_ERRORS = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError)


@dataclass(slots=True)
class Recovery:
    """What was under way when a fault was healed, until none of it is.

    Attributes:
        took_s: from `since` until the last of it was over; None while some is not.
        undisturbed: whether no other fault was there all that time.
    """

    kind: str
    since: float
    allowed_s: float
    undisturbed: bool
    left: dict[str, set[UUID]] = field(default_factory=dict)
    took_s: float | None = None


class Flight:
    """Looks at every shard twice a second, past the proxies.

    Attributes:
        slowest: the few that were under way longest, by id, with that time in seconds.
        recoveries: everything that was followed.
    """

    def __init__(self, dsns: Mapping[str, str]) -> None:
        self._dsns = dsns
        self._open: dict[str, dict[UUID, float]] = {shard: {} for shard in dsns}
        self._seen_at: dict[str, float] = dict.fromkeys(dsns, 0.0)
        self._watched: list[Recovery] = []
        self.recoveries: list[Recovery] = []
        self.slowest: dict[str, float] = {}

    @property
    def open(self) -> int:
        """How much is under way, as far as was seen last."""
        return sum(len(ids) for ids in self._open.values())

    @property
    def oldest_now_s(self) -> float:
        """The age of the oldest of them; 0 where there is none."""
        first = [min(ids.values()) for ids in self._open.values() if ids]
        return time.monotonic() - min(first) if first else 0.0

    def ages(self) -> dict[str, float]:
        """What is under way, by id, with its age."""
        now = time.monotonic()
        return {str(id_): now - at for ids in self._open.values() for id_, at in ids.items()}

    def is_empty_since(self, moment: float) -> bool:
        """Whether every shard was seen, later than this, with nothing under way."""
        return not self.open and all(at > moment for at in self._seen_at.values())

    def watch(self, recovery: Recovery) -> None:
        """Follows what is under way now until it is over."""
        self._watched.append(recovery)
        self.recoveries.append(recovery)

    def disturb(self) -> None:
        """Another fault begins: whatever is followed now is not of one fault any more."""
        for recovery in self._watched:
            recovery.undisturbed = False

    async def run(self) -> None:
        """Until it is cancelled."""
        async with asyncio.TaskGroup() as group:
            for shard, dsn in self._dsns.items():
                group.create_task(self._follow(shard, dsn))

    async def _follow(self, shard: str, dsn: str) -> None:
        conn: asyncpg.Connection[asyncpg.Record] | None = None
        try:
            while True:
                asked_at = time.monotonic()
                try:
                    async with asyncio.timeout(_ANSWER_S):
                        conn = conn or await asyncpg.connect(dsn, timeout=_ANSWER_S)
                        rows = await conn.fetch(_OPEN)
                    self._take(shard, {row["id"] for row in rows}, asked_at)
                except _DATABASE_ERRORS:
                    if conn is not None:
                        conn.terminate()
                    conn = None
                await asyncio.sleep(_EVERY_S)
        finally:
            if conn is not None:
                conn.terminate()

    def _take(self, shard: str, ids: set[UUID], asked_at: float) -> None:
        known = self._open[shard]
        self._open[shard] = {id_: known.get(id_, asked_at) for id_ in ids}
        self._seen_at[shard] = asked_at
        # What has just ended was open until now, at the most.
        aged = [(asked_at - at, str(id_)) for id_, at in known.items()]
        for age_s, id_ in heapq.nlargest(_SLOWEST, aged):
            self.slowest[id_] = max(age_s, self.slowest.get(id_, 0.0))
        kept = heapq.nlargest(_SLOWEST, self.slowest.items(), key=itemgetter(1))
        self.slowest = dict(kept)
        for recovery in self._watched:
            if asked_at > recovery.since:
                left = recovery.left.get(shard)
                recovery.left[shard] = ids if left is None else left & ids
        self._finish()

    def _finish(self) -> None:
        now = time.monotonic()
        for recovery in list(self._watched):
            everywhere = len(recovery.left) == len(self._dsns)
            if everywhere and not any(recovery.left.values()):
                recovery.took_s = now - recovery.since
                self._watched.remove(recovery)
