"""The currencies every system begins with."""

import re
from dataclasses import fields

from shards.currencies import SEEDED, Currency


def test_a_code_is_seeded_once():
    assert len({currency.code for currency in SEEDED}) == len(SEEDED)


def test_seeded_currencies_fit_the_schema():
    for currency in SEEDED:
        assert re.fullmatch("[A-Z0-9]{3,10}", currency.code)
        assert 0 <= currency.decimals <= 18
        assert currency.enabled


def test_digits_never_change():
    digits = {currency.code: currency.decimals for currency in SEEDED}

    assert digits == {
        "USD": 2,
        "EUR": 2,
        "GBP": 2,
        "JPY": 0,
        "KWD": 3,
        "BTC": 8,
        "USDC": 6,
        "ETH": 18,
    }


def test_fields_are_in_the_order_of_the_columns_that_are_read():
    assert [field.name for field in fields(Currency)] == ["code", "name", "decimals", "enabled"]
