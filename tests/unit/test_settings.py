"""Settings: unknown names are refused, and `.env.example` tells all of them as they are."""

import json
import os
import re
from ipaddress import ip_network
from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError
from pydantic.fields import FieldInfo

from config.sections import Section
from config.settings import (
    DELIMITER,
    PREFIX,
    Settings,
    UnknownSettingError,
    invalid_settings,
    load_settings,
    setting_names,
)

EXAMPLE = Path(__file__).parents[2] / ".env.example"
ENTRY = re.compile(r"# (?P<description>.+)\n#(?P<name>HOLDFAST_\w+)=(?P<value>.*)\n")


@pytest.fixture(autouse=True)
def nothing_set(tmp_path, monkeypatch):
    """No setting from the environment, and a folder without `.env`."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        monkeypatch.delenv(name)


def fields() -> dict[str, FieldInfo]:
    """Every field by the name of its environment variable."""
    found = {}
    for name, field in Settings.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, Section):
            for inner, inner_field in kind.model_fields.items():
                found[f"{PREFIX}{name}{DELIMITER}{inner}".upper()] = inner_field
        else:
            found[f"{PREFIX}{name}".upper()] = field
    return found


def written(default: object) -> str:
    """A default as it is written in a `.env` file."""
    match default:
        case SecretStr():
            return default.get_secret_value()
        case str() | Path():
            return str(default)
        case _:
            return json.dumps(default)


def test_example_tells_every_setting_its_default_and_what_it_is():
    told = {
        entry["name"]: (entry["value"], entry["description"])
        for entry in ENTRY.finditer(EXAMPLE.read_text(encoding="utf-8"))
    }

    assert told == {
        name: (written(field.get_default(call_default_factory=True)), field.description)
        for name, field in fields().items()
    }


def test_example_holds_nothing_else_that_looks_like_a_setting():
    names = re.findall(rf"^\W*({PREFIX}\w+)\s*=", EXAMPLE.read_text(encoding="utf-8"), re.MULTILINE)

    assert sorted(names) == sorted(setting_names())


def test_example_with_every_line_in_force_changes_nothing(tmp_path):
    text = EXAMPLE.read_text(encoding="utf-8").replace(f"#{PREFIX}", PREFIX)
    (tmp_path / ".env").write_text(text, encoding="utf-8")

    assert load_settings() == Settings(_env_file=None)


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("HOLDFAST_GATEWAY__PROT", "did you mean HOLDFAST_GATEWAY__PORT?"),
        ("HOLDFAST_GATEWAY_PORT", "did you mean HOLDFAST_GATEWAY__PORT?"),
        ("holdfast_shard", "did you mean HOLDFAST_SHARDS?"),
        ("HOLDFAST_ZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZ", "see .env.example for all settings"),
    ],
)
def test_unknown_name_is_refused_with_a_suggestion(monkeypatch, name, hint):
    monkeypatch.setenv(name, "1")

    with pytest.raises(UnknownSettingError) as caught:
        load_settings()

    assert str(caught.value) == f"{name.upper()} is not a setting; {hint}"


@pytest.mark.parametrize(
    "line", ["HOLDFAST_PROT=1", " HOLDFAST_PROT = 1", "export HOLDFAST_PROT=1"]
)
def test_unknown_name_in_the_file_is_refused(tmp_path, line):
    (tmp_path / ".env").write_text(f"# HOLDFAST_COMMENT=1\n{line}\n")

    with pytest.raises(UnknownSettingError, match="HOLDFAST_PROT"):
        load_settings()


def test_environment_goes_over_the_file(tmp_path, monkeypatch):
    (tmp_path / ".env").write_text("HOLDFAST_GATEWAY__PORT=1111\nHOLDFAST_KAFKA__PORT=2222\n")
    monkeypatch.setenv("HOLDFAST_GATEWAY__PORT", "3333")

    settings = load_settings()

    assert (settings.gateway.port, settings.kafka.port) == (3333, 2222)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HOLDFAST_GATEWAY__PORT", "65536"),
        ("HOLDFAST_WORKERS__COUNT", "0"),
        ("HOLDFAST_LOG__LEVEL", "loud"),
        ("HOLDFAST_LIMITS__USER_BURST", "199"),
        ("HOLDFAST_LIMITS__PER_ADDRESS", "4001"),
        ("HOLDFAST_LIMITS__LOGIN_PER_MIN", "0"),
        ("HOLDFAST_LIMITS__TRUSTED_PROXIES", '["10.0.0.1/8"]'),
        ("HOLDFAST_LIMITS__TRUSTED_PROXIES", '["proxy.example.com"]'),
        ("HOLDFAST_LIMITS__REDIS", "127.0.0.1:6379"),
    ],
)
def test_value_of_the_wrong_kind_is_refused(monkeypatch, name, value):
    monkeypatch.setenv(name, value)

    with pytest.raises(ValidationError):
        load_settings()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HOLDFAST_MESSAGES__KEYS", '["secret"]'),
        ("HOLDFAST_AUTH__TOKEN_TTL_S", "secret"),
        ("HOLDFAST_LIMITS__REDIS", "http://:secret@127.0.0.1"),
        ("HOLDFAST_SHARDS", '[{"name": "a", "dsn": "postgresql://u:secret@h/d", "buckets": [0]}]'),
    ],
)
def test_a_refusal_does_not_tell_the_value(monkeypatch, name, value):
    monkeypatch.setenv("HOLDFAST_MESSAGES__KEYS", '{"k": "secret"}')
    monkeypatch.setenv(name, value)

    with pytest.raises(ValidationError) as caught:
        load_settings()

    assert "secret" not in str(caught.value)


def test_what_is_wrong_is_told_with_the_names_of_the_variables(monkeypatch):
    monkeypatch.setenv("HOLDFAST_MOVEMENTS__DEPOSITS_BY", "secret")
    monkeypatch.setenv("HOLDFAST_GATEWAY__PORT", "80801")

    with pytest.raises(ValidationError) as caught:
        load_settings()

    told = invalid_settings(caught.value)
    assert "HOLDFAST_MOVEMENTS__DEPOSITS_BY: Input should be 'owner' or 'operator'" in told
    assert "HOLDFAST_GATEWAY__PORT: " in told
    assert "secret" not in told
    assert "\n" not in told


def test_trusted_proxies_are_addresses_and_networks(monkeypatch):
    proxies = '["10.0.0.0/8", "192.0.2.7", "fd00::/8", "::1"]'
    monkeypatch.setenv("HOLDFAST_LIMITS__TRUSTED_PROXIES", proxies)

    assert load_settings().limits.trusted_proxies == tuple(
        ip_network(text) for text in ("10.0.0.0/8", "192.0.2.7/32", "fd00::/8", "::1/128")
    )


@pytest.mark.parametrize("buckets", [[0, 1, 2], [0, 1, 2, 2], [0, 1, 2, 4]])
def test_shards_place_each_bucket_once(monkeypatch, buckets):
    monkeypatch.setenv("HOLDFAST_BUCKETS", "4")
    shard = {"name": "a", "dsn": "postgresql://h/d", "buckets": buckets}
    monkeypatch.setenv("HOLDFAST_SHARDS", json.dumps([shard]))

    with pytest.raises(ValidationError, match=r"each bucket 0\.\.3 exactly once"):
        load_settings()


def test_own_shards_deal_out_all_buckets(monkeypatch):
    monkeypatch.setenv("HOLDFAST_POSTGRES__SHARDS", "3")

    settings = load_settings()

    placed = [bucket for shard in settings.shard_settings for bucket in shard.buckets]
    assert sorted(placed) == list(range(32))
    assert [shard.name for shard in settings.shard_settings] == ["shard0", "shard1", "shard2"]


def test_more_shards_than_buckets_are_refused(monkeypatch):
    monkeypatch.setenv("HOLDFAST_BUCKETS", "4")
    monkeypatch.setenv("HOLDFAST_POSTGRES__SHARDS", "5")

    with pytest.raises(ValidationError, match="HOLDFAST_POSTGRES__SHARDS is 5"):
        load_settings()
