"""Who takes part: ordinary users, hot ones, ladders, the frozen and the closed, and an operator."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from reliability.chaos.load.http import Http, Request
from reliability.chaos.profiles import Profile
from reliability.history import HistoryWriter

CURRENCY = "EUR"
# Of the amount 4^n the largest that a transfer may have is 4^44, below 10^27.
LADDER_STEPS = 44
HOT = 2
CHILLED = 4

_PASSWORD = "correct horse battery staple"  # noqa: S105 - of users that live for one run
_REGISTERING = 8
_TRIES = 20


class RegistrationError(Exception):
    """A user could not be made before the faults began: the stack is not well by itself."""


@dataclass(slots=True)
class Member:
    """A registered user; its token is renewed when a gateway does not take it any more."""

    id: str
    email: str
    token: str

    @property
    def wallet(self) -> str:
        """The path of its wallet."""
        return f"/v1/wallets/{self.id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cast:
    """Everybody.

    Attributes:
        ladders: (payer, payee) pairs; the payer sends 4^0, 4^1, ... and nobody else pays the payee.
        doors: payees whose wallets are closed while somebody pays them, each once.
        chilled: payers whose wallets are frozen and opened all the time.
        closed: a user whose wallet is closed and stays so. frozen: the same, frozen.
        operator: who does this; pays nobody and is paid by nobody.
    """

    ordinary: Sequence[Member]
    hot: Sequence[Member]
    ladders: Sequence[tuple[Member, Member]]
    doors: Sequence[Member]
    chilled: Sequence[Member]
    closed: Member
    frozen: Member
    operator: Member

    @property
    def everybody(self) -> list[Member]:
        """All of them, once each."""
        pairs = [member for pair in self.ladders for member in pair]
        others = [*self.doors, *self.chilled, self.closed, self.frozen, self.operator]
        return [*self.ordinary, *self.hot, *pairs, *others]

    @property
    def funds(self) -> Mapping[str, int]:
        """What each user begins with, in minor units."""
        ladder = sum(4**step for step in range(LADDER_STEPS))
        return (
            {member.id: 100_000 for member in (*self.ordinary, self.frozen, *self.chilled)}
            | {member.id: 1_000_000 for member in self.hot}
            | {payer.id: ladder for payer, _ in self.ladders}
        )


@dataclass(slots=True)
class _Made:
    members: list[Member] = field(default_factory=list)

    def take(self, count: int) -> list[Member]:
        taken, self.members = self.members[:count], self.members[count:]
        return taken


async def register_all(http: Http, history: HistoryWriter, *, profile: Profile, tag: str) -> Cast:
    """Registers everybody, before any fault.

    Raises:
        RegistrationError: the gateways refuse, or do not answer for long.
    """
    count = profile.users + HOT + 2 * profile.ladders + profile.doors + CHILLED + 3
    free = asyncio.Semaphore(_REGISTERING)

    members: dict[int, Member] = {}
    reasons: list[str] = []

    async def one(number: int) -> None:
        email = f"chaos-{tag}-{number:04}@example.com"
        async with free:
            members[number] = await _register(http, history, email=email, gateway=number)

    try:
        async with asyncio.TaskGroup() as group:
            for number in range(count):
                group.create_task(one(number))
    except* RegistrationError as refused:
        reasons += [str(error) for error in refused.exceptions]
    if reasons:
        raise RegistrationError(reasons[0])
    made = _Made([members[number] for number in range(count)])
    return Cast(
        ordinary=made.take(profile.users),
        hot=made.take(HOT),
        ladders=[(payer, payee) for payer, payee in _pairs(made.take(2 * profile.ladders))],
        doors=made.take(profile.doors),
        chilled=made.take(CHILLED),
        closed=made.take(1)[0],
        frozen=made.take(1)[0],
        operator=made.take(1)[0],
    )


def _pairs(members: Sequence[Member]) -> list[tuple[Member, Member]]:
    return list(zip(members[::2], members[1::2], strict=True))


async def _register(http: Http, history: HistoryWriter, *, email: str, gateway: int) -> Member:
    body: dict[str, object] = {"email": email, "password": _PASSWORD}
    asked = Request(method="POST", path="/v1/users", json=body)
    for attempt in range(_TRIES):
        reply = await http.send(asked, gateway=gateway + attempt)
        if reply.status == 201:
            history.user(user=reply.body["id"], email=email)
            token = await login(http, email=email, gateway=gateway)
            if token is None:
                raise RegistrationError(f"{email} cannot log in")
            return Member(reply.body["id"], email, token)
        if reply.is_final:
            raise RegistrationError(f"{email} was answered with {reply.status} {reply.code}")
        await asyncio.sleep(0.5)
    raise RegistrationError(f"{email}: no gateway answered {_TRIES} times")


async def login(http: Http, *, email: str, gateway: int) -> str | None:
    """A new token; None where none was to be had."""
    body: dict[str, object] = {"email": email, "password": _PASSWORD}
    asked = Request(method="POST", path="/v1/auth/login", json=body)
    for attempt in range(_TRIES):
        reply = await http.send(asked, gateway=gateway)
        if reply.status == 200:
            return str(reply.body["access_token"])
        if reply.is_final:
            return None
        await asyncio.sleep(0.2 * (attempt + 1))
    return None
