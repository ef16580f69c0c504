"""`make fuzz`: hostile requests to a system of its own; exit 1 when one was not simply refused."""

import argparse
import asyncio
import os
import subprocess
import sys
import time

import requests

from audit import AuditedShard, Outcome, audit
from reliability.fuzz.cast import Cast, prepare
from reliability.fuzz.run import Fuzzed, Fuzzer, Terms
from reliability.own_system import OwnSystem, own_system

_SETTINGS = {"HOLDFAST_LIMITS__ENABLED": "false"}


def main() -> int:
    """Runs it: 0 when all was refused as the document says and nothing was changed, else 1."""
    parser = argparse.ArgumentParser(prog="fuzz", description=__doc__)
    parser.add_argument("--cases", type=int, default=50_000, help="hostile requests")
    parser.add_argument("--seed", type=int, default=1, help="the same one sends the same")
    told = parser.parse_args()
    since = time.monotonic()
    _say("starting a system of its own")
    with own_system(_SETTINGS) as system:
        terms = Terms(
            gateway=system.gateway,
            dsns=[shard["dsn"] for shard in system.shards],
            cases=told.cases,
            seed=told.seed,
        )
        _say(f"{terms.cases:,} hostile requests, seed {terms.seed}")
        cast = asyncio.run(_cast(system))
        with requests.Session() as session:
            outcome = Fuzzer(session, terms, cast, say=_say).run()
        is_sound = _audited(system)
    _tell(outcome, seconds=time.monotonic() - since)
    return 0 if is_sound and not outcome.findings and outcome.sent >= terms.cases else 1


async def _cast(system: OwnSystem) -> Cast:
    async def make_operator(_id: str, email: str) -> None:
        await asyncio.to_thread(_add_operator, system, email)

    return await prepare(system.gateway, make_operator)


def _add_operator(system: OwnSystem, email: str) -> None:
    subprocess.run(
        (
            *(sys.executable, "-m", "cli.main", "operator", "add", email),
            *("--by", "make fuzz", "--reason", "to ask for everything"),
        ),
        env={**os.environ, "HOLDFAST_HOME": str(system.home)},
        check=True,
    )


def _audited(system: OwnSystem) -> bool:
    shards = [
        AuditedShard(shard["name"], shard["dsn"], tuple(shard["buckets"]))
        for shard in system.shards
    ]
    buckets = sum(len(shard.buckets) for shard in shards)
    report = asyncio.run(audit(shards, buckets=buckets))
    _say(f"audit of every shard: {report.outcome.value}")
    return report.outcome is Outcome.OK


def _tell(outcome: Fuzzed, *, seconds: float) -> None:
    for finding in outcome.findings:
        _say(f"FINDING {finding}")
    counted = sorted(outcome.statuses.items())
    statuses = ", ".join(f"{status}: {count:,}" for status, count in counted)
    _say(f"answers by status: {statuses}")
    _say(f"not hostile as they were sent, so not counted: {outcome.harmless:,}")
    _say(f"nothing to break in: {', '.join(outcome.silent)}")
    _say(
        f"{outcome.sent:,} hostile requests in {seconds:.0f} s: {outcome.refused:,} refused,"
        f" {outcome.failed:,} answered with a 5xx, {len(outcome.findings)} findings"
    )


def _say(line: str) -> None:
    print(f"[fuzz] {line}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
