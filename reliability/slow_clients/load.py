"""What everybody else does meanwhile: transfers and reads at a fixed rate, each one timed."""

import asyncio
import secrets
import time
from dataclasses import dataclass
from itertools import count

import aiohttp

_PASSWORD = "correct horse battery"  # noqa: S105 - of users who live for two minutes
_keys = count(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Payer:
    """A user with money."""

    id: str
    headers: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Timed:
    """What a run took, in milliseconds; `failed` answers were not 200 or 202."""

    ms: list[float]
    failed: int

    def percentile(self, share: float) -> float:
        """The time that this share of the answers kept."""
        ranked = sorted(self.ms)
        return ranked[min(int(len(ranked) * share), len(ranked) - 1)]


class Load:
    """Requests to one gateway."""

    def __init__(self, session: aiohttp.ClientSession, gateway: str) -> None:
        self._session = session
        self._gateway = gateway
        self._payers: list[Payer] = []

    async def prepare(self, *, users: int) -> None:
        """Makes users with money."""
        for _ in range(users):
            email = f"{secrets.token_hex(8)}@example.com"
            login = {"email": email, "password": _PASSWORD}
            user = await self._post("/v1/users", login, {})
            token = (await self._post("/v1/auth/login", login, {}))["access_token"]
            headers = {"Authorization": f"Bearer {token}"}
            payer = Payer(id=user["id"], headers=headers)
            await self._post(
                f"/v1/wallets/{payer.id}/deposits",
                {"currency": "EUR", "amount": "100000.00"},
                {**headers, "Idempotency-Key": _key()},
            )
            self._payers.append(payer)

    async def run(self, *, seconds: float, per_second: float) -> Timed:
        """Asks at a fixed rate, whether earlier answers have come or not.

        A time counts from when the request was due: what waits for its turn counts as waiting.
        """
        ms: list[float] = []
        failed = 0
        start = time.perf_counter()

        async def ask(number: int, due: float) -> None:
            nonlocal failed
            good = await self._ask(number)
            ms.append((time.perf_counter() - due) * 1000)
            failed += not good

        async with asyncio.TaskGroup() as group:
            for number in range(int(seconds * per_second)):
                due = start + number / per_second
                await asyncio.sleep(max(due - time.perf_counter(), 0))
                group.create_task(ask(number, due))
        return Timed(ms=ms, failed=failed)

    async def _ask(self, number: int) -> bool:
        payer = self._payers[number % len(self._payers)]
        wallet = f"{self._gateway}/v1/wallets/{payer.id}"
        if number % 2:
            async with self._session.get(wallet, headers=payer.headers) as answer:
                await answer.read()
                return answer.status == 200
        payee = self._payers[(number + 1) % len(self._payers)]
        headers = {**payer.headers, "Idempotency-Key": _key()}
        body = {"to": payee.id, "currency": "EUR", "amount": "0.01"}
        async with self._session.post(f"{wallet}/transfers", json=body, headers=headers) as answer:
            await answer.read()
            return answer.status == 202

    async def _post(
        self, path: str, body: dict[str, str], headers: dict[str, str]
    ) -> dict[str, str]:
        async with self._session.post(self._gateway + path, json=body, headers=headers) as answer:
            answer.raise_for_status()
            made: dict[str, str] = await answer.json()
            return made


def _key() -> str:
    return f"slow-{next(_keys)}-{secrets.token_hex(4)}"
