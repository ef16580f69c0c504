from uuid import UUID

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from gateway.auth import authenticate, own_wallet, readable_wallet, require_operator
from gateway.problems import Problem
from gateway.tokens import Principal, Role, Tokens

MINE, THEIRS = UUID(int=1), UUID(int=2)
USER = Principal(MINE, Role.USER)
OPERATOR = Principal(MINE, Role.OPERATOR)


def _request(wallet: str, **headers: str) -> web.Request:
    return make_mocked_request("GET", "/", match_info={"user_id": wallet}, headers=headers)


def test_a_token_says_who_it_is() -> None:
    tokens = Tokens("no secret" * 4, ttl_s=60)
    request = _request("", Authorization=f"Bearer {tokens.mint(MINE, Role.USER)}")

    assert authenticate(request, tokens) == USER


@pytest.mark.parametrize("principal", [USER, OPERATOR])
def test_ones_own_wallet_is_there(principal: Principal) -> None:
    assert own_wallet(_request(str(MINE)), principal) == MINE
    assert readable_wallet(_request(str(MINE).upper()), principal) == MINE


@pytest.mark.parametrize("wallet", [str(THEIRS), "x", ""])
def test_a_foreign_and_a_malformed_wallet_are_alike(wallet: str) -> None:
    with pytest.raises(Problem) as own:
        own_wallet(_request(wallet), USER)
    with pytest.raises(Problem) as readable:
        readable_wallet(_request(wallet), USER)

    assert own.value.to_json("x") == readable.value.to_json("x")
    assert own.value.status == 404


def test_an_operator_reads_every_wallet_and_owns_one() -> None:
    assert readable_wallet(_request(str(THEIRS)), OPERATOR) == THEIRS
    with pytest.raises(Problem) as caught:
        own_wallet(_request(str(THEIRS)), OPERATOR)
    assert caught.value.status == 404


def test_a_user_is_no_operator() -> None:
    require_operator(OPERATOR)
    with pytest.raises(Problem) as caught:
        require_operator(USER)
    assert (caught.value.status, caught.value.code) == (403, "operator_only")
