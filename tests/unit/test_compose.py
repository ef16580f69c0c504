"""docker-compose.dev.yaml and Dockerfile.dev say what the code says; no engine is needed."""

import ast
import json
import re
import shlex
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from config.settings import PREFIX, Settings, load_settings, setting_names
from config.wiring import key_ring, topic_names
from devstack.jars import KAFKA
from devstack.kafka_config import write_properties
from devstack.postgres import _initdb_terms
from devstack.postgres_binaries import MAJOR
from gateway.tokens import SECRET_BYTES_MIN
from messaging.topics import TopicNames
from workers.__main__ import _WATCHDOG_S

ROOT = Path(__file__).parents[2]
COMPOSE = ROOT / "docker-compose.dev.yaml"
DOCKERFILE = ROOT / "Dockerfile.dev"
OURS = ("migrate", "gateway", "worker")
STORES = ("postgres-a", "postgres-b", "kafka")
VARIABLE = re.compile(r"\$\{(?P<name>\w+):-(?P<default>[^}]*)\}")


def compose() -> dict[str, Any]:
    """The file as Compose sees it on a machine that sets no variable."""
    text = VARIABLE.sub(lambda found: found["default"], COMPOSE.read_text(encoding="utf-8"))
    assert "${" not in text, "a variable without a default"
    loaded: dict[str, Any] = yaml.safe_load(text)
    return loaded


def service(name: str) -> dict[str, Any]:
    found: dict[str, Any] = compose()["services"][name]
    return found


@pytest.fixture
def settings_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Loads a service's settings as the process in its container would."""

    def load(name: str) -> Settings:
        monkeypatch.chdir(tmp_path)
        for variable, value in service(name)["environment"].items():
            monkeypatch.setenv(variable, value)
        return load_settings()

    return load


@pytest.mark.parametrize("name", OURS)
def test_every_setting_is_known_and_loads(settings_of, name):
    environment = service(name)["environment"]

    assert {n for n in environment if n.startswith(PREFIX)} <= set(setting_names())
    assert all(isinstance(value, str) for value in environment.values())
    assert settings_of(name).buckets == Settings.model_fields["buckets"].default


def test_variables_that_look_like_settings_are_settings():
    names = {found["name"] for found in VARIABLE.finditer(COMPOSE.read_text(encoding="utf-8"))}

    assert {n for n in names if n.startswith(PREFIX)} <= set(setting_names())


@pytest.mark.parametrize("name", OURS)
def test_every_bucket_is_on_one_shard_of_a_server_that_is_there(settings_of, name):
    shards = settings_of(name).shard_settings

    # That each bucket stands once is what loading checks.
    assert len({shard.dsn for shard in shards}) == len(shards) == 4
    assert {urlsplit(shard.dsn).hostname for shard in shards} == {"postgres-a", "postgres-b"}


@pytest.mark.parametrize("name", ["postgres-a", "postgres-b"])
def test_each_server_makes_the_databases_of_its_shards(settings_of, name):
    told = compose()
    server = told["services"][name]
    (config,) = server["configs"]
    second = told["configs"][config["source"]]["content"].split()[-1]
    dsns = [urlsplit(shard.dsn) for shard in settings_of("gateway").shard_settings]
    wanted = {dsn.path.lstrip("/") for dsn in dsns if dsn.hostname == name}

    assert {server["environment"]["POSTGRES_DB"], second} == wanted
    assert config["target"].startswith("/docker-entrypoint-initdb.d/")
    login = {(d.username, d.password) for d in dsns if d.hostname == name}
    environment = server["environment"]
    assert login == {(environment["POSTGRES_USER"], environment["POSTGRES_PASSWORD"])}


def test_all_processes_have_the_same_keys_and_topics(settings_of):
    each = [settings_of(name) for name in OURS]

    assert all(topic_names(settings) == TopicNames.for_prefix("wallet") for settings in each)
    assert len({settings.auth.jwt_secret.get_secret_value() for settings in each}) == 1
    assert (
        len({json.dumps(service(n)["environment"]["HOLDFAST_MESSAGES__KEYS"]) for n in OURS}) == 1
    )


def test_secrets_are_long_enough_and_say_what_they_are(settings_of):
    settings = settings_of("gateway")
    secrets = [
        settings.auth.jwt_secret.get_secret_value(),
        *(secret.get_secret_value() for secret in settings.messages.keys.values()),
    ]

    key_ring(settings)  # refuses short ones
    assert all(len(secret) >= SECRET_BYTES_MIN for secret in secrets)
    assert all(secret.startswith("development-only") for secret in secrets)


def test_versions_are_those_of_make_run():
    assert service("kafka")["image"] == f"apache/kafka:{KAFKA.version}"
    assert {service(n)["image"] for n in ("postgres-a", "postgres-b")} == {f"postgres:{MAJOR}"}


def test_databases_are_made_as_make_run_makes_them():
    terms = shlex.split(service("postgres-a")["environment"]["POSTGRES_INITDB_ARGS"])

    assert set(terms) <= set(_initdb_terms(Path("data")))
    assert any(term.startswith("--builtin-locale") for term in terms)


def test_the_broker_is_configured_as_that_of_make_run(tmp_path):
    """Where it listens and keeps its data is its own; every other line must be the same."""
    own = {
        "advertised.listeners",
        "controller.quorum.voters",
        "listener.security.protocol.map",
        "listeners",
        "log.dirs",
    }
    file = tmp_path / "server.properties"
    write_properties(file, port=1, controller_port=2, log_dirs=tmp_path)
    lines = [line for line in file.read_text().splitlines() if not line.startswith("#")]
    ours = dict(line.split("=", 1) for line in lines)
    told = {
        name.removeprefix("KAFKA_").lower().replace("_", "."): value
        for name, value in service("kafka")["environment"].items()
        if name.startswith("KAFKA_") and name != "KAFKA_HEAP_OPTS"
    }
    tuning = {"num.network.threads", "num.io.threads", "log.index.size.max.bytes"}

    assert {n: v for n, v in told.items() if n not in own} == {
        n: v for n, v in ours.items() if n not in own | tuning
    }
    assert told["auto.create.topics.enable"] == "false"


def test_the_broker_is_reached_by_the_name_it_advertises(settings_of):
    environment = service("kafka")["environment"]
    advertised = environment["KAFKA_ADVERTISED_LISTENERS"].split(",")
    host_port = Settings.model_fields["kafka"].default.port

    assert f"PLAINTEXT://{settings_of('gateway').kafka_bootstrap}" in advertised
    assert f"HOST://127.0.0.1:{host_port}" in advertised
    assert service("kafka")["ports"] == [f"127.0.0.1:{host_port}:19092"]


def test_the_group_accepts_our_session_timeout(settings_of):
    least_ms = int(service("kafka")["environment"]["KAFKA_GROUP_MIN_SESSION_TIMEOUT_MS"])

    assert settings_of("worker").workers.session_timeout_s * 1000 >= least_ms


def test_listeners_are_where_they_are_looked_for(settings_of):
    gateway, worker = settings_of("gateway"), settings_of("worker")
    probe = {name: " ".join(service(name)["healthcheck"]["test"]) for name in ("gateway", "worker")}

    assert gateway.gateway.host == "0.0.0.0"
    assert f"127.0.0.1:{gateway.gateway.port}/ready" in probe["gateway"]
    assert f"127.0.0.1:{worker.workers.admin_port}/ready" in probe["worker"]
    assert service("gateway")["ports"] == ["127.0.0.1:8080:8080"]


def test_everything_waits_until_what_it_needs_is_healthy():
    healthy = {name: {"condition": "service_healthy"} for name in STORES}
    done = {"migrate": {"condition": "service_completed_successfully"}}

    assert all("healthcheck" in service(name) for name in (*STORES, "gateway", "worker"))
    assert service("migrate")["depends_on"] == healthy
    assert (
        service("gateway")["depends_on"] == service("worker")["depends_on"] == {**healthy, **done}
    )


def test_what_runs_for_ever_is_started_again_and_has_time_to_end():
    for name in (*STORES, "gateway", "worker"):
        assert service(name)["restart"] == "unless-stopped"
        assert service(name)["stop_grace_period"].endswith("s")

    assert int(service("worker")["stop_grace_period"].removesuffix("s")) > _WATCHDOG_S
    assert service("worker")["deploy"]["replicas"] == Settings.model_fields["workers"].default.count


def test_nothing_is_open_to_the_outside():
    ports = [port for each in compose()["services"].values() for port in each.get("ports", [])]

    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_data_of_postgres_is_kept_where_the_image_keeps_it():
    for name in ("postgres-a", "postgres-b"):
        assert service(name)["volumes"] == [f"{name}:/var/lib/postgresql"]


def instructions() -> list[list[str]]:
    """The Dockerfile's instructions, each as its words."""
    text = DOCKERFILE.read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [line.split() for line in lines]


def copied() -> set[str]:
    """The packages in the image."""
    words = {word for line in instructions() if line[0] == "COPY" for word in line[1:-1]}
    return {word.rstrip("/") for word in words if word.endswith("/")}


def imported(package: str, *, first_party: set[str]) -> set[str]:
    """The packages of ours that a package imports."""
    found = set()
    for file in (ROOT / package).rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            match node:
                case ast.Import():
                    found |= {alias.name.split(".")[0] for alias in node.names}
                case ast.ImportFrom(module=str(module)):
                    found.add(module.split(".")[0])
    return found & first_party


def test_the_image_has_every_package_its_commands_need():
    first_party = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    needed = {package for name in copied() for package in imported(name, first_party=first_party)}

    assert needed <= copied() <= first_party


@pytest.mark.parametrize("name", OURS)
def test_commands_exist(name):
    match service(name)["command"]:
        case ["python", "-m", module]:
            assert (ROOT / module / "__main__.py").is_file()
            assert module in copied()
        case ["holdfast", command, *_]:
            assert (ROOT / "cli" / f"{command}.py").is_file()
        case other:
            raise AssertionError(f"an unknown command: {other}")


def test_the_image_runs_as_nobody_special_and_installs_by_hash():
    users = [line[1] for line in instructions() if line[0] == "USER"]
    runs = [" ".join(line) for line in instructions() if line[0] == "RUN"]

    assert users == ["holdfast"]
    assert instructions()[0][:1] == ["FROM"]
    assert any("--require-hashes -r requirements.lock" in run for run in runs)
    assert not {".", "./", ".env"} & {
        w for line in instructions() if line[0] == "COPY" for w in line[1:-1]
    }
