"""`make slow-clients`: exit 1 when slow clients cost the others more than twice their p99."""

import argparse
import asyncio
import os
import statistics
import sys
from dataclasses import dataclass

import aiohttp

from config.limits import raise_file_limit
from reliability.own_system import own_system
from reliability.slow_clients.attacker import NoAttackError, attacked
from reliability.slow_clients.load import Load, Timed

_RATIO_MAX = 2.0
_WARM_S = 3.0
_REST_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What is measured."""

    pairs: int
    seconds: float
    rate: float
    connections: int


async def _measure(gateway: str, terms: Terms) -> list[tuple[Timed, Timed]]:
    pairs = []
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        load = Load(session, gateway)
        await load.prepare(users=20)
        await load.run(seconds=_WARM_S, per_second=terms.rate)
        for number in range(terms.pairs):
            without = await load.run(seconds=terms.seconds, per_second=terms.rate)
            async with attacked(gateway, terms.connections):
                beside = await load.run(seconds=terms.seconds, per_second=terms.rate)
            pairs.append((without, beside))
            print(f"  pair {number + 1}: {_told(without)}   with: {_told(beside)}", flush=True)
            await asyncio.sleep(_REST_S)
    return pairs


def _told(timed: Timed) -> str:
    half, most = timed.percentile(0.5), timed.percentile(0.99)
    failed = f", {timed.failed} FAILED" if timed.failed else ""
    return f"p50 {half:6.1f} ms, p99 {most:6.1f} ms{failed}"


def main() -> int:
    """Runs it: 0 within the bound, 1 over it or when a request or the attack itself failed."""
    parser = argparse.ArgumentParser(prog="slow-clients", description=__doc__)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--rate", type=float, default=100.0)
    parser.add_argument("--connections", type=int, default=500)
    terms = Terms(**vars(parser.parse_args()))
    raise_file_limit()
    print("[slow-clients] starting a system of its own", flush=True)
    with own_system() as system:
        print(
            f"[slow-clients] {terms.pairs} pairs of {terms.seconds:g} s at {terms.rate:g} requests"
            f" a second, without and with {terms.connections} slow connections; load of the"
            f" machine {os.getloadavg()[0]:.1f}",
            flush=True,
        )
        try:
            pairs = asyncio.run(_measure(system.gateway, terms))
        except NoAttackError as error:
            print(f"[slow-clients] nothing was measured: {error}", flush=True)
            return 1
    without = statistics.median(one.percentile(0.99) for one, _ in pairs)
    beside = statistics.median(other.percentile(0.99) for _, other in pairs)
    failed = sum(one.failed + other.failed for one, other in pairs)
    ratio = beside / without
    print(
        f"[slow-clients] median p99 {without:.1f} ms without, {beside:.1f} ms with:"
        f" {ratio:.2f}x (at most {_RATIO_MAX:g}x), {failed} requests failed"
    )
    return 1 if ratio > _RATIO_MAX or failed else 0


if __name__ == "__main__":
    sys.exit(main())
