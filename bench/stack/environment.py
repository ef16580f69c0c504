"""What the programs of a case are told: the product's defaults but one, and where all is."""

import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bench.cases import Shape
from bench.stack.shards import database_names
from devstack.postgres import PostgresServer
from messaging.topics import TopicNames

HERE = "127.0.0.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Names and keys of one system, of its own on servers that it shares.

    Attributes:
        name: no other system on the servers has it.
        shape: its size.
        folder: of its logs; no `.env` lies there.
        bootstrap: the broker.
        dsns: name of a shard to its database.
        jwt_secret: signs tokens.
        message_keys: sign messages.
        settings: more settings of the programs, which go over the product's defaults.
    """

    name: str
    shape: Shape
    folder: Path
    bootstrap: str
    dsns: Mapping[str, str]
    settings: Mapping[str, str]
    jwt_secret: str = field(default_factory=lambda: secrets.token_hex(32))
    message_keys: Mapping[str, str] = field(default_factory=lambda: {"key1": secrets.token_hex(32)})

    @property
    def topics(self) -> TopicNames:
        """Its topics."""
        return TopicNames.for_prefix(self.name)

    @property
    def shard_of(self) -> tuple[str, ...]:
        """The shard of each bucket: dealt out in turn."""
        names = tuple(self.dsns)
        return tuple(names[bucket % len(names)] for bucket in range(self.shape.buckets))

    def environment(self) -> dict[str, str]:
        """The whole environment of a program; settings of whoever started this are not in it."""
        shards = [
            {
                "name": shard,
                "dsn": dsn,
                "buckets": [b for b, home in enumerate(self.shard_of) if home == shard],
            }
            for shard, dsn in self.dsns.items()
        ]
        inherited = {name: value for name, value in os.environ.items() if "HOLDFAST_" not in name}
        return {
            **inherited,
            "HOLDFAST_HOME": str(self.folder),
            "HOLDFAST_BUCKETS": str(self.shape.buckets),
            "HOLDFAST_SHARDS": json.dumps(shards),
            "HOLDFAST_KAFKA__BOOTSTRAP": self.bootstrap,
            "HOLDFAST_KAFKA__TOPIC_PREFIX": self.name,
            "HOLDFAST_KAFKA__GROUP": self.name,
            "HOLDFAST_AUTH__JWT_SECRET": self.jwt_secret,
            "HOLDFAST_MESSAGES__KEYS": json.dumps(dict(self.message_keys)),
            # All of the load is one address.
            "HOLDFAST_LIMITS__ENABLED": "false",
            **self.settings,
        }


def place_of(
    name: str,
    shape: Shape,
    *,
    folder: Path,
    postgres: PostgresServer,
    bootstrap: str,
    settings: Mapping[str, str],
) -> Place:
    """The place of a system whose databases are named after it."""
    folder.mkdir(parents=True, exist_ok=True)
    return Place(
        name=name,
        shape=shape,
        folder=folder,
        bootstrap=bootstrap,
        dsns={
            f"shard{number}": postgres.dsn(database)
            for number, database in enumerate(database_names(name, shape.shards))
        },
        settings=settings,
    )
