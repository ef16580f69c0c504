"""GET transfers/{id}/events: what becomes of a transfer, told while it happens."""

from datetime import UTC, datetime
from uuid import UUID

import asyncpg

from e2e_tests.answers import SHAPE, fields, refused, unchanged
from e2e_tests.client import Client, Member
from e2e_tests.event_source import Event, events_of, told
from e2e_tests.operators import set_status
from e2e_tests.system import BUCKETS, System
from e2e_tests.test_transfer_reads import locked
from sagas.steps.cancel import AskedBy, CancelDone, CancelRequest
from sagas.steps.run import run_steps
from shards.notices import Ended, send_notices
from tests.databases import open_map


def names(events: list[Event]) -> list[tuple[str, str]]:
    """Number and status of each event."""
    return [(event.id, event.name) for event in events]


async def held(client: Client) -> tuple[Member, Member, str]:
    """A payer, a payee, and a transfer between them that stays held while there is no worker."""
    alice, bob = await client.member(EUR="10.00"), await client.member()
    return alice, bob, (await client.transfer(alice, bob, "1.00")).body["id"]


async def test_a_completed_transfer_tells_each_status_as_it_was_shown_then(running: Client):
    alice, bob = await running.member(EUR="10.00"), await running.member()
    metadata = {"note": "two\nlines,\r\nand\u2028more", "😀": ""}
    made = await running.transfer(alice, bob, "2.50", wait=10, metadata=metadata)

    events = await told(running, alice, made.body["id"])

    assert names(events) == [("0", "held"), ("1", "debited"), ("2", "completed")]
    whole = (await running.get_transfer(alice, made.body["id"])).body
    assert events[-1].data == whole
    for number, event in enumerate(events, start=1):
        timeline = whole["timeline"][:number]
        assert set(event.data) == SHAPE
        assert event.data == {
            **whole,
            "status": event.name,
            "updated_at": timeline[-1]["at"],
            "timeline": timeline,
        }


async def test_every_end_is_told_with_its_reason_and_none_before(system: System, client: Client):
    alice, bob, returned = await held(client)
    cancelled = (await client.transfer(alice, bob, "1.00")).body["id"]
    await client.cancel(alice, cancelled)
    await client.transfer(alice, bob, "100.00")
    (row,) = await system.sql(alice.id, "SELECT id FROM transfers WHERE status = 'rejected'")
    await set_status(system, bob.id, "closed")
    await system.start_worker()
    await client.get_transfer(alice, returned, wait=10)

    for id_, lives, reasons in [
        (str(row["id"]), ["rejected"], ["insufficient_funds"]),
        (cancelled, ["held", "cancelled"], [None, "cancelled_by_payer"]),
        (returned, ["held", "debited", "refunded"], [None, None, "payee_closed"]),
    ]:
        events = await told(client, alice, id_)
        assert names(events) == [(str(number), life) for number, life in enumerate(lives)]
        assert [event.data["reason"] for event in events] == reasons
        assert events[-1].data == (await client.get_transfer(alice, id_)).body


async def test_what_happens_is_told_while_it_happens(system: System, running: Client):
    alice, bob = await running.member(EUR="10.00"), await running.member()
    async with locked(system, bob):
        id_ = (await running.transfer(alice, bob, "1.00")).body["id"]
        async with events_of(running, bob, id_) as source:
            first, second = await source.next(), await source.next()
            assert source.retry_ms == 2_000
            assert first is not None
            assert second is not None
            assert names([first, second]) == [("0", "held"), ("1", "debited")]
            shown = (await running.get_transfer(alice, id_)).body
            assert second.data == shown
            assert shown["status"] == "debited"
    # The payee can be paid now.
    assert names(await told(running, bob, id_, last="1")) == [("2", "completed")]


async def test_a_cancel_ends_the_stream_of_everybody_who_watches(system: System, client: Client):
    alice, bob, id_ = await held(client)
    other = await system.start_gateway()
    async with events_of(client, alice, id_) as mine, events_of(other, bob, id_) as his:
        await mine.next()
        await his.next()

        body = (await client.cancel(alice, id_)).body

        for source in (mine, his):
            (last,) = await source.rest()
            assert (last.id, last.name, last.data) == ("1", "cancelled", body)


async def test_an_end_that_is_told_is_passed_on_though_no_row_can_be_read(
    system: System, client: Client
):
    alice, _, id_ = await held(client)
    at = datetime(2026, 1, 31, tzinfo=UTC)
    ended = Ended(
        transfer_id=UUID(id_), status="completed", reason=None, debited_at=at, ended_at=at
    )
    dsn = system.databases[system.shard_number(id_)].dsn
    conn, teller = await asyncpg.connect(dsn), await asyncpg.connect(dsn)
    try:
        async with events_of(client, alice, id_) as source:
            await source.next()
            async with conn.transaction():
                await conn.execute("LOCK TABLE transfers IN ACCESS EXCLUSIVE MODE")
                await send_notices(teller, [ended])

                # What was debited meanwhile is told before it.
                assert names(await source.rest()) == [("1", "debited"), ("2", "completed")]
    finally:
        await conn.close()
        await teller.close()


async def test_an_end_of_which_nothing_was_told_is_found_by_looking(system: System, client: Client):
    alice, _, id_ = await held(client)
    async with events_of(client, alice, id_) as source:
        await source.next()

        await cancel_without_a_notice(system, alice, id_)
        (last,) = await source.rest()

    assert (last.id, last.name, last.data["reason"]) == ("1", "cancelled", "cancelled_by_payer")
    assert last.data == (await client.get_transfer(alice, id_)).body


async def cancel_without_a_notice(system: System, payer: Member, transfer_id: str) -> None:
    """The payer's cancel, by a gateway that dies after its commit."""
    shards = open_map(list(system.databases), buckets=BUCKETS)
    request = CancelRequest(
        transfer_id=UUID(transfer_id), payer_id=UUID(payer.id), asked_by=AskedBy.PAYER
    )
    (outcome,) = await run_steps(shards.of_id(UUID(payer.id)), [request], wait=True)
    await shards.close()
    assert isinstance(outcome, CancelDone)


async def test_a_client_that_comes_back_misses_nothing_and_gets_nothing_twice(running: Client):
    alice, bob = await running.member(EUR="10.00"), await running.member()
    id_ = (await running.transfer(alice, bob, "1.00")).body["id"]
    seen: list[Event] = []
    # Goes away after each event.
    for _ in range(3):
        last = seen[-1].id if seen else None
        async with events_of(running, alice, id_, last=last) as source:
            event = await source.next()
            assert event is not None
            seen.append(event)

    assert names(seen) == [("0", "held"), ("1", "debited"), ("2", "completed")]
    answer = await running.call(
        "GET", f"/v1/transfers/{id_}/events", by=alice, headers={"Last-Event-ID": "2"}
    )
    # So no client asks for ever.
    assert (answer.status, answer.body) == (204, None)
    assert "Content-Type" not in answer.headers


async def test_a_last_event_that_is_none_of_ours_is_ignored(running: Client):
    alice, bob = await running.member(EUR="10.00"), await running.member()
    id_ = (await running.transfer(alice, bob, "1.00", wait=10)).body["id"]

    for last in ("", "3", "-1", "x", "1.0", "01", "9" * 5_000, "held"):
        assert len(await told(running, alice, id_, last=last)) == 3, last


async def test_payer_payee_and_operators_watch_and_nobody_else(system: System, running: Client):
    alice, bob = await running.member(EUR="10.00"), await running.member()
    carol = await running.member()
    id_ = (await running.transfer(alice, bob, "1.00", wait=10)).body["id"]
    path = f"/v1/transfers/{id_}/events"

    payers, payees, operators = [
        await told(running, by, id_) for by in (alice, bob, system.as_operator(carol))
    ]

    assert payers == payees == operators
    async with unchanged(system):
        assert refused(await running.call("GET", path)) == (401, "unauthenticated")
        assert refused(await running.call("GET", path, by=carol)) == (404, "not_found")
        for wrong in ("x", carol.id, "0" * 32, f"{id_}0"):
            answer = await running.call("GET", f"/v1/transfers/{wrong}/events", by=alice)
            assert refused(answer) == (404, "not_found"), wrong
        answer = await running.call("GET", f"{path}?last=1", by=alice)
        assert fields(answer) == [("/last", "unknown_field")]
        foreign = await running.call("GET", f"{path}?last=1", by=carol)
        assert refused(foreign) == (404, "not_found")
        assert refused(await running.call("POST", path, by=alice)) == (405, "method_not_allowed")
