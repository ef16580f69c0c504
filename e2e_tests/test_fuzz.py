"""A thousand hostile requests: none is answered with a 5xx, and none changes a row."""

import asyncio

import requests

from devstack.jars import SWAGGER_UI, fetched
from e2e_tests.operators import act
from e2e_tests.system import System
from reliability.fuzz.cast import Cast, Doorway
from reliability.fuzz.run import Fuzzer, Terms
from sagas.operators import UserAct

CASES = 1_000


async def test_what_breaks_the_document_is_refused_and_changes_nothing(system: System):
    (jar,) = fetched(SWAGGER_UI)
    system.change(gateway={"swagger_ui": str(jar)})
    client = await system.start_gateway()
    await system.start_worker()
    terms = Terms(gateway=client.base, dsns=[d.dsn for d in system.databases], cases=CASES, seed=1)
    with requests.Session() as session:
        doorway = Doorway(session, client.base)
        people = [await asyncio.to_thread(doorway.new_user) for _ in range(3)]
        await act(system, people[2][0], UserAct.MAKE_OPERATOR)
        payer, payee, operator = [
            await asyncio.to_thread(doorway.login, *person) for person in people
        ]
        there = await asyncio.to_thread(doorway.stage, payer, payee)
        cast = Cast(payer=payer, payee=payee, operator=operator, there=there)
        outcome = await asyncio.to_thread(Fuzzer(session, terms, cast).run)

    assert outcome.findings == []
    assert outcome.sent >= CASES
    assert outcome.refused > 0.9 * outcome.sent
    assert set(outcome.statuses) >= {400, 404, 422}
