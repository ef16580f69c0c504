"""Transfers between a few people, for tests that do harm to the stack meanwhile."""

import asyncio
import uuid
from collections import Counter
from collections.abc import Callable, Coroutine
from decimal import Decimal
from functools import partial
from itertools import cycle, pairwise

from e2e_tests.client import Answer, Client, Member
from tests.eventually import eventually

CENT = "0.01"


class Traffic:
    """People who pay each other a cent in turn, through either gateway.

    Args:
        clients: one for each gateway.
        people: with money; in several buckets.
    """

    def __init__(self, clients: list[Client], people: list[Member]) -> None:
        self.clients = clients
        self.people = people
        self._pairs = pairwise(cycle(people))
        self._payers: dict[str, Member] = {}

    async def try_to_send(self, count: int, *, by: int = 0) -> list[Answer]:
        """What the gateway answers to so many transfers at once."""
        return await self._each(partial(self._ask, by=by), count)

    async def send(self, count: int, *, by: int = 0) -> list[str]:
        """Ids of transfers that were all accepted.

        Each is asked for again, with its key, while its payer is 503: a process that was stopped
        in a transaction may hold the payer's row until its database lets go of it.
        """
        answers = await self._each(partial(self._accepted, by=by), count)
        return [answer.body["id"] for answer in answers]

    async def _each(
        self, ask: Callable[[Member, Member], Coroutine[None, None, Answer]], count: int
    ) -> list[Answer]:
        pairs = [next(self._pairs) for _ in range(count)]
        async with asyncio.TaskGroup() as group:
            asked = [group.create_task(ask(payer, payee)) for payer, payee in pairs]
        return [task.result() for task in asked]

    async def _accepted(self, payer: Member, payee: Member, *, by: int) -> Answer:
        key = uuid.uuid4().hex
        answers: list[Answer] = []

        async def not_away() -> None:
            answers.append(await self._ask(payer, payee, by=by, key=key))
            assert answers[-1].status != 503, answers

        await eventually(not_away, within_s=15, every_s=0.2)
        assert answers[-1].status == 202, answers
        return answers[-1]

    async def _ask(
        self, payer: Member, payee: Member, *, by: int, key: str | None = None
    ) -> Answer:
        answer = await self.clients[by].transfer(payer, payee, CENT, key=key)
        if answer.status == 202:
            self._payers[answer.body["id"]] = payer
        return answer

    async def statuses(self, ids: list[str], *, by: int = 1) -> Counter[str]:
        """How many transfers are in which status."""
        seen = [await self.clients[by].get_transfer(self._payers[id_], id_) for id_ in ids]
        return Counter(answer.body.get("status") or str(answer.status) for answer in seen)

    async def end_as(self, status: str, ids: list[str], *, within_s: float = 40) -> None:
        """Returns when all of them have come to that end."""

        async def all_have() -> None:
            now = await self.statuses(ids)
            assert now == {status: len(ids)}

        await eventually(all_have, within_s=within_s, every_s=0.1)

    async def pay(self, *, by: int = 0) -> None:
        """One transfer, until it has completed."""
        await self.end_as("completed", await self.send(1, by=by))

    async def total(self) -> tuple[Decimal, Decimal]:
        """What all of them have, and what of it is held."""
        seen = [await self.clients[0].balance(person) for person in self.people]
        nothing = Decimal(0)
        balances, held = zip(*seen, strict=True)
        return sum(map(Decimal, balances), nothing), sum(map(Decimal, held), nothing)
