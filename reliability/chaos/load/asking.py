"""Requests that are written down and repeated, with the same key, until the answer is final."""

import asyncio
import random
from collections import Counter
from dataclasses import dataclass, field

from reliability.chaos.load.cast import Member, login
from reliability.chaos.load.http import Http, Reply, Request
from reliability.history import Answer, HistoryWriter, Kind
from reliability.history import Ask as Told

_BACKOFF_FIRST_S = 0.1
# Whoever waits for a shard that is away for minutes asks seldom.
_BACKOFF_CAP_S = 8.0
# One in ten gives up after its first try, so that some answers stay unknown for good.
_IMPATIENT_SHARE = 0.1
# Tokens of a gateway whose clock is ahead are refused by the other one, and by itself later.
_ALWAYS = frozenset((401, 503, None))
# No 403 and no 404: whoever asks does so of its own wallet, and of its own accepted transfers.
_EXPECTED = {
    Kind.DEPOSIT: _ALWAYS | {201, 422},
    Kind.WITHDRAWAL: _ALWAYS | {201, 422},
    Kind.TRANSFER: _ALWAYS | {201, 202, 422, 429},
    Kind.CANCEL: _ALWAYS | {200, 409},
    Kind.READ_TRANSFER: _ALWAYS | {200},
    Kind.READ_BALANCE: _ALWAYS | {200},
}


@dataclass(slots=True)
class Tally:
    """What became of the requests.

    Attributes:
        answers: how often each status was answered, "none" for no answer.
        accepted: transfers that were answered with 2xx, by id.
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
        if reply.status not in _EXPECTED[kind]:
            self.unexpected.append(f"{request.method} {request.path}: {reply.status} {reply.code}")
        if kind is Kind.TRANSFER and reply.status in (201, 202):
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
                await self._renew(ask.by, gateway)
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
        self._history.answer(op, _answer(ask.told.kind, reply))
        self.tally.note(ask.told.kind, request, reply)
        return reply

    async def _renew(self, member: Member, gateway: int) -> None:
        token = await login(self._http, email=member.email, gateway=gateway + 1)
        if token is not None:
            member.token = token


def _answer(kind: Kind, reply: Reply) -> Answer:
    """What the history keeps of an answer."""
    if reply.status is None or reply.status >= 300:
        return Answer(status=reply.status, code=reply.code)
    shown = reply.body
    match kind:
        case Kind.DEPOSIT | Kind.WITHDRAWAL:
            return Answer(status=reply.status, id=shown["id"], replayed=reply.replayed)
        case Kind.TRANSFER:
            return Answer(
                status=reply.status,
                id=shown["id"],
                replayed=reply.replayed,
                transfer_status=shown["status"],
            )
        case Kind.CANCEL | Kind.READ_TRANSFER:
            return Answer(
                status=reply.status, transfer_status=shown["status"], reason=shown["reason"]
            )
        case Kind.READ_BALANCE:
            return Answer(
                status=reply.status,
                balance=minor(shown["balance"]),
                held=minor(shown["held"]),
                version=shown["version"],
            )


def minor(text: str) -> int:
    """Minor units of an amount as the API spells it, of the currency that all pay in."""
    return int(text.replace(".", ""))


def spelled(amount: int) -> str:
    """An amount as the API spells it."""
    return f"{amount // 100}.{amount % 100:02}"
