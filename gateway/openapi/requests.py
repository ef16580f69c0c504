"""What an operation takes: its parts of the path, its query, its headers and its body."""

import re
from typing import Any

from gateway.headers import KEY_LENGTH_MAX, WAIT_SECONDS_MAX
from gateway.openapi.schemas import body_reference
from gateway.operations import BodyOperation, Operation
from gateway.parameters import Parameter
from gateway.path_ids import CURRENCY_PATTERN, HASH_PATTERN

_PART = re.compile(r"\{(\w+)\}")
_UUID = {"type": "string", "format": "uuid"}
_CODE = {"type": "string", "pattern": f"^{CURRENCY_PATTERN}$", "examples": ["EUR"]}
# Of each part of a path by its name.
_PARTS: dict[str, dict[str, Any]] = {
    "user_id": _UUID,
    "transfer_id": _UUID,
    "hold_id": _UUID,
    "hash": {"type": "string", "pattern": f"^{HASH_PATTERN}$"},
    "currency": _CODE,
    "code": _CODE,
    "file": {"type": "string"},
}


def parameters_of(operation: Operation) -> list[dict[str, Any]]:
    """The `parameters` of an operation."""
    parts = [
        {"name": name, "in": "path", "required": True, "schema": _PARTS[name]}
        for name in _PART.findall(operation.path)
    ]
    return [*parts, *map(_in_query, operation.query), *_in_headers(operation)]


def body_of(operation: Operation) -> dict[str, Any]:
    """The `requestBody` of an operation; nothing where it has none."""
    if not isinstance(operation, BodyOperation):
        return {}
    return {
        "requestBody": {
            "required": not operation.may_be_empty,
            "content": {"application/json": {"schema": body_reference(operation.body)}},
        }
    }


def _in_query(parameter: Parameter) -> dict[str, Any]:
    return {
        "name": parameter.name,
        "in": "query",
        "required": parameter.required,
        "description": parameter.says,
        "schema": dict(parameter.schema),
    }


def _in_headers(operation: Operation) -> list[dict[str, Any]]:
    names = [
        *(("Idempotency-Key",) if operation.has_key else ()),
        *(("Prefer",) if operation.can_wait else ()),
        *(("Last-Event-ID",) if operation.resumes else ()),
    ]
    return [{"$ref": f"#/components/parameters/{name}"} for name in names]


def shared_parameters() -> dict[str, Any]:
    """The headers that several operations heed, by name."""
    return {
        "Idempotency-Key": {
            "name": "Idempotency-Key",
            "in": "header",
            "required": True,
            "description": (
                "The same key with the same request has one effect and the first answer:"
                " 1 to 255 visible ASCII characters, in quotes or bare."
            ),
            "schema": {
                "type": "string",
                "pattern": f"^[!-~]{{1,{KEY_LENGTH_MAX}}}$",
                "examples": ["order-4711"],
            },
        },
        "Prefer": {
            "name": "Prefer",
            "in": "header",
            "required": False,
            "description": (
                "`wait=N`: answer when the transfer is over, or after N seconds,"
                f" {WAIT_SECONDS_MAX} at the most. What is malformed is ignored."
            ),
            "schema": {"type": "string", "examples": ["wait=10"]},
        },
        "Last-Event-ID": {
            "name": "Last-Event-ID",
            "in": "header",
            "required": False,
            "description": "The id of the last event that was seen; what came before is left out.",
            "schema": {"type": "string"},
        },
    }
