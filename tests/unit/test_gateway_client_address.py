"""Whom a request is counted for: the address of its connection, and what only our proxies say."""

from ipaddress import IPv4Address, IPv6Address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict, CIMultiDictProxy

from gateway.client_address import ClientAddresses

TRUSTED = ("10.0.0.0/8", "192.0.2.7/32", "fd00::/8")
NOBODY = ClientAddresses(())
OURS = ClientAddresses([ip_network(text) for text in TRUSTED])

ADDRESSES = st.ip_addresses().map(str)
PUBLIC = st.ip_addresses().filter(
    lambda a: not any(_plain(a) in ip_network(text) for text in TRUSTED)
)


def _plain(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    return (address.version == 6 and address.ipv4_mapped) or address


def client_of(clients: ClientAddresses, peer: str, *forwarded: str, **others: str) -> str:
    headers = CIMultiDict(others)
    for value in forwarded:
        headers.add("X-Forwarded-For", value)
    return clients.client_of(peer, CIMultiDictProxy(headers))


def test_a_client_is_the_address_of_its_connection():
    assert client_of(NOBODY, "203.0.113.9") == "203.0.113.9"


@pytest.mark.parametrize(
    ("peer", "client"),
    [
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:DB8:1:2::", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::6", "2001:db8:1:3::/64"),
        ("::1", "::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("::ffff:cb00:7109", "203.0.113.9"),
    ],
)
def test_ipv6_counts_by_network_and_mapped_ipv4_as_itself(peer, client):
    assert client_of(NOBODY, peer) == client


def test_a_peer_without_an_address_is_itself():
    assert client_of(OURS, "", "203.0.113.9") == ""
    assert client_of(OURS, "/run/gateway.sock", "203.0.113.9") == "/run/gateway.sock"


@given(peer=PUBLIC.map(str), forwarded=st.lists(ADDRESSES | st.text(max_size=20), max_size=5))
def test_what_somebody_else_than_a_proxy_of_ours_says_changes_nothing(peer, forwarded):
    alone = client_of(OURS, peer)

    assert client_of(OURS, peer, *forwarded) == alone
    assert client_of(OURS, peer, ", ".join(forwarded)) == alone


@given(peer=ADDRESSES, forwarded=st.lists(ADDRESSES, max_size=5))
def test_without_proxies_nothing_that_is_said_counts(peer, forwarded):
    assert client_of(NOBODY, peer, *forwarded) == client_of(NOBODY, peer)


@given(
    spoofed=st.lists(ADDRESSES | st.sampled_from(["10.1.1.1", "x", "", "unknown"]), max_size=5),
    client=PUBLIC,
    proxies=st.lists(st.sampled_from(["10.1.2.3", "192.0.2.7", "::ffff:10.9.9.9", "fd00::1"])),
)
def test_what_a_client_wrote_itself_is_left_of_its_address_and_changes_nothing(
    spoofed, client, proxies
):
    entries = [*spoofed, str(client), *proxies]

    assert client_of(OURS, "10.0.0.1", ", ".join(entries)) == client_of(NOBODY, str(client))


@given(
    entries=st.lists(ADDRESSES | st.sampled_from(["10.1.1.1", "x"]), min_size=1, max_size=6),
    data=st.data(),
)
def test_several_headers_are_one_list(entries, data):
    cuts = sorted(data.draw(st.sets(st.integers(1, len(entries)))) | {len(entries)})
    parts = [entries[a:b] for a, b in zip([0, *cuts], cuts, strict=False)]

    assert client_of(OURS, "10.0.0.1", *(",".join(part) for part in parts)) == client_of(
        OURS, "10.0.0.1", ",".join(entries)
    )


@pytest.mark.parametrize(
    ("forwarded", "client"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("198.51.100.1, 203.0.113.9", "203.0.113.9"),
        ("203.0.113.9 ,\t10.1.1.1", "203.0.113.9"),
        ("203.0.113.9, 192.0.2.7", "203.0.113.9"),
        ("203.0.113.9, 192.0.2.8", "192.0.2.8"),
        ("2001:db8::5, fd00::1", "2001:db8::/64"),
        ("::ffff:203.0.113.9, ::ffff:10.1.1.1", "203.0.113.9"),
        # All of the way is ours: the first of ours asks.
        ("10.2.2.2, 10.1.1.1", "10.2.2.2"),
        # What is no plain address ends it at the one who said so.
        ("203.0.113.9, unknown", "10.0.0.1"),
        ("203.0.113.9, nonsense, 10.1.1.1", "10.1.1.1"),
        ("203.0.113.9,, 10.1.1.1", "10.1.1.1"),
        ("203.0.113.9:1234", "10.0.0.1"),
        ("[2001:db8::5]:1234", "10.0.0.1"),
        ("203.0.113.9/32", "10.0.0.1"),
        ("203.0.113.09", "10.0.0.1"),
        ("2001:db8::5" + "%" + "x" * 5000, "10.0.0.1"),
        ("", "10.0.0.1"),
    ],
)
def test_the_client_behind_proxies_of_ours_is_the_first_from_the_right_that_is_none(
    forwarded, client
):
    assert client_of(OURS, "10.0.0.1", forwarded) == client


def test_a_proxy_that_says_nothing_is_the_client():
    assert client_of(OURS, "10.0.0.1") == "10.0.0.1"


def test_other_headers_that_name_an_address_are_ignored():
    others = {"Forwarded": "for=203.0.113.9", "X-Real-IP": "203.0.113.9"}

    assert client_of(OURS, "10.0.0.1", **others) == "10.0.0.1"


def test_what_is_remembered_of_addresses_is_bounded():
    clients = ClientAddresses(())

    for number in range(30_000):
        client_of(clients, str(IPv4Address(number)))

    assert clients._remembered.cache_info().currsize == 10_000
