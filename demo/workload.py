"""The traffic: users who register, fund their wallets, and pay each other."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from client import (
    ClientError,
    ConflictError,
    DeclinedError,
    Holdfast,
    ProblemError,
    Transfer,
    as_text,
)
from demo.cast import Cast, Member
from demo.errors import AWAY, DemoError
from demo.plan import Kind, Plan, PlannedTransfer
from demo.tally import Tally

T = TypeVar("T")

# Passwords take a processor each for tens of milliseconds: more at once would only wait.
_REGISTERING = 16
_FUNDING = 32
_PAYING = 48
_WATCHING = 48
_PASSWORD = "correct horse battery staple"  # noqa: S105 - of users that live for one demo

REPEATED = "repeated with the same key: the same answer"
REFUSED = "more than there is: refused"
CANCELLED = "cancelled at once: in time, or told that it is too late"
TOO_LATE = "cancelled when it was over: refused"


@dataclass(frozen=True, slots=True)
class _Accepted:
    planned: PlannedTransfer
    id: str
    cancelled: bool | None


async def register(holdfast: Holdfast, *, tag: str, users: int) -> list[Member]:
    """Registers the users, each with an e-mail that no run before had."""
    members: dict[int, Member] = {}

    async def one(number: int) -> None:
        email = f"demo-{tag}-{number:04}@example.com"
        user = await holdfast.register(email, _PASSWORD)
        token = await holdfast.token(email, _PASSWORD)
        members[number] = Member(email, holdfast.session(user.id, token.access_token))

    await _each(range(users), one, at_once=_REGISTERING)
    return [members[number] for number in range(users)]


async def fund(plan: Plan, cast: Cast) -> None:
    """Makes the planned deposits.

    Raises:
        DemoError: they are not the users' to make.
    """

    async def one(deposit: tuple[tuple[int, str], int]) -> None:
        (user, currency), amount = deposit
        try:
            await cast.members[user].session.wallet.deposit(
                currency=currency,
                amount=as_text(amount, cast.decimals[currency]),
                key=f"demo-{cast.tag}-deposit-{currency}",
            )
        except ProblemError as refused:
            if refused.code != "operator_only":
                raise
            advice = "the demo needs HOLDFAST_MOVEMENTS__DEPOSITS_BY=owner"
            raise DemoError(f"{refused} Here: {advice}.") from refused

    await _each(plan.deposits.items(), one, at_once=_FUNDING)


class Payments:
    """The planned transfers: some payers send, others watch until what was accepted is over."""

    def __init__(self, cast: Cast, tally: Tally) -> None:
        self._cast = cast
        self._tally = tally
        self._accepted: asyncio.Queue[_Accepted | None] = asyncio.Queue()

    async def run(self, transfers: Sequence[PlannedTransfer], *, within_s: float) -> None:
        """Returns when all are over, or when the time is; the tally says which.

        Raises:
            NoAnswerError: the gateway is away, and stays away.
            TryLaterError: likewise.
        """
        self._tally.begin()
        try:
            async with asyncio.timeout(within_s), asyncio.TaskGroup() as tasks:
                tasks.create_task(self._send_all(transfers))
                for _ in range(_WATCHING):
                    tasks.create_task(self._watch(within_s))
        except TimeoutError:
            open_ = len(transfers) - len(self._tally.ended)
            self._tally.note(f"{open_:,} transfers were not over after {within_s:.0f} s")

    async def _send_all(self, transfers: Sequence[PlannedTransfer]) -> None:
        await _each(transfers, self._noting(self._pay), at_once=_PAYING)
        for _ in range(_WATCHING):
            self._accepted.put_nowait(None)

    async def _watch(self, within_s: float) -> None:
        see_to_its_end = self._noting(partial(self._see_to_its_end, within_s=within_s))
        while (accepted := await self._accepted.get()) is not None:
            await see_to_its_end(accepted)

    async def _pay(self, planned: PlannedTransfer) -> None:
        since = time.monotonic()
        answer = await self._ask(planned)
        if planned.kind is Kind.TOO_MUCH:
            self._tally.check(
                REFUSED,
                holds=isinstance(answer, DeclinedError) and answer.code == "insufficient_funds",
                problem=f"transfer {planned.number} was answered with {answer}",
            )
        if isinstance(answer, DeclinedError):
            self._tally.refuse(planned, code=answer.code)
        else:
            self._tally.accept(after_s=time.monotonic() - since)
        if planned.kind is Kind.REPEATED:
            self._compare(planned, answer, await self._ask(planned))
        if isinstance(answer, Transfer):
            cancelled = None
            if planned.kind is Kind.CANCELLED:
                cancelled = await self._is_cancelled(planned, answer.id)
            self._accepted.put_nowait(_Accepted(planned, answer.id, cancelled))

    async def _ask(self, planned: PlannedTransfer) -> Transfer | DeclinedError:
        members = self._cast.members
        try:
            return await members[planned.payer].session.transfers.create(
                to=members[planned.payee].session.user_id,
                currency=planned.currency,
                amount=as_text(planned.amount, self._cast.decimals[planned.currency]),
                key=f"demo-{self._cast.tag}-transfer-{planned.number}",
            )
        except DeclinedError as declined:
            return declined

    async def _is_cancelled(self, planned: PlannedTransfer, id_: str) -> bool:
        """Whether it was cancelled; false where it was too late."""
        try:
            await self._cast.members[planned.payer].session.transfers.cancel(id_)
        except ConflictError as too_late:
            if too_late.code != "already_debited":
                raise
            return False
        return True

    def _compare(
        self,
        planned: PlannedTransfer,
        first: Transfer | DeclinedError,
        again: Transfer | DeclinedError,
    ) -> None:
        match first, again:
            case Transfer(), Transfer():
                same = first.id == again.id
            case DeclinedError(), DeclinedError():
                same = first.code == again.code
            case _:
                same = False
        self._tally.check(
            REPEATED,
            holds=same and again.answer.replayed,
            problem=f"transfer {planned.number} had {first}, then {again}",
        )

    async def _see_to_its_end(self, accepted: _Accepted, *, within_s: float) -> None:
        payer = self._cast.members[accepted.planned.payer].session
        transfer = await payer.transfers.wait(accepted.id, within_s=within_s)
        self._tally.over_s.append(transfer.took.total_seconds())
        if accepted.cancelled is not None:
            expected = ("cancelled",) if accepted.cancelled else ("completed", "refunded")
            self._tally.check(
                CANCELLED,
                holds=transfer.status in expected,
                problem=f"{transfer.id} should be {' or '.join(expected)}, is {transfer.status}",
            )
        if accepted.planned.kind is Kind.CANCELLED_LATE and transfer.status == "completed":
            in_time = await self._is_cancelled(accepted.planned, transfer.id)
            self._tally.check(
                TOO_LATE, holds=not in_time, problem=f"{transfer.id} was cancelled all the same"
            )
        self._tally.end(accepted.planned, status=transfer.status, reason=transfer.reason)

    def _noting(self, work: Callable[[T], Awaitable[None]]) -> Callable[[T], Awaitable[None]]:
        """The same work; an answer that must not be is noted, and the next one goes on."""

        async def noting(item: T) -> None:
            try:
                await work(item)
            except AWAY:
                raise
            except ClientError as error:
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
