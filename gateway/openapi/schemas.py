"""JSON Schema of bodies and answers, from the models and the records that the code itself uses."""

import json
import re
from collections.abc import Iterable
from typing import Any, Final

from pydantic import BaseModel, TypeAdapter

from gateway.operations import BodyOperation, Route
from gateway.problems import ProblemDocument
from gateway.schemas import BatchItemBody

Schema = dict[str, Any]

_PREFIX: Final = "#/components/schemas/"
# What the code calls a view or a document is to a client what it shows.
_SUFFIX = re.compile(r"(View|Document)$")
_REFERENCE = re.compile(rf'"{_PREFIX}(\w+?)(?:View|Document)"')


def reference(view: type) -> Schema:
    """Where the schema of a record is."""
    return {"$ref": _PREFIX + _shown_name(view.__name__)}


def body_reference(model: type[BaseModel]) -> Schema:
    """Where the schema of a body is."""
    return {"$ref": _PREFIX + model.__name__}


def schemas_of(routes: Iterable[Route]) -> dict[str, Schema]:
    """The schemas of all that these routes take and show, by name and in its order."""
    routes = tuple(routes)
    bodies = {r.operation.body for r in routes if isinstance(r.operation, BodyOperation)}
    views = {view for route in routes for view in views_of(route)}
    found = {
        **_generated([*bodies, BatchItemBody], mode="validation"),
        **_generated([*views, ProblemDocument], mode="serialization"),
    }
    return {name: found[name] for name in sorted(found)}


def views_of(route: Route) -> Iterable[type]:
    """The records that a route shows, each by itself."""
    for shown in route.operation.shown.values():
        yield from alternatives(shown.view)


def alternatives(view: Any) -> tuple[type, ...]:
    """The records of a union, or the one that is none; none of None."""
    if view is None:
        return ()
    return getattr(view, "__args__", (view,))


def _generated(types: Iterable[type], *, mode: Any) -> dict[str, Schema]:
    adapters: list[tuple[str, Any, TypeAdapter[Any]]] = [
        (kind.__name__, mode, TypeAdapter(kind)) for kind in types
    ]
    _, whole = TypeAdapter.json_schemas(adapters, ref_template=_PREFIX + "{model}")
    named = json.loads(_REFERENCE.sub(rf'"{_PREFIX}\1"', json.dumps(whole["$defs"])))
    return {_shown_name(name): _tidied(schema) for name, schema in named.items()}


def _shown_name(name: str) -> str:
    return _SUFFIX.sub("", name)


def _tidied(schema: Schema) -> Schema:
    """Without pydantic's titles, which repeat names, and without words that are for the code.

    A default of an answer is what it always shows, so it is required like the rest.
    """
    schema.pop("title", None)
    if "enum" in schema:
        schema.pop("description", None)
    properties = schema.get("properties", {})
    for name, inner in properties.items():
        inner.pop("title", None)
        if "const" in inner and name not in schema.setdefault("required", []):
            schema["required"].append(name)
        inner.pop("default", None)
    if schema.get("additionalProperties") is False:
        schema.pop("description", None)
    return schema
