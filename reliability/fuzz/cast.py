"""Who asks, and what there is to ask for: a small world in which nothing moves by itself."""

import secrets
from collections.abc import Mapping
from itertools import count
from typing import Any, Final

import requests

from shards.records import record

_PASSWORD: Final = "correct horse battery"  # noqa: S105 - of users who live for one run
_ANSWER_S = 15.0
_PAYEES = frozenset({"create_refund", "void_hold"})


class NotPreparedError(Exception):
    """The gateway has refused what a run begins with; says what it was."""


@record
class User:
    """A user who has logged in."""

    id: str
    email: str
    token: str


@record
class Cast:
    """Who takes part, and the ids of what there is.

    Attributes:
        operator: one who may do whatever operators do.
        there: what each part of a path may be, by its name.
    """

    payer: User
    payee: User
    operator: User
    there: Mapping[str, str]

    def asks(self, operation: str, *, tag: str) -> User:
        """Who has most to say in an operation: what is refused is not refused for who asks."""
        if tag == "Operators":
            return self.operator
        return self.payee if operation in _PAYEES else self.payer


class Doorway:
    """The gateway, for what a run needs of it beside what it fuzzes."""

    def __init__(self, session: requests.Session, gateway: str) -> None:
        self._session = session
        self._gateway = gateway
        self._keys = count(1)

    def new_user(self) -> tuple[str, str]:
        """Id and e-mail of a new user."""
        email = f"fuzz-{secrets.token_hex(8)}@example.com"
        user = self._post("/v1/users", {"email": email, "password": _PASSWORD})
        return user["id"], email

    def login(self, id_: str, email: str) -> User:
        """The user with a token."""
        token = self._post("/v1/auth/login", {"email": email, "password": _PASSWORD})
        return User(id=id_, email=email, token=token["access_token"])

    def stage(self, payer: User, payee: User) -> dict[str, str]:
        """Makes money, a transfer that is over, and a hold that stays open; their ids."""
        money = {"currency": "EUR", "amount": "1000.00"}
        some = {"currency": "EUR", "amount": "10.00", "to": payee.id}
        wallet = f"/v1/wallets/{payer.id}"
        self._post(f"{wallet}/deposits", money, payer)
        transfer = self._post(f"{wallet}/transfers", some, payer, wait=True)
        if transfer["status"] != "completed":
            raise NotPreparedError(f"the first transfer is {transfer['status']}")
        hold = self._post(f"{wallet}/holds", some, payer)
        entries = self._session.get(
            f"{self._gateway}{wallet}/entries", headers=_headers(payer), timeout=_ANSWER_S
        ).json()
        return {
            "user_id": payer.id,
            "transfer_id": transfer["id"],
            "hold_id": hold["id"],
            "hash": entries["data"][0]["hash"],
            "currency": "EUR",
            "code": "EUR",
            "file": "begin.js",
        }

    def _post(
        self, path: str, body: Mapping[str, str], by: User | None = None, *, wait: bool = False
    ) -> dict[str, Any]:
        headers = {"Idempotency-Key": f"stage-{next(self._keys)}"}
        if by is not None:
            headers.update(_headers(by))
        if wait:
            headers["Prefer"] = "wait=10"
        answer = self._session.post(
            self._gateway + path, json=body, headers=headers, timeout=_ANSWER_S
        )
        if not answer.ok:
            raise NotPreparedError(f"POST {path}: {answer.status_code} {answer.text}")
        made: dict[str, Any] = answer.json()
        return made


def _headers(by: User) -> dict[str, str]:
    return {"Authorization": f"Bearer {by.token}"}
