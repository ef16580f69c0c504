"""A gateway or a worker."""

from collections.abc import Callable, Mapping

from devstack.programs import Program
from reliability.chaos.stack.node import Node, Role

Make = Callable[[Mapping[str, str]], Program]


class ProgramNode(Node):
    """A gateway or a worker, in a process of its own.

    Args:
        make: the program with settings that go over those of the stack.
    """

    def __init__(self, name: str, role: Role, make: Make, *, say: Callable[[str], None]) -> None:
        super().__init__(name, role, make({}), say=say)
        self._make = make
        self.environment: Mapping[str, str] = {}

    async def restart_with(
        self, environment: Mapping[str, str], *, ready_within_s: float = 30.0
    ) -> bool:
        """Stops it and starts it with other settings, such as a clock that is off.

        Args:
            environment: what goes over the stack's settings, instead of what was given here
                before; empty heals.
            ready_within_s: as for `start`.

        Returns:
            As `start`.
        """
        async with self._hands:
            await self._stop()
            self._server = self._make(environment)
            self.environment = dict(environment)
        return await self.start(ready_within_s=ready_within_s)
