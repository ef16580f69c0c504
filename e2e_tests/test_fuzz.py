"""A thousand hostile requests: none is answered with a 5xx, and none changes a row."""

import asyncio

import requests

from devstack.jars import SWAGGER_UI, fetched
from e2e_tests.operators import act
from e2e_tests.system import System
from reliability.fuzz.cast import prepare
from reliability.fuzz.run import Fuzzer, Terms
from sagas.operators import UserAct

CASES = 1_000


async def test_what_breaks_the_document_is_refused_and_changes_nothing(system: System):
    (jar,) = fetched(SWAGGER_UI)
    system.change(gateway={"swagger_ui": str(jar)})
    client = await system.spawn_gateway()
    await system.start_worker()
    terms = Terms(gateway=client.base, dsns=[d.dsn for d in system.databases], cases=CASES, seed=1)

    async def make_operator(id_: str, _email: str) -> None:
        await act(system, id_, UserAct.MAKE_OPERATOR)

    cast = await prepare(client.base, make_operator)
    with requests.Session() as session:
        outcome = await asyncio.to_thread(Fuzzer(session, terms, cast).run)

    assert outcome.findings == []
    assert outcome.sent >= CASES
    assert outcome.refused > 0.9 * outcome.sent
    assert set(outcome.statuses) >= {400, 404, 422}
