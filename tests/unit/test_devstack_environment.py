"""Children read back exactly the settings that the supervisor resolved."""

import os

import pytest

from config.sections import ShardSettings
from config.settings import PREFIX, Settings, load_settings
from devstack.environment import children_environment, with_ports
from devstack.home import Home
from devstack.keys import Keys

KEYS = Keys(jwt_secret="a" * 64, message_keys={"key1": "b" * 64})


@pytest.fixture
def read_back(tmp_path, monkeypatch):
    """What a child with that environment would load, away from any `.env`."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        monkeypatch.delenv(name)

    def load(settings: Settings) -> Settings:
        home = Home(tmp_path / "home")
        env = children_environment(settings, home=home, keys=KEYS, inherited={})
        for name, value in env.items():
            monkeypatch.setenv(name, value)
        return load_settings()

    return load


def test_defaults_come_with_shards_broker_and_keys(read_back, tmp_path):
    settings = with_ports(Settings(_env_file=None))

    loaded = read_back(settings)

    assert loaded.home == tmp_path / "home"
    assert loaded.shards == settings.shard_settings
    assert loaded.kafka.bootstrap == "127.0.0.1:19092"
    assert loaded.auth.jwt_secret.get_secret_value() == KEYS.jwt_secret
    assert loaded.messages.keys["key1"].get_secret_value() == KEYS.message_keys["key1"]
    assert loaded.messages.signing_key == "key1"


def test_keys_of_the_user_are_not_replaced():
    settings = Settings(
        _env_file=None, auth={"jwt_secret": "x" * 32}, messages={"keys": {"mine": "y" * 32}}
    )

    env = children_environment(settings, home=Home(settings.home), keys=KEYS, inherited={})

    assert "HOLDFAST_AUTH__JWT_SECRET" not in env
    assert not any(name.startswith("HOLDFAST_MESSAGES") for name in env)


def test_shards_of_the_user_are_passed_on(read_back):
    shard = ShardSettings(name="far", dsn="postgresql://db.example/x", buckets=tuple(range(32)))

    assert read_back(Settings(_env_file=None, shards=(shard,))).shards == (shard,)


def test_port_zero_becomes_a_free_one_everywhere():
    settings = with_ports(
        Settings(_env_file=None, gateway={"port": 0}, kafka={"port": 0}, postgres={"port": 0})
    )

    ports = {
        settings.gateway.port,
        settings.gateway.admin_port,
        settings.kafka.port,
        settings.postgres.port,
    }
    assert len(ports) == 4
    assert 0 not in ports
    assert f":{settings.postgres.port}/" in settings.shard_settings[0].dsn
    assert settings.kafka_bootstrap == f"127.0.0.1:{settings.kafka.port}"
