"""What answers show of transfers and holds."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

import orjson

from shards.records import record


@record
class StatusView:
    """When a transfer came into a status."""

    status: str
    at: str


@record
class TransferView:
    """A transfer; `payee_id` is null when it was rejected because there is no such payee.

    `hold_id` and `refund_of` say what it is a capture or a refund of, `refunds` and
    `amount_refunded` what of it has come back to its payer.
    """

    id: UUID
    payer_id: UUID
    payee_id: UUID | None
    currency: str
    amount: str
    status: str
    reason: str | None
    created_at: str
    updated_at: str
    expires_at: str
    metadata: orjson.Fragment
    timeline: Sequence[StatusView]
    hold_id: UUID | None
    refund_of: UUID | None
    amount_refunded: str
    refunds: Sequence[UUID]


@record
class OutgoingTransferView(TransferView):
    """A transfer in its payer's list."""

    direction: Literal["out"] = "out"


@dataclass(frozen=True, slots=True, kw_only=True)
class IncomingTransferView:
    """A transfer in its payee's list: what the verdict says, and nothing of the payer's row."""

    id: UUID
    payer_id: UUID
    payee_id: UUID
    currency: str
    amount: str
    status: Literal["completed", "refunded"]
    created_at: str
    direction: Literal["in"] = "in"


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldView:
    """A hold; `remaining` is what can still be captured."""

    id: UUID
    payer_id: UUID
    payee_id: UUID | None
    currency: str
    amount: str
    captured: str
    remaining: str
    status: str
    expires_at: str
    created_at: str
    metadata: orjson.Fragment


def stored_metadata(text: str | None) -> orjson.Fragment:
    """Metadata as it is stored (JSON text), to be shown without being parsed; none is `{}`."""
    return orjson.Fragment(text if text is not None else "{}")
