"""`python -m reliability.chaos.stack.proxy NAME`: the proxy, told what to do over a socket.

NAME is that of a Unix socket without a file. A command is a line of JSON, and so is its answer.
"""

import asyncio
import json
import sys
from typing import Any

import uvloop

from config.limits import raise_file_limit
from reliability.chaos.stack.proxy.relay import Relay, Route


class Proxy:
    """All links, by their ids."""

    def __init__(self) -> None:
        self._relays: dict[str, Relay] = {}

    async def serve(self, name: str) -> None:
        """Listens for commands, for ever."""
        server = await asyncio.start_unix_server(self._talk, f"\0{name}")
        await server.serve_forever()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            try:
                answer = await self._do(json.loads(line))
            except (OSError, KeyError, ValueError) as error:
                answer = {"error": repr(error)}
            writer.write(json.dumps(answer).encode() + b"\n")
            await writer.drain()
        writer.close()

    async def _do(self, command: dict[str, Any]) -> dict[str, Any]:
        link = command["link"]
        if command["do"] == "open":
            routes = [Route((a, b), (c, d)) for a, b, c, d in command["routes"]]
            relay = self._relays[link] = Relay(routes)
        else:
            relay = self._relays[link]
        await _obey(relay, command)
        return {
            "connections": relay.faults.connections,
            "open_connections": relay.open_connections,
            "commits_unknown": relay.faults.commits_unknown,
        }


async def _obey(relay: Relay, command: dict[str, Any]) -> None:
    match command:
        case {"do": "open"}:
            await relay.open()
        case {"do": "cut"}:
            relay.cut()
        case {"do": "hold", "directions": directions, "late": late}:
            relay.hold(set(directions), late=late)
        case {"do": "delay", "delay_s": delay_s, "jitter_s": jitter_s}:
            relay.delay(delay_s, jitter_s)
        case {"do": "lose", "count": count}:
            relay.faults.lose_commits(count)
        case {"do": "heal"}:
            await relay.heal()
        case {"do": "count"}:
            pass
        case _:
            raise ValueError(f"no such command: {command}")


def main() -> None:
    """Runs until the process is ended."""
    raise_file_limit()
    uvloop.run(Proxy().serve(sys.argv[1]))


if __name__ == "__main__":
    main()
