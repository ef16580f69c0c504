"""Requests as bytes, assembled from parts that are prepared once."""

import time
from collections.abc import Callable, Sequence
from itertools import count

import jwt

from bench.cases import Mode
from bench.load.plan import LoadPlan
from bench.load.workloads import pairs, refusals

_AMOUNT = "1.00"
# More than anybody has: see bench.stack.seeding.
_TOO_MUCH = "99999999999999999.00"
_WAIT = "Prefer: wait=30\r\n"
_TTL_S = 86_400


class Requests:
    """Makes the next request.

    Args:
        plan: what is to be sent.
    """

    def __init__(self, plan: LoadPlan) -> None:
        self._items = plan.batch_items
        self._pair = pairs(plan.workload, shard_of=plan.shard_of, seed=plan.seed)
        self._refused = refusals(plan.workload, seed=plan.seed + 1)
        self._numbers = count()
        self._key = plan.key
        self._heads = _heads(plan)
        self._payees = [f'"to":"{user}","currency":"EUR","amount":"' for user in plan.users]
        self.next: Callable[[], bytes] = (
            self._next_batch if plan.mode is Mode.BATCH else self._next_single
        )

    def _next_single(self) -> bytes:
        payer, payee = self._pair()
        amount = _TOO_MUCH if self._refused() else _AMOUNT
        body = f'{{{self._payees[payee]}{amount}"}}'
        return (
            f"{self._heads[payer]}Idempotency-Key: {self._key}-{next(self._numbers)}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n{body}"
        ).encode()

    def _next_batch(self) -> bytes:
        payer, payee = self._pair()
        items: list[str] = []
        while len(items) < self._items:
            if payee != payer:
                key = f"{self._key}-{next(self._numbers)}"
                amount = _TOO_MUCH if self._refused() else _AMOUNT
                items.append(f'{{"key":"{key}",{self._payees[payee]}{amount}"}}')
            _, payee = self._pair()
        body = f'{{"transfers":[{",".join(items)}]}}'
        return f"{self._heads[payer]}Content-Length: {len(body)}\r\n\r\n{body}".encode()


def _heads(plan: LoadPlan) -> Sequence[str]:
    path = "transfers/batch" if plan.mode is Mode.BATCH else "transfers"
    wait = _WAIT if plan.mode is Mode.WAIT else ""
    return [
        f"POST /v1/wallets/{user}/{path} HTTP/1.1\r\nHost: 127.0.0.1:{plan.port}\r\n"
        f"Authorization: Bearer {mint(user, secret=plan.jwt_secret)}\r\n"
        f"Content-Type: application/json\r\n{wait}"
        for user in plan.users
    ]


def mint(user_id: str, *, secret: str) -> str:
    """A token as the gateway would have given it at a login."""
    now = int(time.time())
    claims = {
        "iss": "holdfast",
        "aud": "holdfast",
        "sub": user_id,
        "role": "user",
        "iat": now,
        "exp": now + _TTL_S,
    }
    return jwt.encode(claims, secret, algorithm="HS256")
