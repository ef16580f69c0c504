"""Codes that several operations have, in groups; what each is, is in `gateway.problems`."""

from typing import Final

AMOUNT: Final = (
    "amount_not_string",
    "amount_malformed",
    "amount_not_positive",
    "amount_too_large",
    "too_precise",
)
# Of a body that names a currency, too.
MONEY: Final = (*AMOUNT, "unknown_currency", "currency_disabled")
# What is said of who pays.
PAYER: Final = ("insufficient_funds", "limit_exceeded", "payer_frozen", "payer_closed")
PAYEE: Final = ("unknown_payee", "payee_closed", "self_transfer")
# More transfers than a payer or its shard may have under way.
UNDER_WAY: Final = ("too_many_open", "too_much_in_flight")
# Of what writes, and is not told whether it did.
WRITE: Final = ("commit_unknown",)
