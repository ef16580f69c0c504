"""A whole system to do harm to: brokers, a PostgreSQL server per shard, gateways and workers.

Every connection goes through a proxy that can cut, delay and swallow; every process can be killed,
paused and started again. What this machine does not allow raises `Refused`.
"""

from reliability.chaos.stack.broker_node import BrokerNode
from reliability.chaos.stack.database_node import DatabaseNode
from reliability.chaos.stack.errors import Refused
from reliability.chaos.stack.links import Counters, Direction, Link
from reliability.chaos.stack.node import Exit, Node, Role
from reliability.chaos.stack.options import StackOptions
from reliability.chaos.stack.program_node import ProgramNode
from reliability.chaos.stack.stack import Stack

__all__ = [
    "BrokerNode",
    "Counters",
    "DatabaseNode",
    "Direction",
    "Exit",
    "Link",
    "Node",
    "ProgramNode",
    "Refused",
    "Role",
    "Stack",
    "StackOptions",
]
