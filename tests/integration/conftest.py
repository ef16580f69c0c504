"""Fixtures of the integration tests."""

import pytest

from shards.router import ShardMap
from tests.integration.world import World


@pytest.fixture
def world(shards: ShardMap) -> World:
    """Users and steps over two empty shards."""
    return World(shards)
