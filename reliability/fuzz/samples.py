"""Good values, made of the examples that the document has."""

from collections.abc import Mapping
from typing import Any

Schema = Mapping[str, Any]

_PLAIN = {"boolean": True, "string": "some text", "null": None}


def sample(schema: Schema, components: Schema) -> Any:
    """A value that a schema of our document allows.

    Args:
        schema: of a body, or a part of one.
        components: of the document, for what it refers to.
    """
    if "$ref" in schema:
        return sample(components["schemas"][schema["$ref"].rpartition("/")[2]], components)
    if "anyOf" in schema:
        return sample(schema["anyOf"][0], components)
    if "examples" in schema or "enum" in schema:
        return schema.get("examples", schema.get("enum"))[0]
    return _of_type(schema, components)


def _of_type(schema: Schema, components: Schema) -> Any:
    match schema["type"]:
        case "object":
            fields = schema.get("properties", {})
            return {name: sample(inner, components) for name, inner in fields.items()}
        case "array":
            return [sample(schema["items"], components)]
        case "integer":
            return schema.get("minimum", 1)
        case kind:
            return _PLAIN[kind]
