"""The address that a client is counted by: that of its connection, or what our own proxies say.

Whoever sends `X-Forwarded-For` writes into it what they like, and a proxy only adds to it on the
right. So it is read from the right, and no further than our own proxies wrote it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final, TypeAlias

from aiohttp import web

from gateway.headers import Headers

Network: TypeAlias = IPv4Network | IPv6Network

# No address is spelled longer; what is longer is not worth remembering.
_TEXT_MAX: Final = 64
# Addresses whose look-up is remembered; it costs some microseconds, and peers come again.
_REMEMBERED: Final = 10_000
# Who has one IPv6 address has all of its /64.
_OWNED_BITS: Final = 64


@dataclass(frozen=True, slots=True)
class _Hop:
    """One address on the way of a request, and whether what it says of others counts."""

    client: str
    is_trusted: bool


class ClientAddresses:
    """Tells clients apart.

    Args:
        trusted: addresses of proxies whose `X-Forwarded-For` counts; nobody else's does.
    """

    def __init__(self, trusted: Sequence[Network]) -> None:
        self._trusted = tuple(trusted)
        self._remembered = lru_cache(maxsize=_REMEMBERED)(self._look)

    def client_of(self, peer: str, headers: Headers) -> str:
        """The client that a request came from.

        It is the first address, from the connection on and then from the right of all
        `X-Forwarded-For` headers, that is no trusted proxy. An entry that is no plain address ends
        the way, and so does the end of the list: the proxy that was found last is the client then.

        Args:
            peer: the other end of the connection.
            headers: of the request; `Forwarded` and `X-Real-IP` are ignored.

        Returns:
            An IPv4 address, or an IPv6 network of 64 bits; an IPv4 address in IPv6 is the former.
            A peer without an IP address (a socket of this machine) is itself.
        """
        found = self._hop(peer)
        if found is None:
            return peer
        if not found.is_trusted:
            return found.client
        for entry in _from_the_right(headers.getall("X-Forwarded-For", [])):
            hop = self._hop(entry)
            if hop is None:
                break
            found = hop
            if not hop.is_trusted:
                break
        return found.client

    def of_request(self, request: web.BaseRequest) -> str:
        """The client that this request came from."""
        return self.client_of(request.remote or "", request.headers)

    def of_peer(self, peer: str) -> str | None:
        """The client at the other end of a connection; None for a proxy of ours."""
        found = self._hop(peer)
        if found is None:
            return peer
        return None if found.is_trusted else found.client

    def _hop(self, text: str) -> _Hop | None:
        return self._remembered(text) if len(text) <= _TEXT_MAX else None

    def _look(self, text: str) -> _Hop | None:
        try:
            address = _plain(ip_address(text))
        except ValueError:
            return None
        return _Hop(_client(address), any(address in network for network in self._trusted))


def _from_the_right(values: Sequence[str]) -> Iterator[str]:
    """The entries of a list that may be spread over several headers, the last one first."""
    return (entry.strip(" \t") for entry in reversed(",".join(values).split(",")))


def _plain(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """The IPv4 address that is spelled as IPv6 (`::ffff:1.2.3.4`), or the address itself."""
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped if mapped is not None else address


def _client(address: IPv4Address | IPv6Address) -> str:
    if isinstance(address, IPv4Address):
        return str(address)
    network = int(address) >> _OWNED_BITS << _OWNED_BITS
    return f"{IPv6Address(network)}/{_OWNED_BITS}"
