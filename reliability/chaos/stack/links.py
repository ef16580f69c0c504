"""One way from a process to a server, through the proxy."""

from dataclasses import dataclass
from enum import StrEnum


class Direction(StrEnum):
    """Which bytes: `up` from the client to the server, `down` back."""

    UP = "up"
    DOWN = "down"
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

    def __init__(self, client: str, server: str) -> None:
        self.client = client
        self.server = server

    async def cut(self) -> None:
        """Resets all connections, and refuses new ones."""
        raise NotImplementedError

    async def blackhole(self, direction: Direction, *, late: bool = False) -> None:
        """Lets no byte of that direction through; connections stay, and new ones can be made.

        Args:
            direction: whose bytes.
            late: at `heal` what was held back arrives late, as TCP does it; otherwise it is lost,
                and connections that were made before `heal` are reset then.
        """
        raise NotImplementedError

    async def delay(self, ms: float, jitter_ms: float = 0.0) -> None:
        """Holds all bytes back for so long, each way, in order."""
        raise NotImplementedError

    async def lose_commit_replies(self, count: int) -> None:
        """Of the next `count` COMMITs that succeed the reply is dropped and the connection reset.

        For links to a PostgreSQL server only (ValueError otherwise).
        """
        raise NotImplementedError

    async def heal(self) -> None:
        """Ends all faults of this link."""
        raise NotImplementedError

    async def counters(self) -> Counters:
        """What it has seen."""
        raise NotImplementedError
