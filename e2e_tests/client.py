"""A client of the gateway for tests: plain HTTP, and short names for what tests do often."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from io import BytesIO
from itertools import count
from typing import Any

import aiohttp
import orjson

from e2e_tests.contract import contract

PASSWORD = "correct horse battery"
_names = count(1)


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer as a test looks at it; `body` is the parsed JSON."""

    status: int
    body: Any
    headers: Mapping[str, str]

    @property
    def code(self) -> str | None:
        """The code of a problem; None when it is none."""
        is_problem = self.headers.get("Content-Type", "").startswith("application/problem+json")
        return self.body["code"] if is_problem else None


@dataclass(frozen=True, slots=True)
class Page:
    """An answer that is no JSON."""

    status: int
    text: str
    headers: Mapping[str, str]


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


class Client:
    """Talks to one gateway; every answer is compared with what its document tells.

    Args:
        session: open.
        base: the address, without a slash at the end.
        is_internal: whether it is an internal listener, of which the document tells nothing.
    """

    def __init__(
        self, session: aiohttp.ClientSession, base: str, *, is_internal: bool = False
    ) -> None:
        self._session = session
        self._is_internal = is_internal
        self.base = base

    async def call(
        self,
        method: str,
        path: str,
        json: object = None,
        *,
        by: Member | None = None,
        key: str | None = None,
        headers: Mapping[str, str] | None = None,
        data: bytes | BytesIO | None = None,
    ) -> Answer:
        """Any request; `key` is the idempotency key."""
        sent = dict(headers or {})
        if by is not None:
            sent.setdefault("Authorization", f"Bearer {by.token}")
        if key is not None:
            sent["Idempotency-Key"] = key
        if data is not None:
            sent.setdefault("Content-Type", "application/json")
        async with self._session.request(
            method, self.base + path, json=json, data=data, headers=sent
        ) as response:
            text = await response.read()
            # What is made for a browser is no JSON.
            is_json = "json" in response.headers.get("Content-Type", "")
            body = orjson.loads(text) if text and is_json else None
            answer = Answer(response.status, body, response.headers)
        if not self._is_internal:
            contract().check(
                method, path, status=answer.status, headers=answer.headers, body=answer.body
            )
        return answer

    @asynccontextmanager
    async def opened(
        self, path: str, *, by: Member, headers: Mapping[str, str] | None = None
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """An answer to a GET that is read as it comes."""
        sent = {"Authorization": f"Bearer {by.token}", **(headers or {})}
        async with self._session.get(self.base + path, headers=sent) as response:
            yield response

    async def text(self, path: str) -> str:
        """What is at this path, as text in the format of Prometheus."""
        async with self._session.get(self.base + path) as response:
            assert response.status == 200
            assert response.headers["Content-Type"].startswith("text/plain; version=0.0.4")
            return await response.text()

    async def page(self, path: str) -> Page:
        """What is at this path, for a browser."""
        async with self._session.get(self.base + path) as response:
            return Page(response.status, await response.text("latin-1"), response.headers)

    async def status(self, path: str) -> int:
        """The status of what is at this path, whatever it is."""
        async with self._session.get(self.base + path) as response:
            return response.status

    async def member(self, *, email: str | None = None, **funds: str) -> Member:
        """A new user with deposits, as in `member(EUR="100.00")`."""
        email = email or f"user{next(_names)}@example.com"
        user = await self.call("POST", "/v1/users", {"email": email, "password": PASSWORD})
        assert user.status == 201, user
        member = await self.login(Member(user.body["id"], email, token=""))
        for currency, amount in funds.items():
            done = await self.deposit(member, amount, currency)
            assert done.status == 201, done
        return member

    async def login(self, member: Member) -> Member:
        """The same user with a new token."""
        body = {"email": member.email, "password": PASSWORD}
        answer = await self.call("POST", "/v1/auth/login", body)
        assert answer.status == 200, answer
        return replace(member, token=answer.body["access_token"])

    async def deposit(
        self, to: Member, amount: str, currency: str = "EUR", *, key: str | None = None
    ) -> Answer:
        """A deposit by its owner."""
        body = {"currency": currency, "amount": amount}
        return await self.call("POST", f"{to.wallet}/deposits", body, by=to, key=key or new_key())

    async def withdraw(
        self, of: Member, amount: str, currency: str = "EUR", *, key: str | None = None
    ) -> Answer:
        """A withdrawal by its owner."""
        body = {"currency": currency, "amount": amount}
        return await self.call(
            "POST", f"{of.wallet}/withdrawals", body, by=of, key=key or new_key()
        )

    async def transfer(
        self,
        payer: Member,
        to: Member | str,
        amount: str,
        *,
        currency: str = "EUR",
        key: str | None = None,
        wait: int | None = None,
        **more: object,
    ) -> Answer:
        """A transfer by its payer; `wait` is the N of `Prefer: wait=N`."""
        body = {
            "to": to if isinstance(to, str) else to.id,
            "currency": currency,
            "amount": amount,
            **more,
        }
        headers = {"Prefer": f"wait={wait}"} if wait is not None else None
        return await self.call(
            "POST",
            f"{payer.wallet}/transfers",
            body,
            by=payer,
            key=key or new_key(),
            headers=headers,
        )

    async def get_transfer(self, by: Member, id_: str, *, wait: int | None = None) -> Answer:
        """A transfer as this member sees it."""
        headers = {"Prefer": f"wait={wait}"} if wait is not None else None
        return await self.call("GET", f"/v1/transfers/{id_}", by=by, headers=headers)

    async def cancel(self, by: Member, id_: str) -> Answer:
        """A cancel."""
        return await self.call("POST", f"/v1/transfers/{id_}/cancel", by=by)

    async def hold(
        self,
        payer: Member,
        to: Member | str,
        amount: str,
        *,
        currency: str = "EUR",
        key: str | None = None,
        **more: object,
    ) -> Answer:
        """A hold by its payer."""
        body = {
            "to": to if isinstance(to, str) else to.id,
            "currency": currency,
            "amount": amount,
            **more,
        }
        return await self.call(
            "POST", f"{payer.wallet}/holds", body, by=payer, key=key or new_key()
        )

    async def get_hold(self, by: Member, id_: str) -> Answer:
        """A hold as this member sees it."""
        return await self.call("GET", f"/v1/holds/{id_}", by=by)

    async def capture(
        self,
        by: Member,
        hold_id: str,
        amount: str | None = None,
        *,
        key: str | None = None,
        wait: int | None = None,
        **more: object,
    ) -> Answer:
        """A capture; without an amount the body leaves it out, and with nothing it is empty."""
        body = {**({} if amount is None else {"amount": amount}), **more}
        return await self._part(f"/v1/holds/{hold_id}/capture", body, by=by, key=key, wait=wait)

    async def void(self, by: Member, hold_id: str, **more: object) -> Answer:
        """A void."""
        return await self.call("POST", f"/v1/holds/{hold_id}/void", more or None, by=by)

    async def refund(
        self,
        by: Member,
        transfer_id: str,
        amount: str | None = None,
        *,
        key: str | None = None,
        wait: int | None = None,
        **more: object,
    ) -> Answer:
        """A refund; without an amount the body leaves it out, and with nothing it is empty."""
        body = {**({} if amount is None else {"amount": amount}), **more}
        path = f"/v1/transfers/{transfer_id}/refunds"
        return await self._part(path, body, by=by, key=key, wait=wait)

    async def _part(
        self, path: str, body: dict[str, object], *, by: Member, key: str | None, wait: int | None
    ) -> Answer:
        headers = {"Prefer": f"wait={wait}"} if wait is not None else None
        return await self.call(
            "POST", path, body or None, by=by, key=key or new_key(), headers=headers
        )

    async def balance(self, of: Member, currency: str = "EUR") -> tuple[str, str]:
        """(balance, held)."""
        answer = await self.call("GET", f"{of.wallet}/balances/{currency}", by=of)
        assert answer.status == 200, answer
        return answer.body["balance"], answer.body["held"]


def new_key() -> str:
    """An idempotency key that was not used before in this run."""
    return f"key-{next(_names)}"
