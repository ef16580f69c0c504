"""Every route, who may ask for it, and a request that is good but for who sends it.

A route that is not here fails `test_foreign.py`.
"""

from dataclasses import dataclass
from enum import Enum, auto
from typing import Any


class Guard(Enum):
    """Who is let through."""

    ANYONE = auto()
    # Any user, who is answered for itself.
    USER = auto()
    # Who has it, and to read also an operator; it is not there for others.
    OWNER = auto()
    OPERATOR = auto()


@dataclass(frozen=True, slots=True)
class RouteCase:
    """One route.

    Attributes:
        guard: who is let through.
        body: of a good request; None: it has none.
        query: of a good request.
        by_operator: what is told to an operator of what is a user's: status, and code of a refusal.
    """

    guard: Guard
    body: dict[str, Any] | None = None
    by_operator: tuple[int, str | None] = (404, "not_found")
    query: str = ""


_MONEY = {"currency": "EUR", "amount": "1.00"}
_PAYMENT = {**_MONEY, "to": "nobody@example.com"}
_SEEN = (200, None)
_WHY = {"reason": "a test"}
_WALLET = "/v1/wallets/{user_id}"

CASES: dict[tuple[str, str], RouteCase] = {
    ("GET", "/health"): RouteCase(Guard.ANYONE),
    ("GET", "/ready"): RouteCase(Guard.ANYONE),
    ("GET", "/v1/currencies"): RouteCase(Guard.ANYONE),
    ("GET", "/v1/currencies/{code}"): RouteCase(Guard.ANYONE),
    ("GET", "/openapi.json"): RouteCase(Guard.ANYONE),
    # Not there without a jar to show it.
    ("GET", "/docs"): RouteCase(Guard.ANYONE),
    ("GET", "/docs/{file}"): RouteCase(Guard.ANYONE),
    # No good ones: these would make somebody.
    ("POST", "/v1/users"): RouteCase(Guard.ANYONE, {}),
    ("POST", "/v1/auth/login"): RouteCase(Guard.ANYONE, {}),
    ("GET", "/v1/me"): RouteCase(Guard.USER),
    ("GET", _WALLET): RouteCase(Guard.OWNER, by_operator=_SEEN),
    ("GET", _WALLET + "/balances/{currency}"): RouteCase(Guard.OWNER, by_operator=_SEEN),
    ("GET", _WALLET + "/limits/{currency}"): RouteCase(Guard.OWNER, by_operator=_SEEN),
    ("GET", _WALLET + "/entries"): RouteCase(Guard.OWNER, by_operator=_SEEN),
    ("GET", _WALLET + "/transfers"): RouteCase(Guard.OWNER, by_operator=_SEEN),
    ("GET", _WALLET + "/holds"): RouteCase(Guard.OWNER, by_operator=_SEEN),
    ("POST", _WALLET + "/deposits"): RouteCase(Guard.OWNER, _MONEY),
    ("POST", _WALLET + "/withdrawals"): RouteCase(Guard.OWNER, _MONEY),
    ("POST", _WALLET + "/transfers"): RouteCase(Guard.OWNER, _PAYMENT),
    ("POST", _WALLET + "/transfers/batch"): RouteCase(
        Guard.OWNER, {"transfers": [{**_PAYMENT, "key": "k"}]}
    ),
    ("POST", _WALLET + "/holds"): RouteCase(Guard.OWNER, _PAYMENT),
    ("GET", "/v1/entries/{hash}"): RouteCase(Guard.OWNER, by_operator=_SEEN),
    ("GET", "/v1/transfers/{transfer_id}"): RouteCase(Guard.OWNER, by_operator=_SEEN),
    ("GET", "/v1/transfers/{transfer_id}/events"): RouteCase(Guard.OWNER, by_operator=_SEEN),
    ("POST", "/v1/transfers/{transfer_id}/cancel"): RouteCase(
        Guard.OWNER, by_operator=(403, "not_payer")
    ),
    # An operator may: the transfer is not completed.
    ("POST", "/v1/transfers/{transfer_id}/refunds"): RouteCase(
        Guard.OWNER, by_operator=(409, "not_completed")
    ),
    ("GET", "/v1/holds/{hold_id}"): RouteCase(Guard.OWNER, by_operator=_SEEN),
    ("POST", "/v1/holds/{hold_id}/capture"): RouteCase(Guard.OWNER, by_operator=(403, "not_party")),
    # An operator may, and must say so rightly.
    ("POST", "/v1/holds/{hold_id}/void"): RouteCase(
        Guard.OWNER, {"reason": ""}, by_operator=(422, "invalid_value")
    ),
    ("POST", "/v1/currencies"): RouteCase(
        Guard.OPERATOR, {"code": "XYZ", "name": "A test", "decimals": 2}
    ),
    ("PUT", _WALLET + "/limits/{currency}"): RouteCase(Guard.OPERATOR, {"daily": "1.00"}),
    ("POST", "/v1/users/{user_id}/freeze"): RouteCase(Guard.OPERATOR, _WHY),
    ("POST", "/v1/users/{user_id}/unfreeze"): RouteCase(Guard.OPERATOR, _WHY),
    ("POST", "/v1/users/{user_id}/close"): RouteCase(Guard.OPERATOR, _WHY),
    ("GET", "/v1/audit-trail"): RouteCase(Guard.OPERATOR),
    ("GET", "/v1/users"): RouteCase(Guard.OPERATOR, query="?email=nobody@example.com"),
}
