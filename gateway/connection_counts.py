"""How many connections there may be: of all clients together, and of one address."""

from collections import Counter
from enum import Enum, auto
from typing import Final

from gateway.client_address import ClientAddresses

# Connections over the cap that are told so; those beyond are closed unheard.
DOOR: Final = 64
# Those of one address over its part.
DOOR_OF_ADDRESS: Final = 8


class Over(Enum):
    """What becomes of a connection, by how many there are."""

    NO = auto()
    AT_DOOR = auto()
    UNHEARD = auto()


class ConnectionCounts:
    """Counts connections by address.

    Args:
        connections: served at once.
        of_address: of those, from one address.
        clients: tells addresses apart.
    """

    def __init__(self, *, connections: int, of_address: int, clients: ClientAddresses) -> None:
        self._connections = connections
        self._part = of_address
        self._clients = clients
        self._of_address: Counter[str] = Counter()

    def address_of(self, peername: object) -> str | None:
        """The address that a connection is counted by; None for a proxy of ours, that is not."""
        match peername:
            case (str() as host, *_):
                return self._clients.of_peer(host)
        return None

    def over(self, address: str | None, *, connected: int) -> Over:
        """Whether there are too many already, for one more from this address.

        Args:
            address: of `address_of`.
            connected: how many there are, of all clients.
        """
        mine = 0 if address is None else self._of_address[address]
        if connected >= self._connections + DOOR or mine >= self._part + DOOR_OF_ADDRESS:
            return Over.UNHEARD
        if connected >= self._connections or mine >= self._part:
            return Over.AT_DOOR
        return Over.NO

    def count(self, address: str | None, by: int) -> None:
        """Counts a connection that begins or ends."""
        if address is None:
            return
        self._of_address[address] += by
        if not self._of_address[address]:
            del self._of_address[address]
