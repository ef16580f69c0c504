"""The PostgreSQL server of one shard."""

from reliability.chaos.stack.node import Node


class DatabaseNode(Node):
    """A PostgreSQL server; all that is done to it is done to its backends too."""

    async def stop_immediate(self) -> None:
        """Ends it without a checkpoint (`pg_ctl stop -m immediate`); down until `start`."""
        raise NotImplementedError
