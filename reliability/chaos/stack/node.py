"""One process of a stack that can be killed, paused and started again."""

from abc import ABC, abstractmethod
from enum import StrEnum


class Role(StrEnum):
    """What a node is for."""

    GATEWAY = "gateway"
    WORKER = "worker"
    BROKER = "broker"
    DATABASE = "database"


class Node(ABC):
    """A process under our hands.

    Attributes:
        name: such as `gateway-1`, `worker-2`, `broker-1`, `shard0`.
        role: what it is for.
        unexpected_exits: exit codes of the times it ended although nobody ended it here (negative:
            the signal); the stack starts it again within 2 s.
    """

    def __init__(self, name: str, role: Role) -> None:
        self.name = name
        self.role = role
        self.unexpected_exits: list[int | None] = []

    @property
    @abstractmethod
    def pid(self) -> int:
        """Its process id; the last one when it has ended."""

    @property
    @abstractmethod
    def is_up(self) -> bool:
        """Whether its process runs; a paused one does."""

    @property
    @abstractmethod
    def is_paused(self) -> bool:
        """Whether `pause` stopped it."""

    @abstractmethod
    async def kill(self) -> None:
        """SIGKILL to all of its processes; it stays down until `start`. Nothing if it is down."""

    @abstractmethod
    async def pause(self) -> None:
        """SIGSTOP to all of its processes. Nothing if it is down or paused."""

    @abstractmethod
    async def resume(self) -> None:
        """SIGCONT to all of its processes. Nothing if it is not paused."""

    @abstractmethod
    async def stop(self) -> None:
        """Asks it to end, as an operator would, and kills it when it does not; stays down."""

    @abstractmethod
    async def start(self, *, ready_within_s: float = 30.0) -> bool:
        """Starts it unless it runs; from now on the stack keeps it running.

        Returns:
            Whether it was ready in time. It goes on starting if not.
        """

    @abstractmethod
    async def is_ready(self) -> bool:
        """Whether it can be used now."""
