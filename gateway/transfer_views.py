"""What answers show of transfers and holds."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal
from uuid import UUID

import orjson
from pydantic import InstanceOf, WithJsonSchema

from gateway.answer_texts import AmountText, CodeText, HoldStatusText, StatusText, TimeText
from shards.records import record

# JSON text that is shown as it is stored.
MetadataText = Annotated[
    orjson.Fragment,
    InstanceOf(),
    WithJsonSchema({"type": "object", "additionalProperties": {"type": "string"}}),
]


@record
class StatusView:
    """When a transfer came into a status."""

    status: StatusText
    at: TimeText


@record
class TransferView:
    """A transfer; `payee_id` is null when it was rejected because there is no such payee.

    `hold_id` and `refund_of` say what it is a capture or a refund of, `refunds` and
    `amount_refunded` what of it has come back to its payer.
    """

    id: UUID
    payer_id: UUID
    payee_id: UUID | None
    currency: CodeText
    amount: AmountText
    status: StatusText
    reason: str | None
    created_at: TimeText
    updated_at: TimeText
    expires_at: TimeText
    metadata: MetadataText
    timeline: Sequence[StatusView]
    hold_id: UUID | None
    refund_of: UUID | None
    amount_refunded: AmountText
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
    currency: CodeText
    amount: AmountText
    status: Literal["completed", "refunded"]
    created_at: TimeText
    direction: Literal["in"] = "in"


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldView:
    """A hold; `remaining` is what can still be captured."""

    id: UUID
    payer_id: UUID
    payee_id: UUID | None
    currency: CodeText
    amount: AmountText
    captured: AmountText
    remaining: AmountText
    status: HoldStatusText
    expires_at: TimeText
    created_at: TimeText
    metadata: MetadataText


def stored_metadata(text: str | None) -> orjson.Fragment:
    """Metadata as it is stored (JSON text), to be shown without being parsed; none is `{}`."""
    return orjson.Fragment(text if text is not None else "{}")
