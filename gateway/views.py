"""What answers show: plain records in the contract's words, and how they become JSON.

Amounts are strings with the currency's digits, times are RFC 3339 in UTC, hashes are hex. Nothing
is validated on the way out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NotRequired, TypeAlias
from uuid import UUID

import orjson
from aiohttp import web
from typing_extensions import TypedDict

from gateway.answer_texts import CodeText, HashText, TimeText, UserStatusText
from gateway.problems import ProblemDocument
from gateway.transfer_views import (
    HoldView,
    IncomingTransferView,
    OutgoingTransferView,
    TransferView,
)
from gateway.wallet_views import (
    AccountView,
    EntryView,
    LimitView,
    MovementView,
    PastBalanceView,
    WalletView,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class UserView:
    """A user."""

    id: UUID
    email: str
    name: str | None
    status: UserStatusText
    created_at: TimeText


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenView:
    """An access token; `expires_in` is in seconds."""

    access_token: str
    expires_in: int
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105 - the name of a scheme


@dataclass(frozen=True, slots=True, kw_only=True)
class CurrencyView:
    """A currency."""

    code: CodeText
    name: str
    decimals: int
    enabled: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ActView:
    """An act of an operator; `hash` covers its fields and the hash of the act before it."""

    act: str
    target_id: UUID
    done_by: str
    reason: str
    detail: str
    at: TimeText
    bucket: int
    seq: int
    hash: HashText
    prev_hash: HashText


# What lists are of.
ItemView: TypeAlias = (
    CurrencyView
    | OutgoingTransferView
    | IncomingTransferView
    | EntryView
    | ActView
    | HoldView
    | UserView
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PageView:
    """A page of a list; `next_cursor` is null on the last."""

    data: Sequence[ItemView]
    next_cursor: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthView:
    """That the process answers."""

    status: Literal["alive"] = "alive"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadinessView:
    """What can be reached."""

    status: Literal["ready", "degraded", "unavailable"]
    shards: Mapping[str, Literal["up", "down"]]
    kafka: Literal["up", "down"]

    @property
    def is_ready(self) -> bool:
        """Whether anything can be done."""
        return self.status != "unavailable"


class BatchResult(TypedDict):
    """What became of one item: `transfer` or `problem`, as `status` says."""

    key: str | None
    status: int
    transfer: NotRequired[TransferView]
    problem: NotRequired[ProblemDocument]


class BatchView(TypedDict):
    """What became of each item of a batch, in order."""

    results: Sequence[BatchResult]


View = (
    UserView
    | TokenView
    | CurrencyView
    | AccountView
    | PastBalanceView
    | WalletView
    | MovementView
    | TransferView
    | HoldView
    | LimitView
    | EntryView
    | PageView
    | ReadinessView
    | HealthView
)


def readiness(*, shards: Mapping[str, bool], kafka: bool) -> ReadinessView:
    """The answer of /ready: `unavailable` when no shard answers, `degraded` when anything is away.

    Args:
        shards: name of each shard, and whether it answers.
        kafka: whether a broker answers.
    """
    if not any(shards.values()):
        status: Literal["ready", "degraded", "unavailable"] = "unavailable"
    else:
        status = "ready" if kafka and all(shards.values()) else "degraded"
    return ReadinessView(
        status=status,
        shards={name: "up" if is_up else "down" for name, is_up in shards.items()},
        kafka="up" if kafka else "down",
    )


def to_json(view: View | BatchView) -> bytes:
    """This as JSON in UTF-8, on one line."""
    return orjson.dumps(view, default=_plain)


def json_response(
    view: View | BatchView,
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> web.Response:
    """An answer that shows this."""
    return web.Response(
        status=status,
        body=to_json(view),
        content_type="application/json",
        headers=headers,
    )


def _plain(value: object) -> str:
    # asyncpg's UUID is a subclass of Python's, and orjson takes none of those.
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(f"{type(value).__name__} is not for answers")
