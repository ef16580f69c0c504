import json

import pytest

from gateway.problems import KINDS, FieldError, Problem
from sagas.states import Reason


def test_a_problem_is_rendered_as_rfc_9457() -> None:
    problem = Problem("insufficient_funds", "Available: less than asked for.")

    assert json.loads(problem.to_json("abc")) == {
        "type": "/problems/insufficient_funds",
        "title": "There is not enough money available",
        "status": 422,
        "detail": "Available: less than asked for.",
        "code": "insufficient_funds",
        "trace_id": "abc",
    }


def test_the_code_is_that_of_the_first_wrong_field() -> None:
    problem = Problem.of_fields(
        [
            FieldError("/amount", "too_precise", "Too many digits."),
            FieldError("/zz", "unknown_field", "Not known."),
        ]
    )

    document = json.loads(problem.to_json("abc"))

    assert (document["status"], document["code"]) == (422, "too_precise")
    assert document["detail"] == "/amount: Too many digits."
    assert document["errors"] == [
        {"pointer": "/amount", "code": "too_precise", "detail": "Too many digits."},
        {"pointer": "/zz", "code": "unknown_field", "detail": "Not known."},
    ]


@pytest.mark.parametrize("code", KINDS)
def test_every_code_has_the_headers_its_status_asks_for(code: str) -> None:
    problem = Problem(code)

    assert ("WWW-Authenticate" in problem.headers) == (problem.status == 401)
    assert ("Retry-After" in problem.headers) == (problem.status in (429, 503))
    assert problem.detail.endswith(".")


@pytest.mark.parametrize(
    "reason", [r for r in Reason if r not in (Reason.EXPIRED, Reason.CANCELLED_BY_PAYER)]
)
def test_every_refusal_of_a_step_is_a_422(reason: Reason) -> None:
    assert Problem(reason).status == 422


def test_an_unknown_code_is_a_bug() -> None:
    with pytest.raises(KeyError):
        Problem("no_such_code")


@pytest.mark.parametrize(
    ("status", "code"),
    [(404, "not_found"), (413, "body_too_large"), (418, "bad_request"), (502, "internal_error")],
)
def test_what_aiohttp_refuses_gets_a_code(status: int, code: str) -> None:
    assert Problem.of_status(status).code == code
