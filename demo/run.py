"""The demo from its first request to its verdict."""

import asyncio
import secrets
import sys
from dataclasses import dataclass

from rich.console import Console

from client import Holdfast, Retries
from demo.books import check_wallets
from demo.cast import Cast
from demo.errors import DemoError
from demo.live import shown
from demo.plan import CURRENCIES, make_plan
from demo.report import print_checks, print_endings, print_totals, print_wallets
from demo.tally import Tally
from demo.target import require_alive
from demo.workload import Payments, fund, register

# All of it has two minutes; what comes before and after the transfers takes seconds.
_TRANSFERS_S = 90.0
_AUDIT_S = 60.0
# A gateway that is killed and started again meanwhile is waited for.
_RETRIES = Retries(attempts=12, within_s=_TRANSFERS_S)


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
        ClientError: nor can it then.
    """
    tally = Tally(transfers=options.transfers)
    async with _client_of(options.gateway) as holdfast:
        await require_alive(holdfast)
        await _traffic(options, console, holdfast, tally)
        repeats = holdfast.repeats
    if options.audit:
        await _audit(tally)
    print_checks(console, tally)
    if repeats:
        print(f"{repeats:,} requests had to be sent again.")
    agrees = not tally.problems
    print("Everything agrees." if agrees else "NOT everything agrees: see above.")
    return agrees


def _client_of(gateway: str) -> Holdfast:
    try:
        return Holdfast(gateway, retries=_RETRIES, connections=0)
    except ValueError as error:
        raise DemoError(f"--gateway: {error}") from error


async def _traffic(options: Options, console: Console, holdfast: Holdfast, tally: Tally) -> None:
    # Not of the seed: a second run on the same data needs other e-mails and keys.
    tag = secrets.token_hex(4)
    plan = make_plan(seed=options.seed, users=options.users, transfers=options.transfers)
    decimals = {currency: (await holdfast.currency(currency)).decimals for currency in CURRENCIES}
    _say(f"{options.users:,} users register and log in")
    members = await register(holdfast, tag=tag, users=options.users)
    cast = Cast(tag=tag, members=members, decimals=decimals)
    _say(f"{len(plan.deposits):,} deposits in {', '.join(CURRENCIES)}")
    await fund(plan, cast)
    _say(f"{options.transfers:,} transfers (seed {options.seed})")
    async with shown(console, tally):
        await Payments(cast, tally).run(plan.transfers, within_s=_TRANSFERS_S)
    wallets = [(await member.session.wallet.get()).accounts for member in members]
    totals = check_wallets(plan, tally, wallets, decimals=decimals)
    print_wallets(console, members, wallets)
    print_totals(console, totals, decimals=decimals)
    print_endings(console, tally)


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
