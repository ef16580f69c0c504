"""The checker and the audit, each in a process of its own: they share nothing with a run."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, STDOUT, create_subprocess_exec
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

_WITHIN_S = 900.0
_LINES_MAX = 40


class Phase(StrEnum):
    """What the checker may take for granted."""

    FROZEN = "frozen"  # nothing moves
    FINAL = "final"  # all is over


# What the checker ends with when it could not look.
NOT_CHECKED = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What one of them said; `lines` are the last ones."""

    by: str
    clean: bool
    exit_code: int | None
    lines: tuple[str, ...]


class Judge:
    """Starts them against the databases themselves, past the proxies."""

    def __init__(
        self, folder: Path, dsns: Mapping[str, str], environment: Mapping[str, str]
    ) -> None:
        self._folder = folder
        self._dsns = dsns
        self._environment = environment
        self._number = 0

    async def check(self, phase: Phase, minimums: Sequence[str] = ()) -> Judgement:
        """The checker, with what each ending and fault must have reached.

        What it counted lies beside what it said.
        """
        told = [f"--json={self._folder / f'{self._number + 1:03}-checker.json'}"]
        told += [f"--dsn={name}={dsn}" for name, dsn in self._dsns.items()]
        told += [f"--minimum={minimum}" for minimum in minimums]
        module = ["-m", "reliability.checker", "--folder", str(self._folder)]
        return await self._run("checker", [*module, "--phase", phase, *told])

    async def audit(self) -> Judgement:
        """`holdfast audit`."""
        return await self._run("audit", ["-m", "cli.main", "audit"])

    async def _run(self, by: str, arguments: Sequence[str]) -> Judgement:
        self._number += 1
        others = {name: text for name, text in os.environ.items() if "HOLDFAST_" not in name}
        process = await create_subprocess_exec(
            sys.executable,
            *arguments,
            stdout=PIPE,
            stderr=STDOUT,
            env={**others, **self._environment},
        )
        try:
            async with asyncio.timeout(_WITHIN_S):
                output, _ = await process.communicate()
        except BaseException:
            if process.returncode is None:
                process.kill()
            await process.wait()
            raise
        (self._folder / f"{self._number:03}-{by}.txt").write_bytes(output)
        lines = output.decode(errors="replace").splitlines()
        return Judgement(
            by=by,
            clean=process.returncode == 0,
            exit_code=process.returncode,
            lines=tuple(lines[-_LINES_MAX:]),
        )
