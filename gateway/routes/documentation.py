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
from shards.records import record

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
    shown={
        200: Shown(says="What the page is made of.", media="*/*"),
        304: Shown(says="As it was: `If-None-Match` has its `ETag`.", media=None),
    },
)
_MISSING = (
    "This gateway has no Swagger UI: name its jar in HOLDFAST_GATEWAY__SWAGGER_UI."
    " The document is at /openapi.json."
)
# The files are those of one version, and change with it: asked for again, and told by their ETag.
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
        return _unless_known(request, self._document)

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
        return _unless_known(request, files[name])

    @cached_property
    def _document(self) -> "_Kept":
        return _kept(orjson.dumps(document_of(self._routes())), "application/json")

    @cached_property
    def _files(self) -> "dict[str, _Kept]":
        if self._jar is None:
            return {}
        found = {
            name: _kept(content, MEDIA_TYPES[name])
            for name, content in read_swagger_ui(self._jar).items()
        }
        return {**found, "begin.js": _kept(BEGIN.encode(), "text/javascript")}


@record
class _Kept:
    """What is answered again and again; `etag` tells it from what another version answers."""

    body: bytes
    media: str
    etag: str


def _kept(body: bytes, media: str) -> _Kept:
    return _Kept(body=body, media=media, etag=f'"{hashlib.sha256(body).hexdigest()[:32]}"')


def _unless_known(request: web.Request, kept: _Kept) -> web.Response:
    headers = {"ETag": kept.etag, **_CACHED}
    # It may be one of several, and marked as a weak one by a proxy that has packed it.
    if kept.etag in request.headers.get(hdrs.IF_NONE_MATCH, ""):
        return web.Response(status=304, headers=headers)
    return web.Response(body=kept.body, content_type=kept.media, headers=headers)
