"""What the programs of a stack are told."""

import json
import os
import secrets
from collections.abc import Mapping

from devstack.programs import Listener, Program
from reliability.chaos.stack.layout import HERE, Layout
from reliability.chaos.stack.node import Role
from reliability.chaos.stack.options import StackOptions

_GATEWAY_PORT = "HOLDFAST_GATEWAY__PORT"
_ADMIN_PORT = "HOLDFAST_WORKERS__ADMIN_PORT"


class Environment:
    """Makes the environments, and from them the programs.

    Args:
        options: of the stack; its settings go over ours.
        layout: of the stack.
    """

    def __init__(self, options: StackOptions, layout: Layout) -> None:
        self._options = options
        self._layout = layout
        self._jwt_secret = secrets.token_hex(32)
        self._message_keys = {"key1": secrets.token_hex(32)}

    def of(self, client: str | None = None) -> dict[str, str]:
        """The whole environment of a client, or of one that does not come through the proxies."""
        layout = self._layout
        shards = [
            {
                "name": shard,
                "dsn": layout.dsn(shard, client=client),
                "buckets": layout.buckets_of(shard),
            }
            for shard in layout.shards
        ]
        # Settings of whoever started this are not those of the stack.
        inherited = {name: value for name, value in os.environ.items() if "HOLDFAST_" not in name}
        return {
            **inherited,
            "HOLDFAST_HOME": str(self._options.folder.resolve()),
            "HOLDFAST_BUCKETS": str(layout.buckets),
            "HOLDFAST_SHARDS": json.dumps(shards),
            "HOLDFAST_KAFKA__BOOTSTRAP": layout.bootstrap(client=client),
            "HOLDFAST_KAFKA__REPLICATION_FACTOR": str(layout.copies),
            "HOLDFAST_KAFKA__MIN_INSYNC_REPLICAS": str(layout.in_sync),
            "HOLDFAST_AUTH__JWT_SECRET": self._jwt_secret,
            "HOLDFAST_MESSAGES__KEYS": json.dumps(self._message_keys),
            # A few users at one address send as fast as they are answered.
            "HOLDFAST_LIMITS__ENABLED": "false",
            "HOLDFAST_LOG__LEVEL": "warning",
            **self._options.environment,
        }

    def program(self, name: str, role: Role, more: Mapping[str, str]) -> Program:
        """A gateway or a worker, with more settings over its own."""
        is_gateway = role is Role.GATEWAY
        port_setting = _GATEWAY_PORT if is_gateway else _ADMIN_PORT
        port = self._layout.ports[name]
        listener = Listener(
            host=HERE,
            port=port,
            # A gateway is of use while a server is away; a worker is once it is in its group.
            ready_path="/health" if is_gateway else "/ready",
            port_setting=port_setting,
        )
        return Program(
            name,
            module="gateway" if is_gateway else "workers",
            listener=listener,
            env={**self.of(name), port_setting: str(port), **more},
            log=self._options.folder / "logs" / f"{name}.log",
            # Where no `.env` lies.
            cwd=self._options.folder,
        )
