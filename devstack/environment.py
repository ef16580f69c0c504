"""What the children are told, as the environment variables that settings are read from."""

import json
from collections.abc import Mapping

from config.settings import Settings
from devstack.home import Home
from devstack.keys import Keys
from devstack.ports import free_port


def with_ports(settings: Settings) -> Settings:
    """The settings with a free port wherever one of ours is 0."""
    gateway, kafka, postgres = settings.gateway, settings.kafka, settings.postgres
    return settings.model_copy(
        update={
            "gateway": gateway.model_copy(
                update={
                    "port": gateway.port or free_port(),
                    "admin_port": gateway.admin_port or free_port(),
                }
            ),
            "kafka": kafka.model_copy(update={"port": kafka.port or free_port()}),
            "postgres": postgres.model_copy(update={"port": postgres.port or free_port()}),
        }
    )


def children_environment(
    settings: Settings, *, home: Home, keys: Keys, inherited: Mapping[str, str]
) -> dict[str, str]:
    """The whole environment of the gateway, of the workers and of the setup.

    It says where everything is, and holds the keys of the data folder unless the user gave some.
    """
    shards = [shard.model_dump(mode="json") for shard in settings.shard_settings]
    ours = {
        "HOLDFAST_HOME": str(home.folder),
        "HOLDFAST_SHARDS": json.dumps(shards),
        "HOLDFAST_KAFKA__BOOTSTRAP": settings.kafka_bootstrap,
        "HOLDFAST_GATEWAY__PORT": str(settings.gateway.port),
        "HOLDFAST_GATEWAY__ADMIN_PORT": str(settings.gateway.admin_port),
    }
    if not settings.auth.jwt_secret.get_secret_value():
        ours["HOLDFAST_AUTH__JWT_SECRET"] = keys.jwt_secret
    if not settings.messages.keys:
        ours["HOLDFAST_MESSAGES__KEYS"] = json.dumps(keys.message_keys)
        ours["HOLDFAST_MESSAGES__SIGNING_KEY"] = next(iter(keys.message_keys))
    return {**inherited, **ours}
