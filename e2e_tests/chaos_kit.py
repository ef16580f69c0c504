"""Transfers between a few people, for tests that do harm to the stack meanwhile."""

import asyncio
from collections import Counter
from decimal import Decimal
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
        pairs = [next(self._pairs) for _ in range(count)]
        async with asyncio.TaskGroup() as group:
            asked = [
                group.create_task(self.clients[by].transfer(payer, payee, CENT))
                for payer, payee in pairs
            ]
        answers = [task.result() for task in asked]
        for (payer, _), answer in zip(pairs, answers, strict=True):
            if answer.status == 202:
                self._payers[answer.body["id"]] = payer
        return answers

    async def send(self, count: int, *, by: int = 0) -> list[str]:
        """Ids of transfers that were all accepted."""
        answers = await self.try_to_send(count, by=by)
        assert {answer.status for answer in answers} == {202}, answers
        return [answer.body["id"] for answer in answers]

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
