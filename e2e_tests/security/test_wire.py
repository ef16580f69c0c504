"""What comes over a socket and is no good request: refused as everything is, or cut off."""

import asyncio
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from e2e_tests.client import Client
from e2e_tests.raw_client import raw_client
from e2e_tests.security.kit import nothing_changed
from e2e_tests.security.wire_corpus import Wire, all_cases
from e2e_tests.system import System
from tests.eventually import eventually

# Comes behind each case: how many answers there are tells how many requests were seen.
_LAST = b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
_AT_ONCE = 40


@dataclass(frozen=True, slots=True)
class Told:
    """One answer."""

    status: int
    headers: dict[str, str]
    body: bytes


def answers_in(data: bytes) -> Iterator[Told]:
    """The answers that these bytes are, one after another; fails on what is none."""
    while data:
        head, end, rest = data.partition(b"\r\n\r\n")
        assert end, data[:200]
        first, *lines = head.decode("ascii").split("\r\n")
        matched = re.fullmatch(r"HTTP/1\.[01] (\d{3}) .*", first)
        assert matched, first
        status = int(matched[1])
        if status == 100:
            data = rest
            continue
        headers = dict(line.lower().split(": ", 1) for line in lines)
        length = int(headers["content-length"])
        assert len(rest) >= length
        yield Told(status, headers, rest[:length])
        data = rest[length:]


async def told(client: Client, case: Wire) -> list[Told]:
    """All that is answered to this case and to a good request behind it."""
    async with raw_client(client) as line:
        line.writer.write(case.data + _LAST)
        return list(answers_in((await line.end()).data))


def check(case: Wire, answers: list[Told]) -> None:
    """The case was refused as all is, and nothing in it was taken for a request of its own."""
    assert answers, case.what
    first, *more = answers
    assert first.status in case.statuses, (case.what, first)
    assert first.headers["content-type"] == "application/problem+json", case.what
    problem = json.loads(first.body)
    assert problem["status"] == first.status, case.what
    assert problem["trace_id"] == first.headers["x-trace-id"], case.what
    # What is behind it is a request, or a part of what was refused; nothing in it is one.
    assert [answer.status for answer in more] in ([], [200]), (case.what, answers)
    assert not more or first.headers.get("connection") != "close", case.what
    if more:
        assert json.loads(more[0].body)["status"] == "alive", (case.what, more)
    for answer in answers:
        assert answer.headers["x-content-type-options"] == "nosniff", case.what
        assert answer.headers["cache-control"] == "no-store", case.what
        text = json.dumps(answer.headers) + answer.body.decode()
        assert not re.search(r"aiohttp|python|traceback", text, re.IGNORECASE), case.what
        assert "server" not in answer.headers, case.what


@pytest.fixture
async def hurried(system: System) -> Client:
    """A gateway that waits for nobody: what is short of a body is told so at once.

    In a process of its own, since it is there as it is in production.
    """
    system.change(clients={"head_s": 2.0, "body_s": 2.0})
    return await system.spawn_gateway()


async def test_no_bytes_are_anything_but_refused(system: System, hurried: Client):
    cases = [*all_cases()]
    room = asyncio.Semaphore(_AT_ONCE)

    async def asked(case: Wire) -> list[Told]:
        async with room:
            return await told(hurried, case)

    async with nothing_changed(system):
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(asked(case)) for case in cases]
        for case, task in zip(cases, tasks, strict=True):
            check(case, task.result())

    assert len(cases) > 300
    assert len({case.data for case in cases}) == len(cases)


async def test_an_answer_over_the_cap_of_connections_does_not_name_its_software(system: System):
    system.change(clients={"connections": 1, "head_s": 30.0})
    client = await system.start_gateway()
    case = Wire("over the cap", b"GET /v1/me HTTP/1.1\r\nHost: x\r\n\r\n", (503,))

    async with raw_client(client) as first:
        await first.send(b"GET /v1/me HTTP/1.1\r\nHost: x\r\n\r\n")
        await first.answer()
        over = await eventually(lambda: _over(client, case))

    check(case, over)


async def _over(client: Client, case: Wire) -> list[Told]:
    answers = await told(client, case)
    assert answers[0].status == 503
    return answers
