"""The load: sends by its mode, learns what is over, keeps the book."""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from contextlib import AsyncExitStack

import asyncpg
import orjson

from bench.cases import Mode
from bench.load.book import Book
from bench.load.connection import Connection
from bench.load.plan import LoadPlan, LoadResult
from bench.load.requests import Requests
from bench.load.workloads import arrivals
from shards.notices import ENDED_CHANNEL, ids_of_notice

_POLL_S = 0.02
# A run with failures does not count: after so many it is not even worth its time.
_FAILED_MAX = 1_000
_INSUFFICIENT = b'"insufficient_funds"'
# An answer begins with the id: {"id":"0192...".
_ID = slice(7, 43)


class Load:
    """One run of a plan; `run` once.

    Args:
        plan: what to do.
        tell_start: called with the monotonic time at which the first request goes out.
    """

    def __init__(self, plan: LoadPlan, *, tell_start: Callable[[float], None]) -> None:
        self._plan = plan
        self._tell_start = tell_start
        self._requests = Requests(plan)
        self._items = plan.batch_items if plan.mode is Mode.BATCH else 1
        self._is_open_loop = plan.mode is Mode.OPEN
        self._idle: list[Connection] = []
        self._late: deque[float] = deque()
        self._all: set[Connection] = set()
        self._reconnects: set[asyncio.Task[None]] = set()
        self._stop_at = 0.0
        self._book = Book(window_start=0.0, window_end=0.0)

    async def run(self) -> LoadResult:
        """Sends all of it and waits for the ends; the result is the clients' view."""
        async with AsyncExitStack() as stack:
            if self._plan.mode is not Mode.WAIT:
                for dsn in self._plan.dsns:
                    await self._listen(dsn, stack)
            for _ in range(self._plan.clients):
                await self._connect()
            stack.callback(self._close)
            start = time.monotonic()
            window_start = start + self._plan.warmup_s
            window_end = window_start + self._plan.seconds
            self._stop_at = window_end + self._plan.after_s
            self._book = Book(window_start=window_start, window_end=window_end)
            self._tell_start(start)
            if self._is_open_loop:
                await self._send_on_time(start)
            else:
                self._send_while_allowed()
                await asyncio.sleep(self._stop_at - time.monotonic())
            await self._drain()
        return self._book.result()

    # -- sending -------------------------------------------------------------------------------

    def _send(self, connection: Connection, *, since: float) -> None:
        connection.send(self._requests.next(), since=since)

    def _send_while_allowed(self) -> None:
        """Closed loop: every idle client sends, unless too much is under way."""
        now = time.monotonic()
        if now >= self._stop_at or self._book.failed > _FAILED_MAX:
            return
        while self._idle and self._book.under_way < self._plan.open_max:
            self._book.due(self._items, at=now)
            self._send(self._idle.pop(), since=now)

    async def _send_on_time(self, start: float) -> None:
        """Open loop: each arrival is sent when it is due, or late, and never left out."""
        plan = self._plan
        assert plan.rate is not None, "an open loop needs a rate"
        seconds = plan.warmup_s + plan.seconds + plan.after_s
        times = arrivals(plan.rate, seconds=seconds, seed=plan.seed)
        for after in times:
            due = start + after
            if (wait_s := due - time.monotonic()) > 0:
                await asyncio.sleep(wait_s)
            self._book.due(self._items, at=due)
            self._late.append(due)
            self._send_late()

    def _send_late(self) -> None:
        while self._late and self._idle:
            self._send(self._idle.pop(), since=self._late.popleft())

    def _send_on(self) -> None:
        if self._is_open_loop:
            self._send_late()
        else:
            self._send_while_allowed()

    async def _drain(self) -> None:
        deadline = time.monotonic() + self._plan.drain_s
        while time.monotonic() < deadline:
            if not self._book.under_way:
                return
            await asyncio.sleep(_POLL_S)

    # -- answers and ends ----------------------------------------------------------------------

    def _on_answer(self, connection: Connection, status: int, body: bytes) -> None:
        since, connection.since = connection.since, None
        assert since is not None, "an answer without a request"
        now = time.monotonic()
        self._book.answered(self._items, since=since, at=now)
        if status == 207:
            self._on_batch(body, since=since, now=now)
        elif status == 202 and self._plan.mode is not Mode.WAIT:
            self._book.accepted(body[_ID].decode(), since=since)
        elif status == 201:
            self._on_over(body, since=since, now=now)
        elif status == 422 and _INSUFFICIENT in body:
            self._book.refused(since=since, at=now)
        else:
            self._fail(status, body)
        self._idle.append(connection)
        self._send_on()

    def _on_over(self, body: bytes, *, since: float, now: float) -> None:
        if b'"status":"completed"' in body:
            self._book.completed(since=since, at=now)
        else:
            self._book.failure(201, body)

    def _on_batch(self, body: bytes, *, since: float, now: float) -> None:
        for result in orjson.loads(body)["results"]:
            if result["status"] == 202:
                self._book.accepted(result["transfer"]["id"], since=since)
            elif result["status"] == 422 and result["problem"]["code"] == "insufficient_funds":
                self._book.refused(since=since, at=now)
            else:
                self._book.failure(result["status"], orjson.dumps(result))

    def _fail(self, status: int, body: bytes) -> None:
        for _ in range(self._items):
            self._book.failure(status, body)

    def _on_notice(self, _conn: object, _pid: int, _channel: str, payload: object) -> None:
        now = time.monotonic()
        over = self._book.over
        for id_ in ids_of_notice(str(payload)):
            over(id_, at=now)
        self._send_on()

    # -- connections ---------------------------------------------------------------------------

    async def _listen(self, dsn: str, stack: AsyncExitStack) -> None:
        conn = await asyncpg.connect(dsn)
        stack.push_async_callback(conn.close)
        await conn.add_listener(ENDED_CHANNEL, self._on_notice)

    async def _connect(self) -> None:
        _, connection = await asyncio.get_running_loop().create_connection(
            lambda: Connection(self._on_answer, self._on_lost), "127.0.0.1", self._plan.port
        )
        self._all.add(connection)
        self._idle.append(connection)

    def _on_lost(self, connection: Connection) -> None:
        self._all.discard(connection)
        if connection.since is None:
            # The gateway closes what is idle for long.
            self._idle.remove(connection)
        else:
            self._book.answered(self._items, since=connection.since, at=time.monotonic())
            self._fail(0, b"the connection was lost while an answer was due")
        task = asyncio.create_task(self._reconnect())
        self._reconnects.add(task)
        task.add_done_callback(self._reconnects.discard)

    async def _reconnect(self) -> None:
        try:
            await self._connect()
        except OSError as error:
            self._book.failure(0, f"no connection any more: {error}".encode())
        self._send_on()

    def _close(self) -> None:
        for task in self._reconnects:
            task.cancel()
        for connection in list(self._all):
            connection.close()
