"""Whose something is: every route, asked for with every id of somebody else's, changes nothing."""

import asyncio
import re
from collections.abc import Iterator
from dataclasses import replace
from uuid import uuid4

from e2e_tests.answers import refused
from e2e_tests.client import Answer, Client, Member, new_key
from e2e_tests.operators import act, make_operator
from e2e_tests.security.kit import (
    Scene,
    expired,
    nothing_changed,
    other_spellings,
    routes,
    scene,
    without_trace,
)
from e2e_tests.security.route_cases import CASES, Guard
from e2e_tests.system import BUCKETS, System
from sagas.operators import UserAct
from shards.ids import RandomIds
from tests.unit import openapi_text

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "LINK")
# What stands in a path beside an id.
_CODES = {"currency": "EUR", "code": "EUR", "file": "swagger-ui.css"}
_PART = re.compile(r"\{(\w+)\}")


def filled(path: str, id_: str) -> str:
    """The path with this as its id, whatever kind of id it asks for."""
    return _PART.sub(lambda part: _CODES.get(part[1], id_), path)


def of_kind(path: str, ids: dict[str, str]) -> str:
    """The path with ids of the kinds it asks for."""
    return path.format(**ids, **_CODES)


def has_id(path: str) -> bool:
    """Whether it is about something that is somebody's."""
    return any(name not in _CODES for name in _PART.findall(path))


def guarded(*guards: Guard) -> Iterator[tuple[str, str]]:
    """The routes that let only these through."""
    return (route for route, case in CASES.items() if case.guard in guards)


async def ask(client: Client, route: tuple[str, str], path: str, by: Member | None) -> Answer:
    """A request that is good but for who sends it and where to."""
    method, _ = route
    async with asyncio.timeout(10):
        case = CASES[route]
        return await client.call(method, path + case.query, case.body, by=by, key=new_key())


def well_formed(ids: dict[str, str]) -> list[str]:
    """Alice's ids, and ids that nobody has, on her shard and on others, and on none."""
    nobody = [str(RandomIds().new_id(bucket)) for bucket in (*range(BUCKETS), 4095)]
    zeros, ones = str(uuid4()).translate({c: "0" for c in range(48, 103) if c != 45}), "f" * 64
    return [*ids.values(), *nobody, zeros, ones, str(uuid4())]


async def test_what_is_somebody_elses_is_not_there_whatever_is_asked_of_it(
    system: System, client: Client
):
    assert routes(system) == {*CASES}, "each route needs a line in route_cases.py"
    there = await scene(client)
    ids = [*well_formed(there.ids), *other_spellings(there.alice.id)]

    async with nothing_changed(system):
        told = [
            (route, id_, await ask(client, route, filled(route[1], id_), there.bob))
            for route in guarded(Guard.OWNER)
            for id_ in ids
        ]
        heads = [
            await client.call("HEAD", of_kind(path, there.ids), by=there.bob)
            for method, path in guarded(Guard.OWNER)
            # A stream has no head of its own: 405 to everybody.
            if method == "GET" and not path.endswith("/events")
        ]

    assert len(told) > 500
    for route, id_, answer in told:
        assert refused(answer) == (404, "not_found"), (route, id_)
    assert len({str(without_trace(answer)) for _, _, answer in told}) == 1
    assert {(answer.status, answer.body) for answer in heads} == {(404, None)}


async def test_what_is_an_operators_is_refused_to_users_before_it_is_looked_at(
    system: System, client: Client
):
    there = await scene(client)
    was = await make_operator(system, client)
    await act(system, was.id, UserAct.REMOVE_OPERATOR)
    members = {"a user": there.bob, "the owner": there.alice, "no operator any more": was}
    bad = [*other_spellings(there.alice.id)]

    async with nothing_changed(system):
        for route in guarded(Guard.OPERATOR):
            for who, member in members.items():
                if (who, route[0]) == ("no operator any more", "GET"):
                    # What is only read goes by the token, until it ends.
                    assert (await ask(client, route, route[1], member)).status == 200
                    continue
                answers = [
                    await ask(client, route, filled(route[1], id_), member)
                    for id_ in (well_formed(there.ids)[1:] if has_id(route[1]) else [""])
                    if len(id_) != 64
                ]
                assert {refused(a) for a in answers} == {(403, "operator_only")}, (who, route)
                assert len({str(without_trace(a)) for a in answers}) == 1, (who, route)
            for id_ in bad if has_id(route[1]) else ():
                answer = await ask(client, route, filled(route[1], id_), there.bob)
                assert refused(answer) == (404, "not_found"), (route, id_)


async def test_an_operator_sees_what_is_anybodys_and_moves_none_of_it(
    system: System, client: Client
):
    there = await scene(client)
    operator = await make_operator(system, client)
    anew = await make_operator(system, client)
    await act(system, anew.id, UserAct.REMOVE_OPERATOR)
    streams = [route for route in CASES if route[1].endswith("/events")]

    async with nothing_changed(system):
        for route in guarded(Guard.OWNER):
            path = of_kind(route[1], there.ids)
            if route in streams:
                async with client.opened(path, by=operator) as stream:
                    assert stream.status == 200
                continue
            answer = await ask(client, route, path, operator)
            assert (answer.status, answer.code) == CASES[route].by_operator, route
        # What an operator may do to what is others', who is none any more may not.
        for kind, act_ in (("transfer_id", "transfers/{}/refunds"), ("hold_id", "holds/{}/void")):
            path = "/v1/" + act_.format(there.ids[kind])
            answer = await client.call("POST", path, by=anew, key=new_key())
            assert refused(answer) == (403, "operator_only"), path


async def test_the_document_tells_which_of_it_operators_see():
    told = {(one.method, one.path): one.operation.who for one in openapi_text.routes()}
    for route in guarded(Guard.OWNER):
        status, code = CASES[route].by_operator
        if status == 200:
            assert "operator" in told[route], route
        if code in ("not_payer", "not_party"):
            assert "operator" not in told[route], route


async def test_without_a_good_token_nothing_is_there_at_all(system: System, client: Client):
    there = await scene(client)
    operator = await make_operator(system, client)
    late = {who: expired(system, who) for who in (there.alice, operator)}
    closed_to_strangers = [*guarded(Guard.USER, Guard.OWNER, Guard.OPERATOR)]
    ids = [of_kind("{user_id}", there.ids), str(uuid4()), "x"]

    async with nothing_changed(system):
        for route in closed_to_strangers:
            paths = {of_kind(route[1], there.ids), *(filled(route[1], id_) for id_ in ids)}
            for path in paths:
                nobody = await ask(client, route, path, None)
                assert refused(nobody) == (401, "unauthenticated"), path
                for member in late.values():
                    answer = await ask(client, route, path, member)
                    assert refused(answer) == (401, "invalid_token"), path
        for route in guarded(Guard.ANYONE):
            answers = [
                await ask(client, route, of_kind(route[1], there.ids), by)
                for by in (None, late[there.alice], replace(there.alice, token="x"))
            ]
            assert {answer.status for answer in answers} <= {200, 404, 422}, route
            assert len({answer.status for answer in answers}) == 1, route


async def test_a_method_that_is_not_there_does_nothing_to_anybody(system: System, client: Client):
    there = await scene(client)
    paths = {path for _, path in CASES}

    async with nothing_changed(system):
        for path in paths:
            for method in {*METHODS} - {method for method, at in CASES if at == path}:
                answer = await client.call(
                    method, of_kind(path, there.ids), {"amount": "1"}, by=there.bob, key=new_key()
                )
                assert refused(answer) == (405, "method_not_allowed"), (method, path)


async def test_parties_see_a_transfer_and_a_hold_as_what_they_are_to_it(
    system: System, client: Client
):
    there = await scene(client)
    transfer, hold = there.ids["transfer_id"], there.ids["hold_id"]

    async with nothing_changed(system):
        told = [
            await client.cancel(there.carol, transfer),
            await client.refund(there.alice, transfer),
            await client.void(there.alice, hold),
            await client.call("GET", there.alice.wallet, by=there.carol),
            await client.call("GET", f"/v1/entries/{there.ids['hash']}", by=there.carol),
        ]

    assert [refused(answer) for answer in told] == [
        (403, "not_payer"),
        (403, "not_payee"),
        (403, "not_payee"),
        (404, "not_found"),
        (404, "not_found"),
    ]
    assert await _seen_by(there, client) == [200] * 4


async def _seen_by(there: Scene, client: Client) -> list[int]:
    return [
        (await client.call("GET", f"/v1/{kind}/{there.ids[name]}", by=member)).status
        for kind, name in (("transfers", "transfer_id"), ("holds", "hold_id"))
        for member in (there.alice, there.carol)
    ]
