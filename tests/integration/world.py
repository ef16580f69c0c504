"""A small world for tests of steps: users with money on two shards, and each step by one name."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from itertools import count
from typing import Any, TypeVar, cast
from uuid import UUID

import asyncpg

from sagas.currency_acts import CurrencyOrder, CurrencyPut, put_currency
from sagas.messages import Message, Step, implied_message_of
from sagas.operators import UserAct
from sagas.outcomes import Failed, SetAside, Skipped
from sagas.redrive import RedrivePolicy, claim_messages
from sagas.states import TERMINAL, Status
from sagas.steps.cancel import AskedBy, CancelDone, CancelRequest
from sagas.steps.confirm import Confirmed
from sagas.steps.move import Moved, MoveRequest, move
from sagas.steps.run import run_steps
from sagas.steps.settle import Settled
from sagas.steps.try_confirm import TryConfirmed
from sagas.steps.try_transfer import Timing, Tried, TryRequest, try_transfers
from sagas.user_acts import UserChanged, UserOrder, change_user
from shards.ids import RandomIds, bucket_of, currency_bucket, email_bucket
from shards.movements import MovementKind
from shards.router import ShardMap
from shards.transfers import Transfer, read_transfers
from shards.users import insert_user
from shards.verdicts import Verdict
from tests.eventually import eventually

T = TypeVar("T")

# What leads to a status, where it is allowed.
ACT_TO = {"open": UserAct.UNFREEZE, "frozen": UserAct.FREEZE, "closed": UserAct.CLOSE}
# More than any test has open at once, unless it is about that.
OPEN_MAX = 10_000
TIMING = Timing(redrive_after=timedelta(seconds=10))
POLICY = RedrivePolicy(
    backoff_base=timedelta(seconds=1), backoff_cap=timedelta(seconds=20), limit=100
)


class World:
    """Users and steps over a `ShardMap`; amounts are minor units of EUR.

    Args:
        waits: whether steps wait for their users, and so lock them first. Otherwise they try
            without locks, as lanes have them do.
    """

    def __init__(self, shards: ShardMap, *, waits: bool = True) -> None:
        self.shards = shards
        self.waits = waits
        self.ids = RandomIds()
        self._names = count()

    async def user(self, *, bucket: int, funds: int = 0) -> UUID:
        """A new open user in `bucket` with a deposit of `funds`."""
        id_ = self.ids.new_id(bucket)
        spellings = (f"{id_}.{number}@example.com" for number in count())
        email = next(e for e in spellings if email_bucket(e, self.shards.buckets) == bucket)
        async with self.shards.of_id(id_).transaction([bucket]) as conn:
            await insert_user(conn, id_=id_, email=email, name=None, password_hash="-")
        if funds:
            await self.deposit(id_, funds)
        return id_

    async def pair(self, *, funds: int, same_shard: bool = False) -> tuple[UUID, UUID]:
        """A payer with `funds` and a payee with nothing."""
        there = 2 if same_shard else 1
        return await self.user(bucket=0, funds=funds), await self.user(bucket=there)

    async def deposit(self, user_id: UUID, amount: int) -> Moved:
        """A deposit that must succeed."""
        outcome = await self.move(self.move_request(user_id, MovementKind.DEPOSIT, amount))
        assert isinstance(outcome, Moved)
        return outcome

    async def move(self, request: MoveRequest) -> Moved | Failed | Skipped:
        """One movement."""
        (outcome,) = await move(self.shards.of_id(request.user_id), [request], wait=self.waits)
        return outcome

    def move_request(
        self, user_id: UUID, kind: MovementKind, amount: int, *, key: str | None = None
    ) -> MoveRequest:
        """A movement asked for by the user itself."""
        return MoveRequest(
            movement_id=self.ids.new_id(bucket_of(user_id)),
            user_id=user_id,
            kind=kind,
            currency="EUR",
            amount=amount,
            caller=str(user_id),
            idempotency_key=key or f"m{next(self._names)}",
            fingerprint=hashlib.sha256(f"{kind}{amount}".encode()).digest(),
            metadata=None,
            traceparent="",
        )

    def try_request(
        self, payer: UUID, payee: UUID, amount: int, *, key: str | None = None
    ) -> TryRequest:
        """A transfer asked for by the payer itself."""
        return TryRequest(
            transfer_id=self.ids.new_id(bucket_of(payer)),
            payer_id=payer,
            payee_id=payee,
            currency="EUR",
            amount=amount,
            caller=str(payer),
            idempotency_key=key or f"t{next(self._names)}",
            fingerprint=hashlib.sha256(f"{payee}{amount}".encode()).digest(),
            metadata=None,
            expires_in=timedelta(hours=1),
            traceparent="",
        )

    async def try_together(
        self, asked: Sequence[tuple[UUID, UUID, int]], *, key: str | None = None
    ) -> list[Tried | Failed | Skipped]:
        """One batch of tries on the first payer's shard."""
        requests = [self.try_request(*one, key=key) for one in asked]
        shard = self.shards.of_id(asked[0][0])
        return await try_transfers(
            shard, requests, wait=self.waits, timing=TIMING, open_max=OPEN_MAX
        )

    async def try_transfer(self, payer: UUID, payee: UUID, amount: int) -> Transfer:
        """A try that must be accepted or rejected."""
        (outcome,) = await self.try_together([(payer, payee, amount)])
        assert isinstance(outcome, Tried)
        return outcome.transfer

    async def run_try_confirm(
        self, messages: Sequence[Message], *, wait: bool | None = None
    ) -> list[TryConfirmed | SetAside | Skipped]:
        """One batch of try-confirms."""
        shard = self.shards.of_id(messages[0].payer_id)
        return cast(
            "list[TryConfirmed | SetAside | Skipped]",
            await run_steps(shard, messages, wait=self.waits if wait is None else wait),
        )

    async def try_confirm(
        self, transfer: Transfer, *, wait: bool | None = None
    ) -> TryConfirmed | SetAside | Skipped:
        """The try-confirm of a transfer that was held."""
        message = implied_message_of(transfer)
        assert message is not None
        (outcome,) = await self.run_try_confirm([message], wait=wait)
        return outcome

    async def debited(self, payer: UUID, payee: UUID, amount: int) -> Message:
        """The confirm of a new transfer that is debited."""
        outcome = await self.try_confirm(await self.try_transfer(payer, payee, amount))
        assert isinstance(outcome, TryConfirmed)
        assert outcome.confirm is not None
        return outcome.confirm

    async def confirm(self, message: Message) -> Confirmed | SetAside | Skipped:
        """One confirm."""
        shard = self.shards.of_id(message.payee_id)
        (outcome,) = await run_steps(shard, [message], wait=self.waits)
        assert isinstance(outcome, Confirmed | SetAside)
        return outcome

    async def settle(self, verdict: Verdict) -> Settled | SetAside | Skipped:
        """One settle."""
        shard = self.shards.of_id(verdict.payer_id)
        (outcome,) = await run_steps(shard, [verdict], wait=self.waits)
        assert isinstance(outcome, Settled | SetAside)
        return outcome

    async def cancel(self, transfer: Transfer, by: AskedBy) -> CancelDone | SetAside | Skipped:
        """One cancel."""
        request = CancelRequest(transfer_id=transfer.id, payer_id=transfer.payer_id, asked_by=by)
        shard = self.shards.of_id(transfer.payer_id)
        (outcome,) = await run_steps(shard, [request], wait=self.waits)
        assert isinstance(outcome, CancelDone | SetAside)
        return outcome

    async def cancel_as(
        self, transfer: Transfer, *users: UUID, wait: bool | None = None
    ) -> list[CancelDone | SetAside | Skipped]:
        """One batch of cancels of one transfer by several users of its shard."""
        requests = [
            CancelRequest(transfer_id=transfer.id, payer_id=user, asked_by=AskedBy.PAYER)
            for user in users
        ]
        shard = self.shards.of_id(transfer.payer_id)
        return cast(
            "list[CancelDone | SetAside | Skipped]",
            await run_steps(shard, requests, wait=self.waits if wait is None else wait),
        )

    async def run_all(self, transfer: Transfer) -> Transfer:
        """Takes a held transfer to its end."""
        outcome = await self.try_confirm(transfer)
        assert isinstance(outcome, TryConfirmed)
        assert outcome.confirm is not None
        confirmed = await self.confirm(outcome.confirm)
        assert isinstance(confirmed, Confirmed)
        settled = await self.settle(confirmed.verdict)
        assert isinstance(settled, Settled)
        assert Status(settled.transfer.status) in TERMINAL
        return settled.transfer

    async def redrive(self, payer: UUID) -> list[Message]:
        """One round of redrive on the payer's shard."""
        shard = self.shards.of_id(payer)
        return await claim_messages(shard, buckets=shard.buckets, policy=POLICY, jitter=0.0)

    async def deliver(self, message: Message) -> Message | None:
        """What a worker does with a message; the next message, if it leads to one.

        A confirm's verdict is settled at once, as a worker hands it on.
        """
        shard = self.shards.of_bucket(message.bucket)
        match message.step:
            case Step.TRY_CONFIRM:
                (tried,) = await self.run_try_confirm([message])
                return tried.confirm if isinstance(tried, TryConfirmed) else None
            case Step.CONFIRM:
                confirmed = await self.confirm(message)
                if isinstance(confirmed, Confirmed):
                    await self.settle(confirmed.verdict)
            case Step.CANCEL:
                await run_steps(shard, [message], wait=self.waits)
        return None

    async def drain(self, ids: Sequence[UUID]) -> None:
        """Redrives these transfers, and nothing else sends, until all of them are over."""
        for _ in range(5):
            rows = [await self.read(id_) for id_ in ids]
            pending = [row for row in rows if Status(row.status) not in TERMINAL]
            if not pending:
                return
            for shard in self.shards.shards:
                mine = [row.id for row in pending if self.shards.of_id(row.id) is shard]
                if mine:
                    await self.make_due(*mine)
                    for message in await self.redrive(mine[0]):
                        await self.deliver(message)
        raise AssertionError("redrive does not bring them to an end")

    async def read(self, transfer_id: UUID) -> Transfer:
        """The transfer's row."""
        async with self.shards.of_id(transfer_id).connection() as conn:
            return (await read_transfers(conn, [transfer_id]))[transfer_id]

    async def balance(self, user_id: UUID) -> tuple[int, int]:
        """(balance, held) in EUR; zeros where there is no account."""
        async with self.shards.of_id(user_id).connection() as conn:
            row = await conn.fetchrow(
                "SELECT balance, held FROM accounts WHERE user_id = $1 AND currency = 'EUR'",
                user_id,
            )
        return (row["balance"], row["held"]) if row else (0, 0)

    async def set_status(self, user_id: UUID, status: str) -> UserChanged:
        """The act of an operator that leads to this status."""
        return await self.act(user_id, ACT_TO[status])

    async def act(self, user_id: UUID, act: UserAct) -> UserChanged:
        """An act of an operator."""
        order = UserOrder(act=act, user_id=user_id, done_by="Ada", reason="a test", traceparent="")
        return await change_user(self.shards.of_id(user_id), order)

    async def put_currency(
        self, code: str, *, name: str = "A coin", decimals: int = 8, enabled: bool | None = None
    ) -> CurrencyPut:
        """A currency made or changed by an operator."""
        bucket = currency_bucket(code, self.shards.buckets)
        order = CurrencyOrder(
            code=code,
            name=name,
            decimals=decimals,
            enabled=enabled,
            act_id=self.ids.new_id(bucket),
            done_by="Ada",
            reason="a test",
        )
        return await put_currency(self.shards.of_currency(code), order)

    async def rewrite_status(self, user_id: UUID, status: str) -> None:
        """Puts a status where no act may bring it."""
        async with self.shards.of_id(user_id).connection() as conn:
            await conn.execute("UPDATE users SET status = $2 WHERE id = $1", user_id, status)

    async def expire(self, transfer: Transfer) -> None:
        """Moves a transfer's expiry into the past."""
        async with self.shards.of_id(transfer.payer_id).connection() as conn:
            await conn.execute(
                "UPDATE transfers SET expires_at = created_at - interval '1 second' WHERE id = $1",
                transfer.id,
            )

    async def rewrite_balance(self, user_id: UUID, balance: int) -> None:
        """Puts a balance where no entries have brought it."""
        async with self.shards.of_id(user_id).connection() as conn:
            await conn.execute(
                "UPDATE accounts SET balance = $2 WHERE user_id = $1", user_id, balance
            )

    async def shift_clock(self, user_id: UUID, by: timedelta) -> None:
        """Lets the clock of the user's shard step."""
        async with self.session(user_id) as conn:
            await conn.execute(
                "CREATE OR REPLACE FUNCTION app_now() RETURNS timestamptz LANGUAGE sql VOLATILE"
                f" RETURN clock_timestamp() + interval '{by.total_seconds()} seconds'"
            )

    async def make_due(self, *ids: UUID) -> None:
        """Lets redrive look at these now."""
        async with self.shards.of_id(ids[0]).connection() as conn:
            await conn.execute(
                "UPDATE transfers SET next_attempt_at = app_now() WHERE id = ANY($1::uuid[])",
                list(ids),
            )

    async def queued(self, user_id: UUID, *steps: Coroutine[Any, Any, T]) -> list[T]:
        """Lets steps queue for a user's row, in this order, and then go on; their results."""
        async with asyncio.TaskGroup() as group, self.locked(user_id):
            tasks = []
            for step in steps:
                tasks.append(group.create_task(step))
                await self.until_waiting(user_id, len(tasks))
        return [task.result() for task in tasks]

    async def until_waiting(self, user_id: UUID, sessions: int = 1) -> None:
        """Returns when so many sessions wait for a lock on this user's shard."""

        async def count_waiting() -> bool:
            async with self.shards.of_id(user_id).connection() as conn:
                waiting: int = await conn.fetchval(
                    "SELECT count(*) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND wait_event_type = 'Lock'"
                )
            return waiting == sessions

        await eventually(count_waiting, every_s=0.005)

    @asynccontextmanager
    async def session(self, user_id: UUID) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
        """A connection to the user's shard that the test steps by hand."""
        conn: asyncpg.Connection[asyncpg.Record] = await asyncpg.connect(
            self.shards.of_id(user_id).dsn
        )
        try:
            yield conn
        finally:
            conn.terminate()

    @asynccontextmanager
    async def locked(self, user_id: UUID) -> AsyncIterator[None]:
        """Somebody else's transaction that has the user's row."""
        async with self.shards.of_id(user_id).transaction([bucket_of(user_id)]) as conn:
            await conn.fetch("SELECT id FROM users WHERE id = $1 FOR NO KEY UPDATE", user_id)
            yield
