"""One way from a process to a server, through the proxy."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from reliability.chaos.stack.proxy.faults import DOWN, UP

Tell = Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]


class Direction(StrEnum):
    """Which bytes: `up` from the client to the server, `down` back."""

    UP = UP
    DOWN = DOWN
    BOTH = "both"


@dataclass(frozen=True, slots=True, kw_only=True)
class Counters:
    """What a link has seen since the stack started."""

    connections: int
    open_connections: int
    commits_unknown: int


class Link:
    """A client's connections to one server; faults stay until `heal`.

    Attributes:
        client: `gateway-1`, `worker-2`, `broker-1`, or `load` for the client of the gateways.
        server: `shard0`, `broker-1`, `gateway-2`.
    """

    def __init__(self, client: str, server: str, tell: Tell) -> None:
        self.client = client
        self.server = server
        self._tell = tell

    @property
    def name(self) -> str:
        """Both ends in one word."""
        return f"{self.client}->{self.server}"

    async def open(self, routes: Sequence[tuple[str, int, str, int]]) -> None:
        """Begins to listen: each route is where, and which server behind it."""
        await self._do("open", routes=list(routes))

    async def cut(self) -> None:
        """Resets all connections, and refuses new ones."""
        await self._do("cut")

    async def blackhole(self, direction: Direction, *, late: bool = False) -> None:
        """Lets no byte of that direction through; connections stay, and new ones can be made.

        Args:
            direction: whose bytes.
            late: at `heal` what was held back arrives late, as TCP does it; otherwise it is lost,
                and connections that were made before `heal` are reset then.
        """
        both = direction is Direction.BOTH
        directions = [UP, DOWN] if both else [str(direction)]
        await self._do("hold", directions=directions, late=late)

    async def delay(self, ms: float, jitter_ms: float = 0.0) -> None:
        """Holds all bytes back for so long, each way, in order."""
        await self._do("delay", delay_s=ms / 1000, jitter_s=jitter_ms / 1000)

    async def lose_commit_replies(self, count: int) -> None:
        """Of the next `count` COMMITs that succeed the reply is dropped and the connection reset.

        It is for links to a PostgreSQL server; on others there is no COMMIT, and nothing happens.
        """
        await self._do("lose", count=count)

    async def heal(self) -> None:
        """Ends all faults of this link."""
        await self._do("heal")

    async def counters(self) -> Counters:
        """What it has seen."""
        return Counters(**await self._do("count"))

    async def _do(self, what: str, **more: object) -> dict[str, Any]:
        return await self._tell({"do": what, "link": self.name, **more})
