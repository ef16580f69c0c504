"""Every answer that a test sees is one that the OpenAPI document tells: status, headers, body."""

from functools import cache

from gateway.openapi import document_of
from reliability.fuzz.contract import Contract
from tests.unit.openapi_text import routes


@cache
def contract() -> Contract:
    """The document of the gateway; made once in a process, inside a running loop."""
    return Contract(document_of(routes()))
