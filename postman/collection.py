"""The files that Postman reads: the collection, and the environment that goes with it."""

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

COLLECTION = Path(__file__).with_name("apis.json")
ENVIRONMENT = Path(__file__).with_name("local.postman_environment.json")
OPERATOR_FOLDER = "Operator"

Json = dict[str, Any]


def read_json(path: Path) -> Json:
    """A file with a JSON object."""
    content: Json = json.loads(path.read_text(encoding="utf-8"))
    return content


def requests_of(folder: Json, *, without: str | None = None) -> Iterator[Json]:
    """The requests of a collection or a folder, in order, but those in the folder `without`."""
    for item in folder["item"]:
        if "request" in item:
            yield item
        elif item["name"] != without:
            yield from requests_of(item, without=without)


def left_out(collection: Json, report: Json, *, without: str | None) -> list[str]:
    """The names of the requests that a run did not make, by newman's report of it.

    A script can lead a run past requests, and newman calls what it did not ask for no failure.
    """
    made = {execution["item"]["name"] for execution in report["run"]["executions"]}
    names = (item["name"] for item in requests_of(collection, without=without))
    return [name for name in names if name not in made]


def with_values(environment: Json, values: Mapping[str, str]) -> Json:
    """An environment in which these variables have these values."""
    entries: Iterable[Json] = environment["values"]
    return {
        **environment,
        "values": [
            {**entry, "value": values.get(entry["key"], entry["value"])} for entry in entries
        ],
    }
