"""Requests as bytes, assembled from parts that are prepared once.

What they say is the client's: each part is cut out of a request of `client.requests`, so nothing
of the contract is spelled here. The client itself would cost the machine more than the load does.
"""

import time
from collections.abc import Callable, Sequence
from itertools import count

import jwt

from bench.cases import Mode
from bench.load.plan import LoadPlan
from bench.load.workloads import pairs, refusals
from client.requests import Request, TransferOrder, create_batch, create_transfer

_AMOUNT = "1.00"
# More than anybody has: see bench.stack.seeding.
_TOO_MUCH = "99999999999999999.00"
_WAIT_S = 30
_TTL_S = 86_400
# Where the key of each request goes; no part of anything else that is sent.
_KEY = "the-key-of-the-request"


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
        is_batch = plan.mode is Mode.BATCH
        body_of = _item if is_batch else _body
        self._bodies = [body_of(user, _AMOUNT) for user in plan.users]
        self._refused_bodies = [body_of(user, _TOO_MUCH) for user in plan.users]
        self.next: Callable[[], bytes] = self._next_batch if is_batch else self._next_single

    def _next_single(self) -> bytes:
        payer, payee = self._pair()
        body = (self._refused_bodies if self._refused() else self._bodies)[payee]
        return (
            f"{self._heads[payer]}{self._key}-{next(self._numbers)}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n{body}"
        ).encode()

    def _next_batch(self) -> bytes:
        payer, payee = self._pair()
        items: list[str] = []
        while len(items) < self._items:
            if payee != payer:
                rest = (self._refused_bodies if self._refused() else self._bodies)[payee]
                items.append(f'{{"key":"{self._key}-{next(self._numbers)}{rest}')
            _, payee = self._pair()
        body = f'{{"transfers":[{",".join(items)}]}}'
        return f"{self._heads[payer]}Content-Length: {len(body)}\r\n\r\n{body}".encode()


def _order(user: str, amount: str) -> TransferOrder:
    return TransferOrder(to=user, currency="EUR", amount=amount, key=_KEY)


def _body(user: str, amount: str) -> str:
    """The whole body of a transfer."""
    return _text(create_transfer(user, _order(user, amount)).body)


def _item(user: str, amount: str) -> str:
    """An item of a batch, from the end of its key on."""
    batch = _text(create_batch(user, [_order(user, amount)]).body)
    opening, _, rest = batch.partition(_KEY)
    assert opening == '{"transfers":[{"key":"', "an item begins with its key"
    return rest.removesuffix("]}")


def _heads(plan: LoadPlan) -> Sequence[str]:
    """What comes before the key, where it is in a header, or before the length of the body."""
    return [
        _head(
            _request(plan, user).by(mint(user, secret=plan.jwt_secret)), port=plan.port
        ).partition(f"{_KEY}\r\n")[0]
        for user in plan.users
    ]


def _request(plan: LoadPlan, user: str) -> Request:
    order = _order(user, _AMOUNT)
    if plan.mode is Mode.BATCH:
        return create_batch(user, [order])
    return create_transfer(user, order, wait_s=_WAIT_S if plan.mode is Mode.WAIT else 0)


def _head(request: Request, *, port: int) -> str:
    """The request line and the headers, without the length of the body."""
    headers = {"Host": f"127.0.0.1:{port}", **request.headers}
    lines = [f"{name}: {value}\r\n" for name, value in headers.items()]
    return f"{request.operation.method} {request.path} HTTP/1.1\r\n{''.join(lines)}"


def _text(body: bytes | None) -> str:
    assert body is not None
    return body.decode()


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
