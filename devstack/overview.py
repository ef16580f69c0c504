"""What runs where: for other commands as `run.json`, for a person as a table."""

import os
from collections.abc import Iterable
from dataclasses import asdict

from config.settings import Settings
from devstack.home import Home
from devstack.programs import gateway_listener
from devstack.run_file import Role, Running, RunningProcess, RunningShard
from devstack.units import Unit
from messaging.topics import TopicNames


def what_runs(settings: Settings, *, units: Iterable[Unit]) -> Running:
    """The content of `run.json`: of the units, those that run at this moment."""
    running = [
        RunningProcess(
            role=unit.role,
            pid=unit.server.child.pid,
            address=unit.address,
            internal=unit.internal,
        )
        for unit in units
        if unit.server.alive()
    ]
    ourselves = RunningProcess(role=Role.SUPERVISOR, pid=os.getpid(), address="")
    return Running(
        gateway=gateway_listener(settings).address,
        bootstrap=settings.kafka_bootstrap,
        topics=asdict(TopicNames.for_prefix(settings.kafka.topic_prefix)),
        shards=tuple(
            RunningShard(name=shard.name, dsn=shard.dsn, buckets=shard.buckets)
            for shard in settings.shard_settings
        ),
        processes=(ourselves, *running),
    )


def announcement(settings: Settings, *, home: Home) -> str:
    """What a person wants to know once everything runs."""
    gateway = gateway_listener(settings).address
    rows = [
        ("gateway", gateway),
        ("docs", f"{gateway}/docs"),
        *((shard.name, _without_password(shard.dsn)) for shard in settings.shard_settings),
        ("kafka", settings.kafka_bootstrap),
        ("logs", str(home.logs)),
        ("all of it", str(home.run_file)),
    ]
    table = "\n".join(f"  {name:<10} {where}" for name, where in rows)
    return (
        f"\nHoldfast runs; Ctrl-C stops it.\n{table}\n\n"
        "In another terminal: make demo (5,000 transfers), make audit (every invariant)\n"
    )


def _without_password(dsn: str) -> str:
    scheme, _, rest = dsn.partition("://")
    login, at, where = rest.rpartition("@")
    return f"{scheme}://{login.partition(':')[0]}{at}{where}"
