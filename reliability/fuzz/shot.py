"""One hostile request, ready to be sent."""

from collections.abc import Callable
from http import HTTPStatus

import requests

from shards.records import record


@record
class Shot:
    """A request, and whether an answer that is no refusal may be one all the same.

    Attributes:
        label: method and path pattern of its operation.
        request: what is sent.
        is_excused: of the answer: whether it was right not to refuse. What breaks the document
            as data may be fine as the text that is sent.
    """

    label: str
    request: requests.PreparedRequest
    is_excused: Callable[[requests.Response], bool]

    @property
    def identity(self) -> tuple[object, ...]:
        """What makes two of them the same request."""
        one = self.request
        return one.method, one.url, tuple(sorted(one.headers.items())), one.body

    def told(self) -> str:
        """The request for a person, without who sent it."""
        one = self.request
        headers = {name: value for name, value in one.headers.items() if name != "Authorization"}
        return f"{one.method} {one.url} {headers} {one.body!r}"


def refuses_an_item(response: requests.Response) -> bool:
    """Whether a batch refused something: of items that are wrong only those are."""
    if response.status_code != HTTPStatus.MULTI_STATUS:
        return False
    return any(result["status"] >= HTTPStatus.BAD_REQUEST for result in response.json()["results"])
