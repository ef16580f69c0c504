"""Dead letters and acts as JSON types."""

from base64 import b64encode
from dataclasses import asdict
from datetime import datetime
from typing import TypeAlias
from uuid import UUID

from shards.dead_letters import ListedDeadLetter
from shards.operator_acts import ListedAct, StoredAct
from shards.transfers import Transfer
from shards.verdicts import Verdict

Json: TypeAlias = dict[str, object]

# What of a transfer helps a person who judges a letter; not what its users wrote.
_TRANSFER = (
    "id",
    "payer_id",
    "payee_id",
    "currency",
    "status",
    "reason",
    "attempts",
    "next_attempt_at",
    "created_at",
    "expires_at",
    "debited_at",
    "ended_at",
)
_VERDICT = ("transfer_id", "payer_id", "payee_id", "currency", "kind", "reason", "created_at")


def letter_as_json(letter: ListedDeadLetter) -> Json:
    """All fields; bytes in base64."""
    fields = {name: _plain(value) for name, value in asdict(letter).items()}
    for name in ("key", "value"):
        if name in fields:
            fields[f"{name}_base64"] = fields.pop(name)
    return fields


def act_as_json(act: StoredAct) -> Json:
    """All fields."""
    return {name: _plain(value) for name, value in asdict(act).items()}


def listed_act_as_json(listed: ListedAct) -> Json:
    """All fields of an act, and what proves it: hashes in lower-case hex, as over HTTP."""
    proof: Json = {"hash": listed.hash.hex(), "prev_hash": listed.prev_hash.hex()}
    return act_as_json(listed.act) | proof


def transfer_as_json(transfer: Transfer) -> Json:
    """Its status, parties and times; the amount is a string of minor units."""
    fields = {name: _plain(getattr(transfer, name)) for name in _TRANSFER}
    return fields | {"amount_minor": str(transfer.amount)}


def verdict_as_json(verdict: Verdict) -> Json:
    """What was decided on what; the amount is a string of minor units."""
    fields = {name: _plain(getattr(verdict, name)) for name in _VERDICT}
    return fields | {"amount_minor": str(verdict.amount)}


def _plain(value: object) -> object:
    match value:
        case UUID():
            return str(value)
        case datetime():
            return value.isoformat()
        case bytes():
            return b64encode(value).decode()
        case _:
            return value
