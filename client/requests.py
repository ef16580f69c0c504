"""Each operation as a request: what is to be sent, and nothing that sends it.

No token is in it: who sends it adds one (`Request.by`). Ids are taken as they are and escaped, so
none leads anywhere else. Amounts are text; a float is a `TypeError`, before anything is sent.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from urllib.parse import quote, urlencode

import orjson
from typing_extensions import override

from client import operations
from client.operations import Operation

WAIT_S_MAX = 30
Body = dict[str, object]


def new_key() -> str:
    """An idempotency key that nobody else has."""
    return uuid.uuid4().hex


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request, whole but for host and token.

    Attributes:
        operation: what it is, and what makes a repeat safe.
        path: with the query, escaped.
        headers: in the order in which they are sent.
        body: JSON; None where there is none.
        key: the idempotency key in the headers; None where there is none.
        wait_s: how long the gateway may hold the answer back.
    """

    operation: Operation
    path: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | None = field(default=None, repr=False)
    key: str | None = None
    wait_s: int = 0

    def by(self, token: str) -> "Request":
        """The same with this token."""
        return replace(self, headers={"Authorization": f"Bearer {token}", **self.headers})

    @override
    def __str__(self) -> str:
        return f"{self.operation.method} {self.path}"


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferOrder:
    """What a transfer or a hold is to be.

    Attributes:
        to: a user id or an e-mail.
        amount: in major units, such as `"12.50"`.
        metadata: None for none.
        expires_in_s: None for the gateway's own.
        rounding: `"half_even"`, or None: more digits than the currency has are refused.
        key: the idempotency key, a new one if it is left out: the same order is one request.
    """

    to: str
    currency: str
    amount: str
    metadata: Mapping[str, str] | None = None
    expires_in_s: int | None = None
    rounding: str | None = None
    key: str = field(default_factory=new_key)

    def body(self) -> Body:
        """As the contract spells it."""
        return _given(
            to=self.to,
            currency=self.currency,
            amount=as_amount(self.amount),
            metadata=dict(self.metadata) if self.metadata is not None else None,
            expires_in_s=self.expires_in_s,
            rounding=self.rounding,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class MovementOrder:
    """What a deposit or a withdrawal is to be; `reason` is for the trail, where it is an act.

    `rounding` is as that of a transfer.
    """

    currency: str
    amount: str
    metadata: Mapping[str, str] | None = None
    reason: str | None = None
    rounding: str | None = None
    key: str = field(default_factory=new_key)

    def body(self) -> Body:
        """As the contract spells it."""
        return _given(
            currency=self.currency,
            amount=as_amount(self.amount),
            metadata=dict(self.metadata) if self.metadata is not None else None,
            reason=self.reason,
            rounding=self.rounding,
        )


def as_amount(amount: object) -> str:
    """This amount, if it is text.

    Raises:
        TypeError: it is a number.
    """
    if not isinstance(amount, str):
        raise TypeError(f'an amount is text, such as "12.50", and not {amount!r}')
    return amount


def time_text(at: datetime) -> str:
    """An aware time as the contract spells it.

    Raises:
        ValueError: it has no offset, so nobody knows which time it is.
    """
    if at.tzinfo is None:
        raise ValueError("a time needs an offset, such as datetime.now(UTC)")
    return f"{at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='microseconds')}Z"


def make(
    operation: Operation,
    path: Mapping[str, str] | None = None,
    *,
    query: Mapping[str, object] | None = None,
    body: Body | None = None,
    key: str | None = None,
    wait_s: int = 0,
) -> Request:
    """The request of this operation.

    Args:
        operation: one of `client.operations`.
        path: what is in its pattern, by name.
        query: without what is None.
        body: the JSON object; None for no body.
        key: the idempotency key; None without one.
        wait_s: how long to wait for the end of the transfer: `Prefer: wait=N`.
    """
    names = {name: quote(text, safe="") for name, text in (path or {}).items()}
    asked = urlencode({n: _query_text(v) for n, v in (query or {}).items() if v is not None})
    headers: dict[str, str] = {}
    if body is not None:
        headers["Content-Type"] = "application/json"
    if wait_s:
        headers["Prefer"] = f"wait={min(wait_s, WAIT_S_MAX)}"
    if key is not None:
        headers["Idempotency-Key"] = key
    return Request(
        operation=operation,
        path=operation.pattern.format_map(names) + (f"?{asked}" if asked else ""),
        headers=headers,
        body=orjson.dumps(body) if body is not None else None,
        key=key,
        wait_s=min(wait_s, WAIT_S_MAX),
    )


def create_transfer(user_id: str, order: TransferOrder, *, wait_s: int = 0) -> Request:
    """A transfer out of this user's wallet."""
    path = {"user_id": user_id}
    return make(operations.CREATE_TRANSFER, path, body=order.body(), key=order.key, wait_s=wait_s)


def create_batch(user_id: str, orders: Sequence[TransferOrder]) -> Request:
    """Transfers out of this user's wallet, each under its own key."""
    items = [{"key": order.key, **order.body()} for order in orders]
    return make(operations.CREATE_BATCH, {"user_id": user_id}, body={"transfers": items})


def part_body(
    amount: str | None,
    *,
    rounding: str | None,
    final: bool | None = None,
    reason: str | None = None,
) -> Body | None:
    """The body of a capture or a refund; None where all of it is left out."""
    taken = as_amount(amount) if amount is not None else None
    return _given(amount=taken, rounding=rounding, final=final, reason=reason) or None


def _query_text(value: object) -> str:
    return time_text(value) if isinstance(value, datetime) else str(value)


def _given(**fields: object) -> Body:
    return {name: value for name, value in fields.items() if value is not None}
