"""Who listens where, and which way everyone reaches everyone: all of it known before the start.

Each client of a server has a proxy of its own in front of it. A broker tells its clients where it
is, so it has a listener per client, each of which tells the port of that client's proxy. Among each
other brokers use names, and each broker's own hosts file says that the others are at an address
(127.0.1.N for broker N) where its own proxies listen.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from devstack.kafka import new_cluster_id
from devstack.kafka_config import Listener, Member
from devstack.ports import free_port
from devstack.postgres import USER
from reliability.chaos.stack.options import StackOptions
from reliability.chaos.stack.proxy.relay import Route

HERE = "127.0.0.1"
LOAD = "load"
_DIRECT = "DIRECT"
_BETWEEN = "BETWEEN"
_CONTROLLER = "CONTROLLER"
# A message is acknowledged when so many copies have it.
_IN_SYNC = {1: 1, 3: 2}


@dataclass(frozen=True, slots=True)
class Way:
    """A client's way to a server."""

    client: str
    server: str
    routes: tuple[Route, ...]


class Layout:
    """Names, ports and ways of a stack.

    Args:
        options: its size.
    """

    def __init__(self, options: StackOptions) -> None:
        self.gateways = _names("gateway", options.gateways)
        self.workers = _names("worker", options.workers)
        self.brokers = _names("broker", options.brokers)
        self.shards = tuple(f"shard{number}" for number in range(options.shards))
        self.copies = options.brokers
        self.in_sync = _IN_SYNC[options.brokers]
        self.buckets = options.buckets
        clients = (*self.gateways, *self.workers)
        servers = (*self.brokers, *self.shards)
        self.ports = {name: free_port() for name in (*clients, *servers)}
        self._proxies = {(c, s): free_port() for c in clients for s in servers}
        self._proxies |= {(LOAD, gateway): free_port() for gateway in self.gateways}
        self._listeners = {(c, b): free_port() for c in clients for b in self.brokers}
        self._between = {broker: free_port() for broker in self.brokers}
        self._control = {broker: free_port() for broker in self.brokers}
        self._cluster_id = new_cluster_id()

    def buckets_of(self, shard: str) -> tuple[int, ...]:
        """The buckets on a shard."""
        return tuple(range(self.shards.index(shard), self.buckets, len(self.shards)))

    def dsn(self, shard: str, *, client: str | None = None) -> str:
        """A shard's database, past the proxies or as a client reaches it."""
        port = self.ports[shard] if client is None else self._proxies[client, shard]
        return f"postgresql://{USER}@{HERE}:{port}/holdfast_{shard}"

    def bootstrap(self, *, client: str | None = None) -> str:
        """The brokers, past the proxies or as a client reaches them."""
        ports = [
            self.ports[broker] if client is None else self._proxies[client, broker]
            for broker in self.brokers
        ]
        return ",".join(f"{HERE}:{port}" for port in ports)

    def url(self, gateway: str) -> str:
        """A gateway as the load reaches it."""
        return f"http://{HERE}:{self._proxies[LOAD, gateway]}"

    def ways(self) -> Iterator[Way]:
        """Every way that there is."""
        for (client, server), port in self._proxies.items():
            behind = self._listeners.get((client, server), self.ports[server])
            yield Way(client, server, (Route((HERE, port), (HERE, behind)),))
        for client in self.brokers:
            for server in self.brokers:
                if client != server:
                    yield Way(client, server, tuple(self._between_routes(client, server)))

    def member(self, broker: str, *, hosts: Path) -> Member:
        """A broker's place in the cluster; `hosts` is the file of `hosts_of`."""
        clients = [client for client, server in self._listeners if server == broker]
        return Member(
            node_id=self.brokers.index(broker) + 1,
            cluster_id=self._cluster_id,
            voters=[
                (number, f"{name}:{self._control[name]}")
                for number, name in enumerate(self.brokers, start=1)
            ],
            listeners=[
                Listener(
                    name=_DIRECT,
                    port=self.ports[broker],
                    advertised=f"{HERE}:{self.ports[broker]}",
                ),
                self._named(_BETWEEN, broker, self._between[broker]),
                *(self._for_client(client, broker) for client in clients),
            ],
            between_brokers=_BETWEEN,
            controller=self._named(_CONTROLLER, broker, self._control[broker]),
            copies=self.copies,
            in_sync=self.in_sync,
            hosts=hosts,
        )

    def hosts_of(self, broker: str) -> str:
        """The names of brokers as one broker sees them: itself, and its proxies to the others."""
        lines = [f"{HERE} localhost {broker}"]
        lines += [f"{self._seen_from(broker)} {name}" for name in self.brokers if name != broker]
        return "".join(f"{line}\n" for line in lines)

    def _for_client(self, client: str, broker: str) -> Listener:
        return Listener(
            name=client.upper().replace("-", "_"),
            port=self._listeners[client, broker],
            advertised=f"{HERE}:{self._proxies[client, broker]}",
        )

    def _named(self, name: str, broker: str, port: int) -> Listener:
        return Listener(name=name, port=port, advertised=f"{broker}:{port}")

    def _between_routes(self, client: str, server: str) -> Iterator[Route]:
        for port in (self._between[server], self._control[server]):
            yield Route((self._seen_from(client), port), (HERE, port))

    def _seen_from(self, broker: str) -> str:
        return f"127.0.1.{self.brokers.index(broker) + 1}"


def _names(role: str, count: int) -> Sequence[str]:
    return tuple(f"{role}-{number}" for number in range(1, count + 1))
