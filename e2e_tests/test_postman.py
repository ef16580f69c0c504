"""`make postman` against a system of the test's own: green, and red where something is wrong."""

import asyncio
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from devstack.jars import SWAGGER_UI, fetched
from e2e_tests.system import System
from postman.collection import COLLECTION, OPERATOR_FOLDER, read_json, requests_of
from postman.operators import GROUP

# Node and newman are installed by the first run of a virtual environment.
RUN_S = 900


@pytest.fixture
async def gateway(system: System) -> str:
    """A gateway with its page, a worker, and the default number of logins: one is a 429."""
    (jar,) = fetched(SWAGGER_UI)
    system.change(limits={"login_per_min": 20}, gateway={"swagger_ui": str(jar)})
    client = await system.start_gateway()
    await system.until_it_has_everything(client)
    await system.start_worker()
    return client.base


async def run(system: System, gateway: str, *more: str) -> tuple[int | None, str]:
    """Runs `python -m postman` as a person would; returns its exit code and what it said."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "postman", "--gateway", gateway, *more),
        env=system._environment(),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        async with asyncio.timeout(RUN_S):
            output, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return process.returncode, output.decode()


def broken(folder: Path, right: str, wrong: str) -> str:
    """The path of a collection in which one thing is wrong."""
    text = COLLECTION.read_text("utf-8")
    assert text.count(right) == 1, right
    path = folder / "broken.json"
    path.write_text(text.replace(right, wrong), "utf-8")
    return str(path)


def asked(said: str) -> set[str]:
    """The names of the requests of which newman told an answer."""
    lines = pairwise(said.splitlines())
    return {line[2:] for line, after in lines if line.startswith("↳ ") and " http://" in after}


@pytest.mark.slow
async def test_the_collection_is_green_with_an_operator_and_without(system: System, gateway: str):
    names = {item["name"] for item in requests_of(read_json(COLLECTION))}
    without = {item["name"] for item in requests_of(read_json(COLLECTION), without=OPERATOR_FOLDER)}

    code, said = await run(system, gateway)

    assert code == 0, said
    assert "Everything is as it should be." in said
    assert asked(said) == names
    # Who was made an operator for the run is none any more.
    assert "No operators." in (await system.holdfast(GROUP, "list"))[1]

    # On the same data, a second time.
    code, said = await run(system, gateway, "--without-operator")

    assert code == 0, said
    assert "the folder 'Operator' is skipped" in said
    assert "skipped: no operatorEmail in the environment" in said
    assert asked(said) == without


@pytest.mark.slow
async def test_what_is_wrong_makes_it_red(system: System, gateway: str, tmp_path: Path):
    wrong_cent = broken(tmp_path, "balance: '70.50'", "balance: '70.51'")

    code, said = await run(system, gateway, "--collection", wrong_cent)

    assert code == 1, said
    assert "expected { currency: 'EUR', …(4) } to have property 'balance' of '70.51'" in said
    assert "NOT everything is: see above." in said
    assert "No operators." in (await system.holdfast(GROUP, "list"))[1]

    # Newman is content with a run that a script has ended: the requests after it are told.
    code, said = await run(
        system,
        gateway,
        "--collection",
        broken(tmp_path, "setNextRequest(pm.info.requestName)", "setNextRequest(null)"),
    )

    assert code == 1, said
    assert "was never asked: Another e-mail goes on" in said
    assert "NOT everything is: see above." in said
