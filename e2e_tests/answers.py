"""How tests look at answers: refusals of the right form, rows that did not change, shapes."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Collection, Coroutine
from contextlib import asynccontextmanager
from datetime import datetime
from typing import TypeVar

from e2e_tests.client import Answer, Client
from e2e_tests.system import System
from reliability.fuzz.rows import digest

T = TypeVar("T")

# What a refusal that is recorded under its key writes.
RECORD = ("users", "transfers", "movements", "holds", "outbox")
# The currencies every system begins with, and their digits.
SEEDED = {"BTC": 8, "ETH": 18, "EUR": 2, "GBP": 2, "JPY": 0, "KWD": 3, "USD": 2, "USDC": 6}
# The fields of a transfer.
SHAPE = {
    *("id", "payer_id", "payee_id", "currency", "amount", "status", "reason", "created_at"),
    *("updated_at", "expires_at", "metadata", "timeline"),
    *("hold_id", "refund_of", "amount_refunded", "refunds"),
}
# The fields of a hold.
HOLD_SHAPE = {
    *("id", "payer_id", "payee_id", "currency", "amount", "captured", "remaining", "status"),
    *("expires_at", "created_at", "metadata"),
}
# JSON that is no object.
NO_OBJECTS: list[object] = [None, [], "text", 5, 1.5, True, [{}]]


def refused(answer: Answer) -> tuple[int, str]:
    """Status and code of a refusal that has the form of every refusal."""
    body = answer.body
    assert answer.headers["Content-Type"] == "application/problem+json", answer
    assert set(body) - {"errors"} == {"type", "title", "status", "detail", "code", "trace_id"}
    assert all(
        body[name] and isinstance(body[name], str) for name in set(body) - {"errors", "status"}
    )
    assert body["status"] == answer.status
    assert body["trace_id"] == answer.headers["X-Trace-Id"]
    assert re.fullmatch("[a-z_]+", body["code"])
    assert not re.search(r"Traceback|asyncpg|SELECT|INSERT|UPDATE", json.dumps(body))
    if "errors" in body:
        assert body["errors"]
        assert all(set(error) == {"pointer", "code", "detail"} for error in body["errors"])
        assert body["code"] == body["errors"][0]["code"]
    return answer.status, body["code"]


def fields(answer: Answer) -> list[tuple[str, str]]:
    """Pointer and code of each wrong field of a 422."""
    assert refused(answer)[0] == 422, answer
    return [(error["pointer"], error["code"]) for error in answer.body["errors"]]


@asynccontextmanager
async def unchanged(system: System, *, but: Collection[str] = ()) -> AsyncIterator[None]:
    """What happens inside changes no row of any table except those of `but`."""
    before = await _rows(system, but)
    yield
    assert await _rows(system, but) == before


async def _rows(system: System, but: Collection[str]) -> dict[str, str]:
    found = await digest([database.dsn for database in system.databases])
    return {name: rows for name, rows in found if name.partition(":")[2] not in but}


async def raw(client: Client, request: bytes) -> tuple[int, dict[str, str], bytes]:
    """Status, headers (lower case) and body of the answer to what no HTTP client would send."""
    reader, writer = await asyncio.open_connection(*client.base.removeprefix("http://").split(":"))
    writer.write(request)
    head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)
    body = await reader.readexactly(int(headers["content-length"]))
    writer.close()
    await writer.wait_closed()
    return int(head[0].split()[1]), headers, body


async def at_once(*calls: Coroutine[object, object, T]) -> list[T]:
    """What each of these calls answers, made at the same time."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(call) for call in calls]
    return [task.result() for task in tasks]


def at(text: str) -> datetime:
    """A timestamp of an answer: UTC with six digits."""
    assert len(text) == len("2026-01-31T23:59:59.000001Z")
    assert text.endswith("Z")
    return datetime.fromisoformat(text)
