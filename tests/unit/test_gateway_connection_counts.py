"""When a connection is one too many: of all, or of its address."""

from ipaddress import ip_network

import pytest

from gateway.client_address import ClientAddresses
from gateway.connection_counts import DOOR, DOOR_OF_ADDRESS, ConnectionCounts, Over

PROXIES = (ip_network("10.0.0.0/8"),)
CAP, PART = 100, 3


@pytest.fixture
def counts() -> ConnectionCounts:
    return ConnectionCounts(connections=CAP, of_address=PART, clients=ClientAddresses(PROXIES))


@pytest.mark.parametrize(
    ("connected", "mine", "over"),
    [
        (0, 0, Over.NO),
        (CAP - 1, PART - 1, Over.NO),
        (CAP, 0, Over.AT_DOOR),
        (CAP + DOOR - 1, 0, Over.AT_DOOR),
        (CAP + DOOR, 0, Over.UNHEARD),
        (PART, PART, Over.AT_DOOR),
        (20, PART + DOOR_OF_ADDRESS - 1, Over.AT_DOOR),
        (20, PART + DOOR_OF_ADDRESS, Over.UNHEARD),
    ],
)
def test_there_is_a_cap_and_a_part_of_it(counts, connected: int, mine: int, over: Over):
    for _ in range(mine):
        counts.count("192.0.2.1", 1)

    assert counts.over("192.0.2.1", connected=connected) is over


def test_what_has_ended_counts_no_more_and_others_never_did(counts):
    for _ in range(PART):
        counts.count("192.0.2.1", 1)
    others = counts.over("192.0.2.2", connected=PART)
    counts.count("192.0.2.1", -1)

    assert others is Over.NO
    assert counts.over("192.0.2.1", connected=PART - 1) is Over.NO


def test_a_proxy_of_ours_is_counted_in_all_and_has_no_part(counts):
    address = counts.address_of(("10.0.0.1", 1234))
    for _ in range(PART + DOOR_OF_ADDRESS):
        counts.count(address, 1)

    assert address is None
    assert counts.over(address, connected=PART) is Over.NO
    assert counts.over(address, connected=CAP) is Over.AT_DOOR


@pytest.mark.parametrize(
    ("peername", "address"),
    [(("192.0.2.1", 1), "192.0.2.1"), (("::ffff:192.0.2.1", 1, 0, 0), "192.0.2.1"), ("", None)],
)
def test_a_connection_is_counted_by_its_other_end(counts, peername: object, address: str | None):
    assert counts.address_of(peername) == address
