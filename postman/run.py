"""One run of the collection: a gateway that answers, an operator, newman, and what it left out."""

import asyncio
import json
import subprocess
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from client import Holdfast
from demo.target import require_alive
from devstack.progress import Progress
from postman.collection import ENVIRONMENT, OPERATOR_FOLDER, left_out, read_json, with_values
from postman.errors import NoOperatorError, PostmanError
from postman.operators import Operator, acting, register
from postman.tools import Tools, install

_REQUEST_MS = 60_000
_RUN_MS = 600_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What was asked for; without `needs_operator` a system that has none from here will do."""

    gateway: str
    collection: Path
    tools: Path
    with_operator: bool
    needs_operator: bool


def run_collection(options: Options, progress: Progress) -> bool:
    """Runs the collection and tells of it; returns whether all of it was as it should be.

    Raises:
        PostmanError, demo.errors.DemoError: it cannot be run.
    """
    asyncio.run(_require_alive(options.gateway))
    tools = install(folder=options.tools, report=progress.say)
    progress.say(f"{options.collection.name} against {options.gateway}")
    with ExitStack() as stack:
        operator = _operator(options, progress, stack)
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="holdfast-postman-")))
        return _newman(options, tools, operator, folder, progress)


def _operator(options: Options, progress: Progress, stack: ExitStack) -> Operator | None:
    if not options.with_operator:
        progress.say(f"without an operator, so the folder {OPERATOR_FOLDER!r} is skipped")
        return None
    who = asyncio.run(register(options.gateway))
    try:
        stack.enter_context(acting(who))
    except NoOperatorError as error:
        if options.needs_operator:
            raise
        progress.say(str(error))
        progress.say(f"so the folder {OPERATOR_FOLDER!r} is skipped")
        return None
    progress.say(f"{who.email} is an operator while this runs")
    return who


def _newman(
    options: Options, tools: Tools, operator: Operator | None, folder: Path, progress: Progress
) -> bool:
    values = {"baseUrl": options.gateway}
    if operator is not None:
        values |= {"operatorEmail": operator.email, "operatorPassword": operator.password}
    report = folder / "report.json"
    code = _start_newman(options.collection, tools, values, report)
    if not report.is_file():
        raise PostmanError(f"newman ended with {code} before it had run the collection")
    without = None if operator is not None else OPERATOR_FOLDER
    missing = left_out(read_json(options.collection), read_json(report), without=without)
    for name in missing:
        progress.say(f"was never asked: {name}")
    is_well = code == 0 and not missing
    progress.say("Everything is as it should be." if is_well else "NOT everything is: see above.")
    return is_well


def _start_newman(collection: Path, tools: Tools, values: Mapping[str, str], report: Path) -> int:
    """Newman's exit code: 0 when no assertion and no request failed."""
    # The operator's password is in a file that nobody else can read, not on a command line.
    environment = report.with_name("environment.json")
    environment.write_text(json.dumps(with_values(read_json(ENVIRONMENT), values)), "utf-8")
    command = (
        *(str(tools.node), str(tools.newman), "run", str(collection)),
        *("--environment", str(environment)),
        *("--timeout-request", str(_REQUEST_MS), "--timeout", str(_RUN_MS)),
        *("--reporters", "cli,json", "--reporter-json-export", str(report)),
    )
    done = subprocess.run(command, env=tools.environment, stdin=subprocess.DEVNULL, check=False)
    return done.returncode


async def _require_alive(gateway: str) -> None:
    async with Holdfast(gateway) as holdfast:
        await require_alive(holdfast)
