"""Every route of the gateway has an operation of the client, and every operation a method."""

from collections.abc import AsyncIterator, Awaitable
from contextlib import suppress
from datetime import UTC, datetime
from inspect import isawaitable

from client import ClientError, Holdfast, Session, TransferOrder
from client.operations import OPERATIONS, Operation
from tests.unit.client_rig import USER, Script, holdfast_of, problem, session_of
from tests.unit.openapi_text import routes

# What the gateway tells of itself, for programs that make clients and for people.
NOT_OF_THE_CLIENT = {("GET", "/openapi.json"), ("GET", "/docs"), ("GET", "/docs/{file}")}


async def test_the_operations_are_the_gateways_routes():
    operations = {(operation.method, operation.pattern) for operation in OPERATIONS}

    assert len(operations) == len(OPERATIONS)
    assert operations == {(route.method, route.path) for route in routes()} - NOT_OF_THE_CLIENT


def anonymous(holdfast: Holdfast) -> list[Awaitable[object]]:
    return [
        holdfast.is_alive(),
        holdfast.ready(),
        holdfast.register("a@example.com", "password"),
        holdfast.token("a@example.com", "password"),
        holdfast.currencies(),
        holdfast.currency("EUR"),
        holdfast.resume("token"),
    ]


def of_session(session: Session) -> list[Awaitable[object] | AsyncIterator[object]]:
    order = TransferOrder(to=USER, currency="EUR", amount="1.00")
    return [
        session.wallet.get(),
        session.wallet.balance("EUR"),
        session.wallet.balance_at("EUR", datetime.now(UTC)),
        session.wallet.deposit(currency="EUR", amount="1.00"),
        session.wallet.withdraw(currency="EUR", amount="1.00"),
        session.wallet.limit("EUR"),
        session.wallet.set_limit("EUR", daily=None),
        aiter(session.entries.list()),
        session.entries.get("00"),
        session.transfers.order(order),
        session.transfers.create_batch([order]),
        aiter(session.transfers.list()),
        session.transfers.get("t"),
        session.transfers.wait("t", within_s=0),
        aiter(session.transfers.follow("t")),
        session.transfers.cancel("t"),
        session.transfers.refund("t"),
        session.holds.create(to=USER, currency="EUR", amount="1.00"),
        aiter(session.holds.list()),
        session.holds.get("h"),
        session.holds.capture("h"),
        session.holds.void("h"),
        session.operator.find_users("a@example.com"),
        session.operator.freeze("u", reason="r"),
        session.operator.unfreeze("u", reason="r"),
        session.operator.close("u", reason="r"),
        session.operator.put_currency("EUR", name="Euro", decimals=2),
        aiter(session.operator.trail()),
    ]


async def test_every_operation_is_reached_by_a_method():
    # A refusal of everything: what was sent is all that counts here.
    script = Script(problem(404, "not_found"))
    async with holdfast_of(script) as holdfast:
        for call in [*anonymous(holdfast), *of_session(session_of(script))]:
            with suppress(ClientError):
                await (call if isawaitable(call) else anext(call))

    reached: set[Operation] = {request.operation for request in script.sent}
    assert reached == set(OPERATIONS)
