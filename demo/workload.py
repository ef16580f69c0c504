"""The traffic: users who register, fund their wallets, and pay each other."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from demo.client import TERMINAL, Client, Member, Refused, SeenTransfer
from demo.errors import UnexpectedAnswerError
from demo.money import as_text
from demo.plan import Kind, Plan, PlannedTransfer
from demo.tally import Tally

T = TypeVar("T")

# Passwords take a processor each for tens of milliseconds: more at once would only wait.
_REGISTERING = 16
_FUNDING = 32
_PAYING = 48
_WATCHING = 48
# Longer than the gateway waits for anybody.
_WAIT_S = 20
_PASSWORD = "correct horse battery staple"  # noqa: S105 - of users that live for one demo

REPEATED = "repeated with the same key: the same answer"
REFUSED = "more than there is: refused"
CANCELLED = "cancelled at once: in time, or told that it is too late"
TOO_LATE = "cancelled when it was over: refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cast:
    """Who takes part. `tag` is in every e-mail and key, so that a demo can be repeated."""

    tag: str
    members: Sequence[Member]
    decimals: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class _Accepted:
    planned: PlannedTransfer
    id: str
    cancelled: bool | None


async def register(client: Client, *, tag: str, users: int) -> list[Member]:
    """Registers the users, each with an e-mail that no run before had."""
    members: dict[int, Member] = {}

    async def one(number: int) -> None:
        members[number] = await client.register(f"demo-{tag}-{number:04}@example.com", _PASSWORD)

    await _each(range(users), one, at_once=_REGISTERING)
    return [members[number] for number in range(users)]


async def fund(client: Client, plan: Plan, cast: Cast) -> None:
    """Makes the planned deposits."""

    async def one(deposit: tuple[tuple[int, str], int]) -> None:
        (user, currency), amount = deposit
        await client.deposit(
            cast.members[user],
            currency=currency,
            amount=as_text(amount, cast.decimals[currency]),
            key=f"demo-{cast.tag}-deposit-{currency}",
        )

    await _each(plan.deposits.items(), one, at_once=_FUNDING)


class Payments:
    """The planned transfers: some payers send, others watch until what was accepted is over."""

    def __init__(self, client: Client, cast: Cast, tally: Tally) -> None:
        self._client = client
        self._cast = cast
        self._tally = tally
        self._accepted: asyncio.Queue[_Accepted | None] = asyncio.Queue()

    async def run(self, transfers: Sequence[PlannedTransfer], *, within_s: float) -> None:
        """Returns when all are over, or when the time is; the tally says which.

        Raises:
            NoAnswerError: the gateway is away, and stays away.
        """
        self._tally.begin()
        try:
            async with asyncio.timeout(within_s), asyncio.TaskGroup() as tasks:
                tasks.create_task(self._send_all(transfers))
                for _ in range(_WATCHING):
                    tasks.create_task(self._watch())
        except TimeoutError:
            open_ = len(transfers) - len(self._tally.ended)
            self._tally.note(f"{open_:,} transfers were not over after {within_s:.0f} s")

    async def _send_all(self, transfers: Sequence[PlannedTransfer]) -> None:
        await _each(transfers, self._noting(self._pay), at_once=_PAYING)
        for _ in range(_WATCHING):
            self._accepted.put_nowait(None)

    async def _watch(self) -> None:
        see_to_its_end = self._noting(self._see_to_its_end)
        while (accepted := await self._accepted.get()) is not None:
            await see_to_its_end(accepted)

    async def _pay(self, planned: PlannedTransfer) -> None:
        since = time.monotonic()
        answer = await self._ask(planned)
        if planned.kind is Kind.TOO_MUCH:
            self._tally.check(
                REFUSED,
                holds=isinstance(answer, Refused) and answer.code == "insufficient_funds",
                problem=f"transfer {planned.number} was answered with {answer}",
            )
        if isinstance(answer, Refused):
            self._tally.refuse(planned, code=answer.code)
        else:
            self._tally.accept(after_s=time.monotonic() - since)
        if planned.kind is Kind.REPEATED:
            self._compare(planned, answer, await self._ask(planned))
        if isinstance(answer, SeenTransfer):
            cancelled = None
            if planned.kind is Kind.CANCELLED:
                cancelled = await self._cancel(planned, answer.id) is not None
            self._accepted.put_nowait(_Accepted(planned, answer.id, cancelled))

    async def _ask(self, planned: PlannedTransfer) -> SeenTransfer | Refused:
        members = self._cast.members
        return await self._client.transfer(
            members[planned.payer],
            members[planned.payee],
            currency=planned.currency,
            amount=as_text(planned.amount, self._cast.decimals[planned.currency]),
            key=f"demo-{self._cast.tag}-transfer-{planned.number}",
        )

    async def _cancel(self, planned: PlannedTransfer, id_: str) -> SeenTransfer | None:
        return await self._client.cancel(self._cast.members[planned.payer], id_)

    def _compare(
        self,
        planned: PlannedTransfer,
        first: SeenTransfer | Refused,
        again: SeenTransfer | Refused,
    ) -> None:
        match first, again:
            case SeenTransfer(), SeenTransfer():
                same = first.id == again.id
            case Refused(), Refused():
                same = first.code == again.code
            case _:
                same = False
        self._tally.check(
            REPEATED,
            holds=same and again.replayed,
            problem=f"transfer {planned.number} had {first}, then {again}",
        )

    async def _see_to_its_end(self, accepted: _Accepted) -> None:
        payer = self._cast.members[accepted.planned.payer]
        transfer = await self._client.ended(payer, accepted.id, wait_s=_WAIT_S)
        while transfer.status not in TERMINAL:
            transfer = await self._client.ended(payer, accepted.id, wait_s=_WAIT_S)
        if transfer.took is not None:
            self._tally.over_s.append(transfer.took.total_seconds())
        if accepted.cancelled is not None:
            expected = ("cancelled",) if accepted.cancelled else ("completed", "refunded")
            self._tally.check(
                CANCELLED,
                holds=transfer.status in expected,
                problem=f"{transfer.id} should be {' or '.join(expected)}, is {transfer.status}",
            )
        if accepted.planned.kind is Kind.CANCELLED_LATE and transfer.status == "completed":
            late = await self._cancel(accepted.planned, transfer.id)
            self._tally.check(
                TOO_LATE, holds=late is None, problem=f"{transfer.id} was cancelled all the same"
            )
        self._tally.end(accepted.planned, status=transfer.status, reason=transfer.reason)

    def _noting(self, work: Callable[[T], Awaitable[None]]) -> Callable[[T], Awaitable[None]]:
        """The same work; an answer that must not be is noted, and the next one goes on."""

        async def noting(item: T) -> None:
            try:
                await work(item)
            except UnexpectedAnswerError as error:
                self._tally.note(str(error))

        return noting


async def _each(items: Iterable[T], work: Callable[[T], Awaitable[None]], *, at_once: int) -> None:
    """Does the work for each item, so many at a time; the first error ends all of it."""
    waiting = iter(items)

    async def drain() -> None:
        for item in waiting:
            await work(item)

    async with asyncio.TaskGroup() as tasks:
        for _ in range(at_once):
            tasks.create_task(drain())
