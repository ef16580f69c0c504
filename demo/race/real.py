"""The same burst, answered by the steps of Holdfast on two shards.

Each request is a batch of its own: what the lanes of a gateway would put into one transaction
competes here for the payer's row. The steps of a transfer follow each other at once, without Kafka.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from itertools import count
from uuid import UUID

from audit.statements import load_blocks
from demo.errors import DemoError
from demo.race.plan import AMOUNT_MINOR, CURRENCY, Plan, Request
from demo.race.totals import Totals, add_up
from sagas.messages import implied_message_of
from sagas.states import Status
from sagas.steps.confirm import Confirmed
from sagas.steps.move import Moved, MoveRequest, move
from sagas.steps.run import StepOutcome, Work, run_steps
from sagas.steps.settle import Settled
from sagas.steps.try_confirm import TryConfirmed
from sagas.steps.try_transfer import Timing, Tried, TryRequest, try_transfers
from shards.ids import RandomIds, email_bucket
from shards.migrate import migrate, set_up_shard
from shards.movements import MovementKind
from shards.pool import ShardOptions
from shards.router import ShardMap
from shards.shard import Shard
from shards.transfers import Transfer
from shards.users import insert_user

_SQL = load_blocks("real", package="demo.race")
BUCKETS = 2
_PAYER_BUCKET, _PAYEE_BUCKET = range(BUCKETS)
_TIMING = Timing(redrive_after=timedelta(minutes=1))
_OPEN_MAX = 10_000
# Every request of the burst may have to wait for all the others.
_WAITS_S = 30.0


def buckets_of(index: int) -> tuple[int, ...]:
    """The buckets of the shard with this number."""
    return tuple(range(index, BUCKETS, 2))


async def run_real(dsns: Mapping[str, str], plan: Plan, *, seed: int) -> Totals:
    """Makes empty databases into two shards, by name, and answers the burst.

    Raises:
        DemoError: a step did not do what it has to.
    """
    async with _opened(dsns, plan) as shards:
        wallets = await _make_wallets(shards, RandomIds(random.Random(seed)))
        await wallets.deposit(plan.deposited)
        start = asyncio.Event()

        async def ask(kind: Request, number: int) -> bool:
            await start.wait()
            if kind is Request.WITHDRAWAL:
                return await wallets.withdraw(number)
            return await wallets.send(number)

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(ask(*one)) for one in zip(plan.requests, count())]
            start.set()
        balance, entries = await wallets.books(wallets.payer)
        payee_balance, _ = await wallets.books(wallets.payee)
        return add_up(
            plan,
            [task.result() for task in tasks],
            balance=balance,
            entries=entries,
            payee_balance=payee_balance,
        )


@asynccontextmanager
async def _opened(dsns: Mapping[str, str], plan: Plan) -> AsyncIterator[ShardMap]:
    options = ShardOptions(
        pool_size=plan.connections, transaction_s=_WAITS_S, lock_s=_WAITS_S, unlocked_max=0
    )
    opened = []
    for index, (name, dsn) in enumerate(dsns.items()):
        owned = frozenset(buckets_of(index))
        await migrate(dsn, shard=name)
        await set_up_shard(dsn, shard=name, owned=owned, buckets=BUCKETS)
        opened.append(Shard(name=name, dsn=dsn, buckets=owned, options=options))
    shards = ShardMap(opened, buckets=BUCKETS)
    try:
        yield shards
    finally:
        await shards.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wallets:
    """A payer and a payee on two shards, and what the payer may ask for."""

    shards: ShardMap
    ids: RandomIds
    payer: UUID
    payee: UUID

    async def deposit(self, amount: int) -> None:
        """What the payer has before."""
        if not await self._moved(MovementKind.DEPOSIT, amount, key="deposit"):
            raise DemoError("the deposit was refused")

    async def withdraw(self, number: int) -> bool:
        """One withdrawal; whether it was accepted."""
        return await self._moved(MovementKind.WITHDRAWAL, AMOUNT_MINOR, key=f"request-{number}")

    async def send(self, number: int) -> bool:
        """One transfer, to its end; whether it was accepted."""
        key = f"request-{number}"
        request = TryRequest(
            transfer_id=self.ids.new_id(_PAYER_BUCKET),
            payer_id=self.payer,
            payee_id=self.payee,
            currency=CURRENCY,
            amount=AMOUNT_MINOR,
            caller=str(self.payer),
            idempotency_key=key,
            fingerprint=_fingerprint(key),
            metadata=None,
            expires_in=timedelta(hours=1),
            traceparent="",
        )
        shard = self.shards.of_id(self.payer)
        (tried,) = await try_transfers(
            shard, [request], wait=True, timing=_TIMING, open_max=_OPEN_MAX
        )
        if not isinstance(tried, Tried):
            raise DemoError(f"a transfer was not tried: {tried}")
        if Status(tried.transfer.status) is Status.REJECTED:
            return False
        await self._carry(tried.transfer)
        return True

    async def books(self, user_id: UUID) -> tuple[int, int]:
        """The balance, and what the entries add up to."""
        async with self.shards.of_id(user_id).connection() as conn:
            books = await conn.fetchrow(_SQL["read_books"], user_id)
        assert books is not None, "it has no FROM"
        return books["balance"], books["entries"]

    async def _moved(self, kind: MovementKind, amount: int, *, key: str) -> bool:
        request = MoveRequest(
            movement_id=self.ids.new_id(_PAYER_BUCKET),
            user_id=self.payer,
            kind=kind,
            currency=CURRENCY,
            amount=amount,
            caller=str(self.payer),
            idempotency_key=key,
            fingerprint=_fingerprint(key),
            metadata=None,
            traceparent="",
        )
        (moved,) = await move(self.shards.of_id(self.payer), [request], wait=True)
        if not isinstance(moved, Moved):
            raise DemoError(f"a {kind} was not done: {moved}")
        return moved.movement.status == "completed"

    async def _carry(self, transfer: Transfer) -> None:
        """Takes a held transfer to its end: debit, credit, settle."""
        message = implied_message_of(transfer)
        tried = None if message is None else await self._step(self.payer, message)
        if not isinstance(tried, TryConfirmed) or tried.confirm is None:
            raise DemoError(f"a transfer was not debited: {tried}")
        confirmed = await self._step(self.payee, tried.confirm)
        if not isinstance(confirmed, Confirmed):
            raise DemoError(f"a transfer was not credited: {confirmed}")
        settled = await self._step(self.payer, confirmed.verdict)
        if not isinstance(settled, Settled) or settled.transfer.status != Status.COMPLETED:
            raise DemoError(f"a transfer was not settled: {settled}")

    async def _step(self, user_id: UUID, work: Work) -> StepOutcome | None:
        (outcome,) = await run_steps(self.shards.of_id(user_id), [work], wait=True)
        return outcome if isinstance(outcome, StepOutcome) else None


async def _make_wallets(shards: ShardMap, ids: RandomIds) -> _Wallets:
    made = {}
    for name, bucket in (("payer", _PAYER_BUCKET), ("payee", _PAYEE_BUCKET)):
        id_ = ids.new_id(bucket)
        spellings = (f"{name}.{number}@example.com" for number in count())
        email = next(e for e in spellings if email_bucket(e, BUCKETS) == bucket)
        async with shards.of_id(id_).transaction([bucket]) as conn:
            await insert_user(conn, id_=id_, email=email, name=None, password_hash="-")  # noqa: S106 - nobody logs in
        made[name] = id_
    return _Wallets(shards=shards, ids=ids, payer=made["payer"], payee=made["payee"])


def _fingerprint(key: str) -> bytes:
    return sha256(key.encode()).digest()
