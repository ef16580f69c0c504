"""Fixtures of the integration tests."""

from pathlib import Path

import pytest

from shards.router import ShardMap
from tests.databases import ShardDatabase
from tests.integration.command import Holdfast
from tests.integration.world import World


@pytest.fixture
def world(shards: ShardMap) -> World:
    """Users and steps over two empty shards."""
    return World(shards)


@pytest.fixture
def holdfast(tmp_path: Path, shard_databases: list[ShardDatabase]) -> Holdfast:
    """The command, on the same two shards."""
    return Holdfast(tmp_path, shard_databases)
