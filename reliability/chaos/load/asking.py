"""Requests that are written down and repeated, with the same key, until the answer is final."""

import asyncio
import random
from collections import Counter
from dataclasses import dataclass, field

from reliability.chaos.load.answers import EXPECTED, TRANSFERS, told_answer
from reliability.chaos.load.cast import Member, renew_token
from reliability.chaos.load.http import Http, Reply, Request
from reliability.history import Ask as Told
from reliability.history import HistoryWriter, Kind

_BACKOFF_FIRST_S = 0.1
# Whoever waits for a shard that is away for minutes asks seldom.
_BACKOFF_CAP_S = 8.0
# One in ten gives up after its first try, so that some answers stay unknown for good.
_IMPATIENT_SHARE = 0.1


@dataclass(slots=True)
class Tally:
    """What became of the requests.

    Attributes:
        answers: how often each status was answered, "none" for no answer.
        accepted: transfers that were answered with 2xx, by id, captures and refunds among them.
        unexpected: answers that the contract does not have for what was asked.
        gave_up: requests whose client asked no more before it had a final answer.
    """

    answers: Counter[str] = field(default_factory=Counter)
    accepted: set[str] = field(default_factory=set)
    unexpected: list[str] = field(default_factory=list)
    gave_up: int = 0

    def note(self, kind: Kind, request: Request, reply: Reply) -> None:
        """One answer."""
        self.answers[str(reply.status) if reply.status is not None else "none"] += 1
        if reply.status not in EXPECTED[kind]:
            self.unexpected.append(f"{request.method} {request.path}: {reply.status} {reply.code}")
        if kind in TRANSFERS and reply.status in (201, 202):
            self.accepted.add(str(reply.body["id"]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """A request as the history tells it, and as it goes over the wire."""

    told: Told
    by: Member
    method: str
    path: str
    json: dict[str, object] | None = None
    key: str | None = None


class Asking:
    """Asks, repeats and writes down. One for all clients of a run."""

    def __init__(self, http: Http, history: HistoryWriter, *, rng: random.Random) -> None:
        self._http = http
        self._history = history
        self._rng = rng
        self.tally = Tally()
        self.give_up = asyncio.Event()

    async def ask(self, ask: Ask, *, client: int) -> Reply:
        """The final answer, or the last one where the client gives up."""
        patient = self._rng.random() >= _IMPATIENT_SHARE
        gateway = self._rng.randrange(1_000)
        backoff_s = _BACKOFF_FIRST_S
        while True:
            reply = await self.once(ask, client=client, gateway=gateway)
            if reply.status == 401:
                await renew_token(self._http, ask.by, gateway=gateway + 1)
            if reply.is_final:
                return reply
            if not patient or self.give_up.is_set():
                self.tally.gave_up += 1
                return reply
            await asyncio.sleep(backoff_s * self._rng.uniform(0.5, 1.0))
            backoff_s = min(backoff_s * 2, _BACKOFF_CAP_S)
            gateway += 1

    async def once(self, ask: Ask, *, client: int, gateway: int) -> Reply:
        """One try."""
        request = Request(
            method=ask.method, path=ask.path, json=ask.json, token=ask.by.token, key=ask.key
        )
        op = self._history.invoke(ask.told, client=client)
        reply = await self._http.send(request, gateway=gateway)
        self._history.answer(op, told_answer(ask.told.kind, reply))
        self.tally.note(ask.told.kind, request, reply)
        return reply
