"""Answers that are a page of a list, and where the next one is (RFC 8288)."""

from collections.abc import Sequence
from urllib.parse import quote, urlencode

from aiohttp import web

from gateway.views import ItemView, PageView, json_response


def page_response(
    request: web.Request, data: Sequence[ItemView], next_cursor: str | None
) -> web.Response:
    """200 with a page; `next_cursor` is None on the last, else `Link` says where it goes on.

    Args:
        request: the one that asks for this page, its parameters checked.
        data: the items of the page.
        next_cursor: the cursor after them.
    """
    view = PageView(data=data, next_cursor=next_cursor)
    if next_cursor is None:
        return json_response(view)
    return json_response(
        view, headers={"Link": f'<{_next_page(request, next_cursor)}>; rel="next"'}
    )


def _next_page(request: web.Request, cursor: str) -> str:
    """Path and query of the next page: this request with the cursor in place of its own.

    What a client sent is encoded anew, so nothing of it can end the header's URL.
    """
    kept = [(name, value) for name, value in request.query.items() if name != "cursor"]
    query = urlencode([*kept, ("cursor", cursor)], quote_via=quote, safe="")
    return f"{quote(request.path)}?{query}"
