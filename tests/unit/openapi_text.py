"""Writes down the OpenAPI document: `python -m tests.unit.openapi_text`."""

import asyncio
import json
import secrets
from pathlib import Path

from config.settings import Settings
from gateway.app import Gateway
from gateway.openapi import document_of
from gateway.operations import Route
from gateway.route_table import routes_of
from shards.ids import RandomIds

KEPT = Path(__file__).parents[2] / "docs" / "openapi.json"


def routes() -> list[Route]:
    """All routes of a gateway with default settings; needs a running loop."""
    settings = Settings(
        _env_file=None,
        auth={"jwt_secret": secrets.token_hex(32)},
        messages={"keys": {"k1": secrets.token_hex(32)}},
    )
    return routes_of(Gateway(settings, RandomIds()))


async def document_text() -> str:
    """The document as it is kept: the same on every machine."""
    return json.dumps(document_of(routes()), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    KEPT.write_text(asyncio.run(document_text()), encoding="utf-8")
