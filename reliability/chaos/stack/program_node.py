"""A gateway or a worker."""

from collections.abc import Mapping

from reliability.chaos.stack.node import Node


class ProgramNode(Node):
    """A gateway or a worker, in a process of its own."""

    async def restart_with(self, environment: Mapping[str, str]) -> bool:
        """Stops it and starts it with other settings, such as a clock that is off.

        Args:
            environment: what goes over the stack's settings, instead of what was given here
                before; empty heals.

        Returns:
            As `start`.
        """
        raise NotImplementedError
