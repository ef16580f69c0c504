"""Rate limits as tests look at them: what an answer says is left, and who has nothing left."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp

from e2e_tests.client import Answer, Client, Member
from tests.eventually import eventually

LIMITED = (429, "rate_limited")
NAMES = ("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset")
PASSWORD = "correct horse battery"


def left(answer: Answer) -> tuple[int, int, int]:
    """Limit, remaining and reset: three whole numbers that fit each other."""
    limit, remaining, reset = (int(answer.headers[name]) for name in NAMES)
    assert 0 <= remaining <= limit
    assert (reset == 0) == (remaining == limit)
    return limit, remaining, reset


async def until_refused(client: Client, path: str = "/v1/me", *, by: Member | None) -> Answer:
    """Asks until there is one too many, and returns what that was told."""

    async def asked() -> Answer:
        answer = await client.call("GET", path, by=by)
        assert answer.status == 429, answer
        return answer

    return await eventually(asked, every_s=0)


@asynccontextmanager
async def from_address(client: Client, address: str) -> AsyncIterator[Client]:
    """The same gateway, asked from another address of this machine."""
    connector = aiohttp.TCPConnector(local_addr=(address, 0))
    async with aiohttp.ClientSession(connector=connector) as session:
        yield Client(session, client.base)


async def login(client: Client, email: str, password: str = PASSWORD) -> Answer:
    """A login; members have this password."""
    return await client.call("POST", "/v1/auth/login", {"email": email, "password": password})
