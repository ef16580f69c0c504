"""The OpenAPI document is valid, is the router's and is the one that is kept."""

import json
from typing import Any

import pytest
from aiohttp import web
from openapi_spec_validator import OpenAPIV31SpecValidator

from gateway.openapi import document_of
from gateway.openapi.answers import ANYWHERE, codes_of
from gateway.operations import BodyOperation, Who
from gateway.problems import KINDS
from gateway.schemas import _known_fields
from tests.unit.openapi_text import KEPT, document_text, routes


@pytest.fixture
async def document():
    return document_of(routes())


async def test_it_is_valid(document):
    OpenAPIV31SpecValidator(document).validate()


async def test_the_copy_that_is_kept_is_this_one():
    kept = KEPT.read_text(encoding="utf-8")

    assert kept == await document_text(), "run `python -m tests.unit.openapi_text`"


async def test_a_dump_of_the_router_is_the_document(document):
    app = web.Application()
    app.add_routes([route.definition for route in routes()])
    dumped = {
        (route.method.lower(), route.resource.canonical)
        for route in app.router.routes()
        if route.method != "HEAD" and route.resource is not None
    }
    told = {(method, path) for path, methods in document["paths"].items() for method in methods}

    assert told == dumped


async def test_every_operation_has_an_id_of_its_own_and_says_what_it_does(document):
    operations = [one for methods in document["paths"].values() for one in methods.values()]
    ids = [operation["operationId"] for operation in operations]

    assert len(set(ids)) == len(ids)
    assert all(len(operation["description"]) > 20 for operation in operations)


async def test_every_code_belongs_to_some_operation_or_to_any_request():
    told = {code for route in routes() for code in codes_of(route.operation)}

    assert told | set(ANYWHERE) == set(KINDS)


async def test_bodies_have_the_fields_that_are_checked(document):
    schemas = document["components"]["schemas"]
    operations: list[Any] = [
        r.operation for r in routes() if isinstance(r.operation, BodyOperation)
    ]

    assert operations
    for operation in operations:
        schema = schemas[operation.body.__name__]
        assert set(schema.get("properties", ())) == _known_fields(operation.body), operation.name
        assert schema["additionalProperties"] is False, operation.name


async def test_who_may_ask_is_told(document):
    for route in routes():
        told = document["paths"][route.path][route.method.lower()]
        needs = route.operation.who is not Who.ANYONE
        assert bool(told["security"]) == needs, route.operation.name
        assert ("401" in told["responses"]) == (needs or route.operation.name == "login")


async def test_nothing_in_it_is_a_name_of_the_code(document):
    text = json.dumps(document)

    assert "_minor" not in text
    assert "View" not in text
    assert "PydanticCustom" not in text
