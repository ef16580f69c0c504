"""A client of the gateway as a real one should be: "later" is answered by a repeat, same key."""

import asyncio
import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import aiohttp
import orjson

from demo.errors import NoAnswerError, UnexpectedAnswerError

TERMINAL = frozenset(("completed", "cancelled", "refunded", "rejected"))

_ATTEMPTS = 12
_BACKOFF_FIRST_S = 0.1
_BACKOFF_CAP_S = 2.0
_ANSWER_S = 15.0
_LATER = frozenset((429, 503))


@dataclass(frozen=True, slots=True)
class Member:
    """A registered user who has logged in."""

    id: str
    email: str
    token: str

    @property
    def wallet(self) -> str:
        """The path of its wallet."""
        return f"/v1/wallets/{self.id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenTransfer:
    """A transfer as an answer shows it; `took` is from held to over, by the database's clock."""

    id: str
    status: str
    reason: str | None
    took: timedelta | None
    replayed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A 422: the code that says why."""

    code: str
    replayed: bool


@dataclass(frozen=True, slots=True)
class SeenAccount:
    """One balance, as the API spells it."""

    balance: str
    held: str


@dataclass(frozen=True, slots=True)
class _Answer:
    request: str
    status: int
    body: Any
    headers: Mapping[str, str]
    attempts: int

    @property
    def code(self) -> str:
        body = self.body
        return str(body.get("code", "")) if isinstance(body, dict) else "an unreadable body"

    @property
    def replayed(self) -> bool:
        return self.headers.get("Idempotency-Replayed") == "true"

    def unexpected(self) -> UnexpectedAnswerError:
        return UnexpectedAnswerError(self.request, status=self.status, code=self.code)


class Client:
    """Talks to one gateway. `repeats` counts the requests that had to be sent again.

    Every method raises `NoAnswerError` when there was no usable answer for all attempts, and
    `UnexpectedAnswerError` for an answer that the contract does not have there.

    Args:
        session: open, and closed by who opened it.
        gateway: its address without a slash at the end.
        rng: for the jitter of repeats.
    """

    def __init__(self, session: aiohttp.ClientSession, gateway: str, *, rng: random.Random) -> None:
        self._session = session
        self._gateway = gateway
        self._rng = rng
        self.repeats = 0

    async def decimals(self, currency: str) -> int:
        """Digits after the point of this currency's amounts."""
        answer = await self._call("GET", f"/v1/currencies/{currency}")
        if answer.status != 200:
            raise answer.unexpected()
        return int(answer.body["decimals"])

    async def register(self, email: str, password: str) -> Member:
        """A new user, logged in."""
        login = {"email": email, "password": password}
        user = await self._call("POST", "/v1/users", json=login)
        # A repeat of a request whose answer was lost finds the e-mail taken, by us.
        taken = user.status == 409 and user.attempts > 1
        if user.status != 201 and not taken:
            raise user.unexpected()
        answer = await self._call("POST", "/v1/auth/login", json=login)
        if answer.status != 200:
            raise answer.unexpected()
        token = str(answer.body["access_token"])
        if taken:
            user = await self._call("GET", "/v1/me", token=token)
            if user.status != 200:
                raise user.unexpected()
        return Member(str(user.body["id"]), email, token)

    async def deposit(self, member: Member, *, currency: str, amount: str, key: str) -> None:
        """Money from outside into a wallet."""
        body = {"currency": currency, "amount": amount}
        path = f"{member.wallet}/deposits"
        answer = await self._call("POST", path, json=body, token=member.token, key=key)
        if answer.status != 201:
            raise answer.unexpected()

    async def transfer(
        self, payer: Member, payee: Member, *, currency: str, amount: str, key: str
    ) -> SeenTransfer | Refused:
        """Asks for a transfer and does not wait for its end."""
        body = {"to": payee.id, "currency": currency, "amount": amount}
        path = f"{payer.wallet}/transfers"
        answer = await self._call("POST", path, json=body, token=payer.token, key=key)
        if answer.status == 422:
            return Refused(code=answer.code, replayed=answer.replayed)
        if answer.status != 202:
            raise answer.unexpected()
        return _seen(answer)

    async def ended(self, payer: Member, transfer_id: str, *, wait_s: int) -> SeenTransfer:
        """The transfer when it is over, or as it is after `wait_s` seconds."""
        path = f"/v1/transfers/{transfer_id}"
        answer = await self._call("GET", path, token=payer.token, wait_s=wait_s)
        if answer.status != 200:
            raise answer.unexpected()
        return _seen(answer)

    async def cancel(self, payer: Member, transfer_id: str) -> SeenTransfer | None:
        """The cancelled transfer, or None when it was too late (409 `already_debited`)."""
        path = f"/v1/transfers/{transfer_id}/cancel"
        answer = await self._call("POST", path, token=payer.token)
        if answer.status == 409 and answer.code == "already_debited":
            return None
        if answer.status != 200:
            raise answer.unexpected()
        return _seen(answer)

    async def wallet(self, member: Member) -> dict[str, SeenAccount]:
        """The accounts of a wallet by currency."""
        answer = await self._call("GET", member.wallet, token=member.token)
        if answer.status != 200:
            raise answer.unexpected()
        return {
            account["currency"]: SeenAccount(account["balance"], account["held"])
            for account in answer.body["accounts"]
        }

    async def _call(
        self,
        method: str,
        path: str,
        *,
        json: object = None,
        token: str | None = None,
        key: str | None = None,
        wait_s: int = 0,
    ) -> _Answer:
        headers = {"Content-Type": "application/json"} if json is not None else {}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        if key is not None:
            headers["Idempotency-Key"] = key
        if wait_s:
            headers["Prefer"] = f"wait={wait_s}"
        data = orjson.dumps(json) if json is not None else None
        timeout = aiohttp.ClientTimeout(total=_ANSWER_S + wait_s)
        last, told_s = "", 0.0
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                async with self._session.request(
                    method, self._gateway + path, data=data, headers=headers, timeout=timeout
                ) as response:
                    body = _parsed(await response.read())
            except (
                aiohttp.ClientConnectionError,
                aiohttp.ClientPayloadError,
                TimeoutError,
            ) as lost:
                last, told_s = repr(lost), 0.0
            else:
                answer = _Answer(
                    f"{method} {path}", response.status, body, response.headers, attempt
                )
                if answer.status not in _LATER:
                    return answer
                last = f"{answer.status} {answer.code}"
                told_s = float(answer.headers.get("Retry-After", "0"))
            self.repeats += 1
            # Not sooner than the gateway says; those who are told the same come back spread, too.
            await asyncio.sleep(told_s + self._backoff_s(attempt))
        raise NoAnswerError(f"{method} {path}", attempts=_ATTEMPTS, last=last)

    def _backoff_s(self, attempt: int) -> float:
        doubled = _BACKOFF_FIRST_S * 2 ** (attempt - 1)
        # Up to half of it away, so that what failed together comes back spread.
        return float(min(doubled, _BACKOFF_CAP_S) * (1 - self._rng.random() / 2))


def _parsed(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return None


def _seen(answer: _Answer) -> SeenTransfer:
    shown = answer.body
    timeline = shown["timeline"]
    took = None
    if shown["status"] in TERMINAL:
        first, last = (datetime.fromisoformat(timeline[index]["at"]) for index in (0, -1))
        took = last - first
    return SeenTransfer(
        id=shown["id"],
        status=shown["status"],
        reason=shown["reason"],
        took=took,
        replayed=answer.replayed,
    )
