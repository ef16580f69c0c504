"""The race as a person runs it, and the unlocked half alone."""

import re
import secrets
import subprocess
import sys
from pathlib import Path

from demo.race.plan import make_plan
from demo.race.unlocked import run_unlocked
from devstack.postgres import PostgresServer
from tests.integration.clones import run


def test_without_a_lock_money_is_made_and_with_the_steps_it_is_not(tmp_path: Path):
    ended = subprocess.run(
        [sys.executable, "-m", "demo.race"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )

    assert (ended.returncode, ended.stderr) == (0, "")
    rows = dict(re.findall(r"│ (\w[\w ]+\w) +│ +(\S+ │ +\S+) │", ended.stdout))
    table = {name: re.split(r" │ +", cells) for name, cells in rows.items()}
    assert int(table["accepted"][0]) > 20
    assert table["accepted"][1] == "20"
    assert float(table["money made from nothing"][0].replace(",", "")) > 0
    assert table["money made from nothing"][1] == "0.00"
    assert table["balance in the end"][0] != table["its entries add up to"][0]
    assert table["balance in the end"][1] == table["its entries add up to"][1] == "0.00"
    assert "invariants hold" in ended.stdout
    assert ended.stdout.splitlines()[-1].startswith("There was money for 20 of 200 requests")


async def test_the_unlocked_half_is_right_when_nobody_else_asks(postgres: PostgresServer):
    """So it is the race that makes it wrong, and nothing else."""
    plan = make_plan(seed=1, requests=60, affordable=6, connections=1)
    name = f"race_{secrets.token_hex(4)}"
    await run(postgres.dsn("postgres"), f'CREATE DATABASE "{name}"')

    alone = await run_unlocked(postgres.dsn(name), plan)

    await run(postgres.dsn("postgres"), f'DROP DATABASE "{name}" WITH (FORCE)')
    assert alone.is_right(plan)
