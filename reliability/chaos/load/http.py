"""One HTTP request: an answer, or none."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp
import orjson

# Shorter than most outages: the client that gives up and asks the other gateway is the test.
ANSWER_S = 5.0
LATER = frozenset((None, 429, 503))


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer; a status of None is none, and then nothing is known of what was done."""

    status: int | None
    body: Any
    replayed: bool

    @property
    def code(self) -> str | None:
        """The code of a problem."""
        is_problem = self.status is not None and self.status >= 400 and isinstance(self.body, dict)
        return str(self.body.get("code")) if is_problem else None

    @property
    def is_final(self) -> bool:
        """Whether a repeat could say nothing else."""
        return self.status not in LATER and self.status != 401


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is asked of a gateway."""

    method: str
    path: str
    json: dict[str, object] | None = None
    token: str | None = None
    key: str | None = None


class Http:
    """Sends requests to whichever gateway the caller names.

    Args:
        session: open, and closed by who opened it.
        gateways: their addresses, without a slash at the end.
    """

    def __init__(self, session: aiohttp.ClientSession, gateways: Sequence[str]) -> None:
        self._session = session
        self._gateways = gateways

    async def send(self, request: Request, *, gateway: int) -> Reply:
        """One try at gateway number `gateway`, counted round; never raises for what fails."""
        headers = {}
        data = None
        if request.json is not None:
            headers["Content-Type"] = "application/json"
            data = orjson.dumps(request.json)
        if request.token is not None:
            headers["Authorization"] = f"Bearer {request.token}"
        if request.key is not None:
            headers["Idempotency-Key"] = request.key
        url = self._gateways[gateway % len(self._gateways)] + request.path
        try:
            async with (
                asyncio.timeout(ANSWER_S),
                self._session.request(request.method, url, data=data, headers=headers) as response,
            ):
                body = orjson.loads(await response.read() or b"null")
                replayed = response.headers.get("Idempotency-Replayed") == "true"
                return Reply(response.status, body, replayed)
        except (aiohttp.ClientError, TimeoutError, OSError, orjson.JSONDecodeError):
            return Reply(None, None, replayed=False)
