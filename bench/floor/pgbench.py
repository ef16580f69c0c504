"""pgbench of the PostgreSQL wheel: the script it runs, and what it says at its end."""

import os
import re
import tempfile
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from bench.floor.database import ACCOUNTS, FloorError
from devstack.postgres_binaries import binaries
from devstack.processes import Command, run_to_end

CLIENTS = 16
THREADS = 2
_GRACE_S = 60.0

# Two that pay each other at the same moment can wait for each other; it happens once in hours.
_TRIES = 10

# The payee is never the payer. In the hot case every payer is locked before the one payee, so
# nobody waits in a circle, and the payee is locked last, for the shortest time.
_RANDOM = (
    f"\\set payer random(1, {ACCOUNTS})\n"
    f"\\set payee 1 + (:payer + random(0, {ACCOUNTS - 2})) % {ACCOUNTS}\n"
)
_HOT = f"\\set payer random(2, {ACCOUNTS})\n\\set payee 1\n"


@dataclass(frozen=True, slots=True)
class Counted:
    """What pgbench has counted: committed transfers, and per second once all were connected."""

    transfers: int
    per_s: float


def pgbench(dsn: str, *, hot: bool, seconds: int, run: int) -> Counted:
    """Runs it to its end.

    Args:
        dsn: of a floor's database.
        hot: whether all credits are to one account.
        seconds: how long.
        run: of this database; ids of transfers differ by it.

    Raises:
        FloorError: it has counted nothing, or failures.
        ServerError: it failed; carries the end of its output.
    """
    with tempfile.TemporaryDirectory(prefix="holdfast-") as folder:
        script, output = Path(folder, "transfer.sql"), Path(folder, "pgbench.log")
        transaction = resources.files("bench.floor").joinpath("transfer.sql").read_text("utf-8")
        script.write_text((_HOT if hot else _RANDOM) + transaction, encoding="utf-8")
        command = Command(
            name="pgbench",
            argv=(
                *(str(binaries() / "pgbench"), "--no-vacuum", "--protocol=prepared"),
                *(f"--client={CLIENTS}", f"--jobs={THREADS}", f"--time={seconds}"),
                *(f"--max-tries={_TRIES}", f"--define=run={run}", "--define=made=0"),
                *(f"--file={script}", dsn),
            ),
            output=output,
            env={"PATH": os.defpath, "LC_ALL": "C"},
        )
        run_to_end(command, timeout_s=seconds + _GRACE_S)
        return read(output.read_text(encoding="utf-8"))


def read(said: str) -> Counted:
    """What pgbench says at its end; raises FloorError when that is no clean end."""
    transfers = re.search(r"transactions actually processed: (\d+)", said)
    failed = re.search(r"number of failed transactions: (\d+)", said)
    per_s = re.search(r"tps = ([\d.]+) \(without initial connection time\)", said)
    if not (transfers and failed and per_s) or failed[1] != "0" or transfers[1] == "0":
        raise FloorError(f"pgbench did not end cleanly: {said[-1_000:]}")
    return Counted(int(transfers[1]), float(per_s[1]))
