"""The system that a command works on: its shards and its topics, from settings or `run.json`."""

import json
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from cli.errors import CommandError
from config.running import run_file
from config.sections import ShardSettings
from config.settings import Settings, load_settings
from messaging.topics import TopicNames


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """Where everything is. Its shards hold every bucket 0 to `buckets` - 1 exactly once."""

    settings: Settings
    shards: tuple[ShardSettings, ...]
    buckets: int
    bootstrap: str
    topics: TopicNames


class _Kafka(BaseModel):
    model_config = ConfigDict(extra="ignore")

    bootstrap: str


class _RunFile(BaseModel):
    """What we use of `run.json`."""

    model_config = ConfigDict(extra="ignore")

    shards: tuple[ShardSettings, ...]
    kafka: _Kafka
    topics: dict[str, str]


def find_system() -> System:
    """The shards that are configured, else those of a running `make run`.

    Raises:
        CommandError: there are neither, `run.json` cannot be used, or a bucket is on no shard or
            on two.
        config.settings.UnknownSettingError, pydantic.ValidationError: as `load_settings`.
    """
    settings = load_settings()
    path = run_file(settings.home)
    if settings.shards:
        return _checked(
            System(
                settings=settings,
                shards=settings.shard_settings,
                buckets=settings.buckets,
                bootstrap=settings.kafka_bootstrap,
                topics=TopicNames.for_prefix(settings.kafka.topic_prefix),
            ),
            source="HOLDFAST_SHARDS",
        )
    running = _read_run_file(path)
    return _checked(
        System(
            settings=settings,
            shards=running.shards,
            # `make run` may have been told a number that this shell was not.
            buckets=sum(len(shard.buckets) for shard in running.shards),
            bootstrap=settings.kafka.bootstrap or running.kafka.bootstrap,
            topics=TopicNames(**running.topics),
        ),
        source=str(path),
    )


def _read_run_file(path: Path) -> _RunFile:
    try:
        return _RunFile.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise CommandError(
            f"nothing runs here ({path} is missing): start `make run`, go to the folder where it"
            " runs, or name the databases in HOLDFAST_SHARDS"
        ) from None
    except (OSError, ValueError) as error:  # ValidationError and bad JSON are ValueErrors
        what = error.errors()[0]["msg"] if isinstance(error, ValidationError) else error
        raise CommandError(
            f"{path} cannot be used ({what}); start `make run` again, or set HOLDFAST_SHARDS"
        ) from error


def _checked(system: System, *, source: str) -> System:
    placed = sorted(bucket for shard in system.shards for bucket in shard.buckets)
    if placed != list(range(system.buckets)):
        raise CommandError(
            f"{source} must place each bucket 0..{system.buckets - 1} on exactly one shard"
        )
    return system
