"""The bounds for clients, as the settings give them."""

import secrets

import pytest
import structlog
from aiohttp.http_exceptions import BadHttpMessage, LineTooLong

from config.settings import Settings
from gateway.app import create_app, create_runner
from gateway.unread import HeadLateError, HeadTooLargeError, problem_of_unread


def settings(**clients: object) -> Settings:
    return Settings(
        _env_file=None,
        auth={"jwt_secret": secrets.token_hex(32)},
        messages={"keys": {"k1": secrets.token_hex(32)}},
        postgres={"shards": 4, "pool_size": 10},
        clients=clients,
    )


@pytest.mark.parametrize(
    ("asked", "files", "served"),
    [(10_000, 1_000_000, 10_000), (10_000, 1_024, 1_024 - 150 - 44), (5, 1_024, 5), (5, 100, 1)],
)
def test_clients_never_get_the_files_that_the_shards_need(asked: int, files: int, served: int):
    app = create_app(settings(connections=asked))

    with structlog.testing.capture_logs() as logs:
        runner = create_runner(app, shutdown_timeout=1.0, files_max=files)

    assert runner.limits.connections == served
    assert [log["event"] for log in logs] == ["gateway.few_files"] * (served < asked)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (HeadLateError(), "request_timeout"),
        (HeadTooLargeError(), "head_too_large"),
        (LineTooLong(b"GET /", 8190), "head_too_large"),
        (BadHttpMessage("Too many headers received"), "head_too_large"),
        (BadHttpMessage("Bad status line"), "bad_request"),
        (None, "bad_request"),
    ],
)
def test_what_never_became_a_request_has_a_code(error: Exception | None, code: str):
    assert problem_of_unread(400, error).code == code


def test_what_broke_in_the_server_is_ours():
    assert problem_of_unread(500, ValueError()).code == "internal_error"


@pytest.mark.parametrize(
    ("asked", "of_address", "files", "part"),
    [
        (10_000, 2_500, 1_000_000, 2_500),
        # With files for a tenth, an address has a tenth, too.
        (10_000, 2_500, 1_194, 250),
        (10_000, 2_500, 100, 1),
        (5, 2_500, 1_000_000, 2_500),
        (5, 1, 1_000_000, 1),
    ],
)
def test_an_address_has_its_part_of_what_there_is(
    asked: int, of_address: int, files: int, part: int
):
    app = create_app(settings(connections=asked, connections_of_address=of_address))

    runner = create_runner(app, shutdown_timeout=1.0, files_max=files)

    assert runner.limits.of_address == part
