"""Where the next page of a list is."""

import json

import pytest
from aiohttp.test_utils import make_mocked_request

from gateway.pages import page_response


@pytest.mark.parametrize(
    ("asked", "link"),
    [
        ("/v1/things", "/v1/things?cursor=c_-1"),
        ("/v1/things?cursor=old", "/v1/things?cursor=c_-1"),
        ("/v1/things?cursor=old&limit=5&kind=a", "/v1/things?limit=5&kind=a&cursor=c_-1"),
        (
            "/v1/things?since=2026-01-31T12:00:00%2B01:00",
            "/v1/things?since=2026-01-31T12%3A00%3A00%2B01%3A00&cursor=c_-1",
        ),
        (
            "/v1/th%3Eings?a=%3E%22%0D%0A&b=%26%3D%20%C3%A9",
            "/v1/th%3Eings?a=%3E%22%0D%0A&b=%26%3D%20%C3%A9&cursor=c_-1",
        ),
        ("http://elsewhere.example/v1/things?limit=1", "/v1/things?limit=1&cursor=c_-1"),
    ],
)
def test_the_next_page_is_this_one_with_the_new_cursor(asked: str, link: str) -> None:
    response = page_response(make_mocked_request("GET", asked), [], "c_-1")

    assert response.headers["Link"] == f'<{link}>; rel="next"'
    assert json.loads(response.body)["next_cursor"] == "c_-1"  # type: ignore[arg-type] # bytes


def test_the_last_page_has_no_next_one() -> None:
    response = page_response(make_mocked_request("GET", "/v1/things?limit=5"), [], None)

    assert "Link" not in response.headers
