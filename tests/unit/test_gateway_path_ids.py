from uuid import UUID

import pytest
from aiohttp.test_utils import make_mocked_request

from gateway.path_ids import parse_currency_code, parse_uuid, path_currency_code, path_uuid
from gateway.problems import Problem

TEXT = "01890a5d-ac96-8b1c-8000-0123456789ab"


@pytest.mark.parametrize("text", [TEXT, TEXT.upper()])
def test_an_id_is_read_in_either_case(text: str) -> None:
    assert parse_uuid(text) == UUID(TEXT)


BAD_IDS = [
    "", "x", TEXT[:-1], TEXT + "0", TEXT.replace("-", ""), f"{{{TEXT}}}", f"urn:uuid:{TEXT}",
    f" {TEXT}", f"{TEXT}\n", TEXT.replace("0", "０", 1), TEXT.replace("a", "g"), "1", "null",
    TEXT.replace("-", "", 1) + "-",
]  # fmt: skip


@pytest.mark.parametrize("text", BAD_IDS, ids=ascii)
def test_any_other_spelling_is_not_found(text: str) -> None:
    request = make_mocked_request("GET", "/", match_info={"id": text})

    with pytest.raises(Problem) as caught:
        path_uuid(request, "id")

    assert parse_uuid(text) is None
    assert caught.value.status == 404


@pytest.mark.parametrize(("text", "code"), [("eur", "EUR"), ("EUR", "EUR"), ("uSdC", "USDC")])
def test_a_currency_code_is_upper_case_inside(text: str, code: str) -> None:
    request = make_mocked_request("GET", "/", match_info={"currency": text})

    assert path_currency_code(request) == parse_currency_code(text) == code


@pytest.mark.parametrize("text", ["", "EU", "A" * 11, "EU R", "EÜR", "ı23", "EUR\0", "EUR\n", "€"])
def test_what_cannot_be_a_currency_is_not_found(text: str) -> None:
    request = make_mocked_request("GET", "/", match_info={"currency": text})

    with pytest.raises(Problem) as caught:
        path_currency_code(request)

    assert parse_currency_code(text) is None
    assert caught.value.status == 404
