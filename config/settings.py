"""Every setting of Holdfast, read from the environment and from `.env`.

Names begin with `HOLDFAST_`; `__` separates levels (`HOLDFAST_GATEWAY__PORT`). Only entry points
read settings; everything else is handed the values it needs.
"""

import difflib
import os
from pathlib import Path
from typing import Annotated

from dotenv import dotenv_values
from pydantic import Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from config.sections import (
    AuthSettings,
    ClientSettings,
    GatewaySettings,
    KafkaSettings,
    LaneSettings,
    LimitSettings,
    LogSettings,
    MessageSettings,
    MovementSettings,
    PostgresSettings,
    RedriveSettings,
    Section,
    ShardSettings,
    TransferSettings,
    WorkerSettings,
)
from shards.ids import BUCKETS_MAX

PREFIX = "HOLDFAST_"
DELIMITER = "__"


class Settings(BaseSettings):
    """All settings of one process."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter=DELIMITER,
        env_file=".env",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        # An entry point prints the error, and values are secrets, or addresses with passwords.
        hide_input_in_errors=True,
    )

    home: Path = Field(Path(".holdfast"), description="Folder of all data, logs and keys.")
    buckets: Annotated[int, Field(ge=1, le=BUCKETS_MAX)] = Field(
        32, description="Hash slots of the system; fixed when it is created."
    )
    shards: tuple[ShardSettings, ...] = Field(
        (), description="JSON list of shards; empty means those that `make run` creates."
    )
    clock_offset_s: float = Field(
        0.0, description="How far this process's own clock is off, for tests of clock skew."
    )
    gateway: GatewaySettings = GatewaySettings()
    clients: ClientSettings = ClientSettings()
    kafka: KafkaSettings = KafkaSettings()
    postgres: PostgresSettings = PostgresSettings()
    workers: WorkerSettings = WorkerSettings()
    lanes: LaneSettings = LaneSettings()
    redrive: RedriveSettings = RedriveSettings()
    auth: AuthSettings = AuthSettings()
    messages: MessageSettings = MessageSettings()
    transfers: TransferSettings = TransferSettings()
    movements: MovementSettings = MovementSettings()
    limits: LimitSettings = LimitSettings()
    log: LogSettings = LogSettings()

    @model_validator(mode="after")
    def _each_bucket_on_one_shard(self) -> "Settings":
        if not self.shards and self.postgres.shards > self.buckets:
            raise ValueError(
                f"HOLDFAST_POSTGRES__SHARDS is {self.postgres.shards}, but there are only"
                f" {self.buckets} buckets (HOLDFAST_BUCKETS): a shard without one is of no use"
            )
        if self.shards:
            placed = sorted(bucket for shard in self.shards for bucket in shard.buckets)
            if placed != list(range(self.buckets)):
                raise ValueError(
                    f"HOLDFAST_SHARDS must place each bucket 0..{self.buckets - 1} exactly once"
                )
        return self

    @property
    def kafka_bootstrap(self) -> str:
        """The brokers to talk to: those configured, or the one that `make run` starts."""
        return self.kafka.bootstrap or f"127.0.0.1:{self.kafka.port}"

    @property
    def shard_settings(self) -> tuple[ShardSettings, ...]:
        """The shards configured, or those that `make run` creates: buckets dealt out in turn."""
        if self.shards:
            return self.shards
        count = self.postgres.shards
        return tuple(
            ShardSettings(
                name=f"shard{index}",
                dsn=f"postgresql://holdfast@127.0.0.1:{self.postgres.port}/holdfast_shard{index}",
                buckets=tuple(range(index, self.buckets, count)),
            )
            for index in range(count)
        )


class UnknownSettingError(Exception):
    """A HOLDFAST_ name that no setting has, with the nearest one that exists."""


def setting_names() -> list[str]:
    """Every environment variable that `Settings` reads, `HOLDFAST_SHARDS` style."""
    names = []
    for name, field in Settings.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, Section):
            names += [f"{PREFIX}{name}{DELIMITER}{inner}".upper() for inner in kind.model_fields]
        else:
            names.append(f"{PREFIX}{name}".upper())
    return names


def load_settings() -> Settings:
    """Reads the settings of this process from the environment and `.env`.

    Raises:
        UnknownSettingError: an environment variable begins with `HOLDFAST_` and names no setting.
        pydantic.ValidationError: a value is of the wrong kind.
    """
    known = setting_names()
    given = [*os.environ, *dotenv_values(".env")]
    for name in sorted({name.upper() for name in given if name.upper().startswith(PREFIX)}):
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"; did you mean {near[0]}?" if near else "; see .env.example for all settings"
            raise UnknownSettingError(f"{name} is not a setting{hint}")
    return Settings()


def invalid_settings(error: ValidationError) -> str:
    """What is wrong with which variables and where to look, in one line, without their values."""
    told = []
    for each in error.errors(include_url=False, include_input=False):
        where = DELIMITER.join(str(part) for part in each["loc"]).upper()
        told.append(f"{PREFIX}{where}: {each['msg']}" if where else each["msg"])
    return "; ".join([*told, "see .env.example for all settings"])
