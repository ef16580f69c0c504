"""GET /openapi.json, and GET /docs: the document, and a page that shows it."""

import hashlib
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Final

import orjson
from aiohttp import hdrs, web

from gateway.openapi import document_of
from gateway.operations import Operation, Route, Shown, Tag, Who
from gateway.problems import Problem
from gateway.query import parse_no_query
from gateway.rate_limits import admit
from gateway.swagger_ui import BEGIN, MEDIA_TYPES, PAGE, POLICY, read_swagger_ui

DOCUMENT: Final = Operation(
    method=hdrs.METH_GET,
    path="/openapi.json",
    name="get_document",
    tag=Tag.DOCUMENTATION,
    who=Who.ANYONE,
    shown={
        200: Shown(says="This document."),
        304: Shown(says="As it was: `If-None-Match` has its `ETag`.", media=None),
    },
)
DOCS: Final = Operation(
    method=hdrs.METH_GET,
    path="/docs",
    name="get_docs",
    tag=Tag.DOCUMENTATION,
    who=Who.ANYONE,
    shown={200: Shown(says="A page to read this document, and to try it.", media="text/html")},
    refusals=("not_found",),
)
DOCS_FILE: Final = Operation(
    method=hdrs.METH_GET,
    path="/docs/{file}",
    name="get_docs_file",
    tag=Tag.DOCUMENTATION,
    who=Who.ANYONE,
    shown={200: Shown(says="What the page is made of.", media="*/*")},
)
_MISSING = (
    "This gateway has no Swagger UI: name its jar in HOLDFAST_GATEWAY__SWAGGER_UI."
    " The document is at /openapi.json."
)
# The files are those of one version, and change with it.
_CACHED = {"Cache-Control": "no-cache"}


class DocumentationRoutes:
    """What the API tells of itself. Made at the first look: most processes are never asked.

    Args:
        routes: gives all routes of the gateway, these too, when it is asked.
        swagger_ui: the jar; None: there is no page.
    """

    def __init__(self, *, routes: Callable[[], Sequence[Route]], swagger_ui: Path | None) -> None:
        self._routes = routes
        self._jar = swagger_ui

    def table(self) -> list[Route]:
        """Each operation, and what does it."""
        return [
            DOCUMENT.route(self.document),
            DOCS.route(self.page),
            DOCS_FILE.route(self.file),
        ]

    async def document(self, request: web.Request) -> web.Response:
        """The OpenAPI 3.1 document of this API."""
        await admit(request)
        parse_no_query(request.query)
        body, etag = self._document
        if etag in request.headers.get(hdrs.IF_NONE_MATCH, ""):
            return web.Response(status=304, headers={"ETag": etag, **_CACHED})
        return web.Response(
            body=body, content_type="application/json", headers={"ETag": etag, **_CACHED}
        )

    async def page(self, request: web.Request) -> web.Response:
        """Swagger UI; it asks nobody but this gateway, so it works without a network."""
        await admit(request)
        parse_no_query(request.query)
        if self._jar is None:
            raise Problem("not_found", _MISSING)
        headers = {"Content-Security-Policy": POLICY, **_CACHED}
        return web.Response(text=PAGE, content_type="text/html", headers=headers)

    async def file(self, request: web.Request) -> web.Response:
        """A script, a style or an icon of the page."""
        name = request.match_info["file"]
        files = self._files
        if name not in files:
            raise Problem("not_found")
        await admit(request)
        parse_no_query(request.query)
        body, media = files[name]
        return web.Response(body=body, content_type=media, headers=_CACHED)

    @cached_property
    def _document(self) -> tuple[bytes, str]:
        body = orjson.dumps(document_of(self._routes()))
        return body, f'"{hashlib.sha256(body).hexdigest()[:32]}"'

    @cached_property
    def _files(self) -> dict[str, tuple[bytes, str]]:
        if self._jar is None:
            return {}
        found = {
            name: (content, MEDIA_TYPES[name])
            for name, content in read_swagger_ui(self._jar).items()
        }
        return {**found, "begin.js": (BEGIN.encode(), "text/javascript")}
