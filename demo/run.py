"""The demo from its first request to its verdict."""

import asyncio
import random
import secrets
import sys
from collections.abc import Mapping
from dataclasses import dataclass

import aiohttp
from rich.console import Console

from demo.books import check_wallets
from demo.client import Client, Member, SeenAccount
from demo.live import shown
from demo.plan import CURRENCIES, make_plan
from demo.report import print_checks, print_endings, print_totals, print_wallets
from demo.tally import Tally
from demo.target import require_alive
from demo.workload import Cast, Payments, fund, register

# All of it has two minutes; what comes before and after the transfers takes seconds.
_TRANSFERS_S = 90.0
_AUDIT_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What was asked for on the command line."""

    gateway: str
    seed: int
    users: int
    transfers: int
    audit: bool


async def run_demo(options: Options, console: Console) -> bool:
    """Runs everything and prints what came of it; returns whether all of it agrees.

    Raises:
        DemoError: it cannot go on.
    """
    tally = Tally(transfers=options.transfers)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        await require_alive(session, options.gateway)
        client = Client(session, options.gateway, rng=random.Random())
        await _traffic(options, console, client, tally)
    if options.audit:
        await _audit(tally)
    print_checks(console, tally)
    if client.repeats:
        print(f"{client.repeats:,} requests had to be sent again.")
    agrees = not tally.problems
    print("Everything agrees." if agrees else "NOT everything agrees: see above.")
    return agrees


async def _traffic(options: Options, console: Console, client: Client, tally: Tally) -> None:
    # Not of the seed: a second run on the same data needs other e-mails and keys.
    tag = secrets.token_hex(4)
    plan = make_plan(seed=options.seed, users=options.users, transfers=options.transfers)
    decimals = {currency: await client.decimals(currency) for currency in CURRENCIES}
    _say(f"{options.users:,} users register and log in")
    members = await register(client, tag=tag, users=options.users)
    cast = Cast(tag=tag, members=members, decimals=decimals)
    _say(f"{len(plan.deposits):,} deposits in {', '.join(CURRENCIES)}")
    await fund(client, plan, cast)
    _say(f"{options.transfers:,} transfers (seed {options.seed})")
    async with shown(console, tally):
        await Payments(client, cast, tally).run(plan.transfers, within_s=_TRANSFERS_S)
    wallets = await _wallets(client, members)
    totals = check_wallets(plan, tally, wallets, decimals=decimals)
    print_wallets(console, members, wallets)
    print_totals(console, totals, decimals=decimals)
    print_endings(console, tally)


async def _wallets(client: Client, members: list[Member]) -> list[Mapping[str, SeenAccount]]:
    return [await client.wallet(member) for member in members]


async def _audit(tally: Tally) -> None:
    """`holdfast audit`, as a process of its own: it shares no code with what it judges."""
    _say("audit of every shard")
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "cli.main",
        "audit",
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        async with asyncio.timeout(_AUDIT_S):
            output, _ = await process.communicate()
    except TimeoutError:
        process.kill()
        await process.wait()
        tally.note(f"the audit did not end in {_AUDIT_S:.0f} s")
        return
    text = output.decode(errors="replace").rstrip()
    last = text.rsplit("\n", 1)[-1]
    tally.check("every invariant on every shard", holds=process.returncode == 0, problem=last)
    print(last if process.returncode == 0 else text)


def _say(text: str) -> None:
    print(f"[demo] {text}", flush=True)
