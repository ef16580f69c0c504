"""The gateway tells its own API: a document, and a page that needs nothing from elsewhere."""

import json
import re

import pytest

from devstack.jars import SWAGGER_UI, fetched
from e2e_tests.client import Client
from e2e_tests.system import System
from tests.unit.openapi_text import KEPT


@pytest.fixture
async def documented(system: System) -> Client:
    """A gateway with Swagger UI."""
    (jar,) = fetched(SWAGGER_UI)
    system.change(gateway={"swagger_ui": str(jar)})
    return await system.start_gateway()


async def test_the_document_is_served_and_is_the_one_that_is_kept(documented: Client):
    answer = await documented.call("GET", "/openapi.json")
    etag = answer.headers["ETag"]
    again = await documented.call("GET", "/openapi.json", headers={"If-None-Match": etag})

    assert answer.status == 200
    assert answer.body == json.loads(KEPT.read_text(encoding="utf-8"))
    assert (again.status, again.body, again.headers["ETag"]) == (304, None, etag)


async def test_the_page_is_whole_and_asks_nobody_else(documented: Client):
    page = await documented.page("/docs")
    files = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    answers = [await documented.page(path) for path in files]
    tags = [answer.headers["ETag"] for answer in answers]
    again = [
        await documented.call("GET", path, headers={"If-None-Match": tag})
        for path, tag in zip(files, tags, strict=True)
    ]

    assert page.status == 200
    assert len(files) == 4
    assert all(path.startswith("/docs/") for path in files)
    assert {answer.status for answer in answers} == {200}
    # The script alone has 1.7 MB: nobody fetches it twice.
    assert [(answer.status, answer.body) for answer in again] == [(304, None)] * 4
    assert all(len(answer.text) > 100 for answer in answers)
    assert 'url: "/openapi.json"' in next(a.text for a in answers if "dom_id" in a.text[:500])
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert (await documented.call("GET", "/docs/../../etc/passwd")).status == 404
    assert (await documented.call("GET", "/docs/MANIFEST.MF")).status == 404


async def test_without_swagger_ui_the_page_says_where_the_document_is(client: Client):
    answer = await client.call("GET", "/docs")

    assert (answer.status, answer.code) == (404, "not_found")
    assert "/openapi.json" in answer.body["detail"]
