"""Every order, repeat and loss of a transfer's messages leads to one of its legal ends.

A try-confirm (T), the confirm it leads to (C), the settle of its verdict (S) and the clock's cancel
(X) are delivered up to twice each, in every order in which they can come to be: a confirm is built
from a committed debit only, a settle from a committed verdict. What is not delivered is left to
redrive. All of these transfers live in the same two databases and are delivered side by side,
which is how lanes run them.
"""

from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from itertools import product, zip_longest
from typing import TypeVar
from uuid import UUID

from audit import audit
from audit.report import AuditedShard
from sagas.messages import Message, Step, implied_message_of
from sagas.redrive import RedrivePolicy, claim_messages
from sagas.states import TERMINAL, Status
from sagas.steps.cancel import AskedBy, CancelRequest
from sagas.steps.confirm import Confirmed
from sagas.steps.run import run_steps
from sagas.steps.settle import Settled
from sagas.steps.try_confirm import TryConfirmed
from sagas.steps.try_transfer import Tried, try_transfers
from shards.shard import Shard
from shards.transfers import Transfer, read_transfers
from shards.verdicts import Verdict
from tests.databases import ShardDatabase
from tests.integration.world import OPEN_MAX, POLICY, TIMING, World

T = TypeVar("T")

BATCH = 250
BUCKETS = 8


class Expiry(Enum):
    """When the transfer's expiry passes."""

    NEVER = auto()
    AT_ONCE = auto()
    AFTER_DEBIT = auto()


@dataclass
class Case:
    """One transfer, the order its messages come in, and what is known of it so far."""

    order: str
    expiry: Expiry
    closed: bool
    transfer: Transfer
    confirm: Message | None = None
    verdict: Verdict | None = None

    @property
    def end(self) -> Status:
        """The one legal end."""
        debited_in_time = self.expiry is Expiry.NEVER or (
            self.expiry is Expiry.AFTER_DEBIT and "T" in self.order
        )
        if not debited_in_time:
            return Status.CANCELLED
        return Status.REFUNDED if self.closed else Status.COMPLETED


def orders() -> list[str]:
    """Every order of up to two T, C, S and X in which each is caused by one before it."""
    found = {""}
    for _ in range(8):
        found |= {order + step for order in found for step in "TCSX" if may_follow(order, step)}
    return sorted(found)


def may_follow(order: str, step: str) -> bool:
    cause = {"C": "T", "S": "C"}.get(step, "")
    return order.count(step) < 2 and cause in order


def batches(items: Iterable[T]) -> Iterator[list[T]]:
    every = list(items)
    return (every[start : start + BATCH] for start in range(0, len(every), BATCH))


class Deliveries:
    """Cases of one payer, an open payee and a closed one, moved on side by side."""

    def __init__(self, world: World, payer: UUID, payee: UUID) -> None:
        self.world = world
        self.payer_shard = world.shards.of_id(payer)
        self.payee_shard = world.shards.of_id(payee)
        self.cases: list[Case] = []

    async def add(self, planned: Sequence[tuple[str, Expiry, bool]], users: list[UUID]) -> None:
        payer, payee, closed_payee = users
        for batch in batches(planned):
            requests = [
                self.world.try_request(payer, closed_payee if closed else payee, 1)
                for _, _, closed in batch
            ]
            tried = await try_transfers(
                self.payer_shard, requests, wait=True, timing=TIMING, open_max=OPEN_MAX
            )
            for plan, outcome in zip(batch, tried, strict=True):
                assert isinstance(outcome, Tried)
                self.cases.append(Case(*plan, outcome.transfer))

    async def expire(self, when: Expiry, cases: Iterable[Case]) -> None:
        """Lets the expiry of those of these cases pass whose time it is."""
        async with self.payer_shard.connection() as conn:
            await conn.execute(
                "UPDATE transfers SET expires_at = created_at - interval '1 second'"
                " WHERE id = ANY($1::uuid[])",
                [case.transfer.id for case in cases if case.expiry is when],
            )

    async def deliver(self, step: str, cases: list[Case]) -> None:
        """One message of each of these cases, as far as it has come to be."""
        deliver: dict[str, Callable[[list[Case]], Awaitable[None]]] = {
            "T": self._try_confirm,
            "C": self._confirm,
            "S": self._settle,
            "X": self._cancel,
        }
        for batch in batches(cases):
            await deliver[step](batch)

    async def _try_confirm(self, cases: list[Case]) -> None:
        messages = [must(implied_message_of(case.transfer)) for case in cases]
        for case, outcome in zip(
            cases,
            await run_steps(self.payer_shard, messages, wait=True),
            strict=True,
        ):
            assert isinstance(outcome, TryConfirmed)
            case.confirm = outcome.confirm or case.confirm

    async def _confirm(self, cases: list[Case]) -> None:
        known = [case for case in cases if case.confirm is not None]
        messages = [must(case.confirm) for case in known]
        for case, outcome in zip(
            known,
            await run_steps(self.payee_shard, messages, wait=True),
            strict=True,
        ):
            assert isinstance(outcome, Confirmed)
            assert case.verdict in (None, outcome.verdict)
            case.verdict = outcome.verdict

    async def _settle(self, cases: list[Case]) -> None:
        verdicts = [case.verdict for case in cases if case.verdict is not None]
        for outcome in await run_steps(self.payer_shard, verdicts, wait=True):
            assert isinstance(outcome, Settled)

    async def _cancel(self, cases: list[Case]) -> None:
        requests = [
            CancelRequest(
                transfer_id=case.transfer.id,
                payer_id=case.transfer.payer_id,
                asked_by=AskedBy.EXPIRY,
            )
            for case in cases
        ]
        await run_steps(self.payer_shard, requests, wait=True)

    async def statuses(self) -> list[Status]:
        async with self.payer_shard.connection() as conn:
            rows = await read_transfers(conn, [case.transfer.id for case in self.cases])
        return [Status(rows[case.transfer.id].status) for case in self.cases]

    async def redrive(self) -> int:
        """One round of redrive over everything that is open; how many messages it sent."""
        async with self.payer_shard.connection() as conn:
            await conn.execute(
                "UPDATE transfers SET next_attempt_at = app_now() - interval '1 s'"
                " WHERE next_attempt_at IS NOT NULL"
            )
        by_id = {case.transfer.id: case for case in self.cases}
        messages = await claim_all(self.payer_shard)
        for step, letters in ((Step.TRY_CONFIRM, "T"), (Step.CANCEL, "X"), (Step.CONFIRM, "CS")):
            cases = []
            for message in messages:
                if message.step is step:
                    case = by_id[message.transfer_id]
                    case.confirm = message if step is Step.CONFIRM else case.confirm
                    cases.append(case)
            for letter in letters:
                await self.deliver(letter, cases)
        return len(messages)


async def claim_all(shard: Shard) -> list[Message]:
    policy = RedrivePolicy(
        backoff_base=POLICY.backoff_base, backoff_cap=POLICY.backoff_cap, limit=100_000
    )
    return await claim_messages(shard, buckets=shard.buckets, policy=policy, jitter=0.0)


def must(message: Message | None) -> Message:
    assert message is not None
    return message


async def assert_clean(databases: list[ShardDatabase]) -> None:
    shards = [AuditedShard(d.name, d.dsn, d.buckets) for d in databases]
    report = await audit(shards, buckets=BUCKETS)
    assert [breach for check in report.checks for breach in check.breaches] == []
    assert report.ok
    assert report.quiet


def test_no_order_is_left_out():
    every = orders()

    assert len(every) == 1238
    assert {"TCS", "XT", "TTCCSSXX", "XTXCTCSS", "TXCSTXCS"} <= set(every)
    assert not {"C", "XC", "TS", "TTT"} & set(every)


async def test_every_order_of_deliveries_ends_legally_and_the_books_are_clean(
    world: World, shard_databases: list[ShardDatabase]
):
    planned = list(product(orders(), Expiry, (False, True)))
    payer, payee = await world.pair(funds=len(planned))
    closed = await world.user(bucket=1)
    await world.set_status(closed, "closed")
    deliveries = Deliveries(world, payer, payee)
    await deliveries.add(planned, [payer, payee, closed])
    await deliveries.expire(Expiry.AT_ONCE, deliveries.cases)

    for position in zip_longest(*(case.order for case in deliveries.cases)):
        for step in "TCSX":
            coming = zip(deliveries.cases, position, strict=True)
            cases = [case for case, letter in coming if letter == step]
            await deliveries.deliver(step, cases)
            if step == "T":
                await deliveries.expire(Expiry.AFTER_DEBIT, cases)
    await deliveries.expire(Expiry.AFTER_DEBIT, deliveries.cases)
    await assert_clean(shard_databases)
    rounds = [await deliveries.redrive() for _ in range(3)]

    await assert_clean(shard_databases)
    assert rounds[2] == 0
    ends = await deliveries.statuses()
    assert dict(zip(planned, ends, strict=True)) == {
        (case.order, case.expiry, case.closed): case.end for case in deliveries.cases
    }
    assert set(ends) == TERMINAL - {Status.REJECTED}
    completed = ends.count(Status.COMPLETED)
    assert await world.balance(payer) == (len(planned) - completed, 0)
    assert await world.balance(payee) == (completed, 0)
    assert await world.balance(closed) == (0, 0)
