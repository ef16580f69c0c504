"""The command `holdfast` as a person runs it: a process with an environment and an exit code."""

import asyncio
import json
import os
import secrets
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.databases import ShardDatabase
from tests.integration.books import BUCKETS


@dataclass(frozen=True, slots=True)
class Ended:
    code: int
    out: str
    err: str


@dataclass(frozen=True, slots=True)
class Holdfast:
    """Runs `holdfast` for some shards."""

    folder: Path
    shards: list[ShardDatabase]
    bootstrap: str = "127.0.0.1:1"

    async def __call__(self, *args: str, **env: str) -> Ended:
        ours = {
            "HOLDFAST_SHARDS": json.dumps([asdict(shard) for shard in self.shards]),
            "HOLDFAST_BUCKETS": str(BUCKETS),
            "HOLDFAST_KAFKA__BOOTSTRAP": self.bootstrap,
            "HOLDFAST_POSTGRES__ALLOW_UNSAFE": "true",
            "HOLDFAST_KAFKA__TOPIC_PREFIX": f"t{secrets.token_hex(4)}",
        }
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("HOLDFAST_")}
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "cli.main", *args,
            env=inherited | ours | env,
            cwd=self.folder,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        async with asyncio.timeout(60):
            out, err = await child.communicate()
        assert child.returncode is not None
        assert b"Traceback" not in err
        return Ended(child.returncode, out.decode(), err.decode())
