"""The measurement of slow clients: no attack, no figure."""

import socket
from collections.abc import Iterator

import pytest

from reliability.slow_clients.attacker import NoAttackError, attacked


@pytest.fixture
def listener() -> Iterator[str]:
    """The address of somebody who lets everybody connect, and answers nobody."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


async def test_an_attack_that_goes_on_passes(listener: str):
    async with attacked(listener, 3) as attack:
        assert attack.returncode is None

    assert attack.returncode is not None


async def test_an_attack_that_never_began_is_told_at_once():
    # No label of a name is that long: what opens the connections ends with an error.
    with pytest.raises(NoAttackError, match="did not begin"):
        async with attacked(f"http://{'a' * 64}:80", 3):
            pytest.fail("nobody attacks")


async def test_an_attack_that_died_on_the_way_is_told(listener: str):
    async def measure() -> None:
        async with attacked(listener, 3) as attack:
            attack.kill()
            await attack.wait()

    with pytest.raises(NoAttackError, match="ended with exit code -9"):
        await measure()
