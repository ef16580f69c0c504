"""A client of server-sent events, as WHATWG HTML says that a stream is read."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp

from e2e_tests.client import Client, Member

# No test has a stream that is silent for so long.
_SILENCE_S = 15.0


@dataclass(frozen=True, slots=True)
class Event:
    """An event; `data` is the parsed JSON."""

    id: str
    name: str
    data: Any


class EventSource:
    """A stream that is open."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self.response = response
        self.comments = 0
        self.retry_ms: int | None = None

    async def next(self) -> Event | None:
        """The next event; None at the end of a stream that was ended well."""
        fields: dict[str, list[str]] = {}
        while (line := await self._line()) is not None:
            if line:
                self._take(line, fields)
            elif "data" in fields:
                (id_,), (name,) = fields["id"], fields["event"]
                return Event(id_, name, json.loads("\n".join(fields["data"])))
            else:
                fields = {}
        assert not fields, f"the stream broke off in an event: {fields}"
        return None

    async def rest(self) -> list[Event]:
        """All events up to the end."""
        events = []
        while (event := await self.next()) is not None:
            events.append(event)
        return events

    async def comment(self) -> None:
        """Returns when one more comment has come; an event must not come before it."""
        before = self.comments
        while self.comments == before:
            line = await self._line()
            assert line is not None, "the stream has ended"
            assert line == "" or line.startswith(":"), line
            self.comments += line.startswith(":")

    def _take(self, line: str, fields: dict[str, list[str]]) -> None:
        name, _, value = line.partition(":")
        if name == "":
            self.comments += 1
        elif name == "retry":
            self.retry_ms = int(value)
        else:
            assert name in ("id", "event", "data"), line
            fields.setdefault(name, []).append(value.removeprefix(" "))

    async def _line(self) -> str | None:
        async with asyncio.timeout(_SILENCE_S):
            line = await self.response.content.readline()
        return line.decode().removesuffix("\n") if line else None


@asynccontextmanager
async def events_of(
    client: Client, by: Member, transfer_id: str, *, last: str | None = None
) -> AsyncIterator[EventSource]:
    """The stream of a transfer; `last` is the id of the event that was seen last."""
    headers = {"Last-Event-ID": last} if last is not None else None
    path = f"/v1/transfers/{transfer_id}/events"
    async with client.opened(path, by=by, headers=headers) as response:
        assert response.status == 200, await response.text()
        assert response.headers["Content-Type"] == "text/event-stream"
        assert response.headers["Cache-Control"] == "no-store"
        yield EventSource(response)


async def told(
    client: Client, by: Member, transfer_id: str, *, last: str | None = None
) -> list[Event]:
    """All events of a stream up to its end."""
    async with events_of(client, by, transfer_id, last=last) as source:
        return await source.rest()
