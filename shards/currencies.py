"""Currencies: the number of digits of an amount, which never changes.

Each lives once, on the shard of hash(code). Disabling one stops new tries, never a confirm.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from shards.connection import Connection
from shards.statements import load_statements

_SQL = load_statements("currencies")


@dataclass(frozen=True, slots=True)
class Currency:
    """A currency: ISO 4217 code or a coin's ticker, and its digits after the point (0 to 18)."""

    code: str
    name: str
    decimals: int
    enabled: bool = True


# Digits of the first five: ISO 4217 minor units; of the coins: what their networks count in.
SEEDED = (
    Currency("USD", "US Dollar", 2),
    Currency("EUR", "Euro", 2),
    Currency("GBP", "Pound Sterling", 2),
    Currency("JPY", "Yen", 0),
    Currency("KWD", "Kuwaiti Dinar", 3),
    Currency("BTC", "Bitcoin", 8),
    Currency("USDC", "USD Coin", 6),
    Currency("ETH", "Ether", 18),
)


async def create_currencies(conn: Connection, currencies: Sequence[Currency]) -> None:
    """Inserts currencies; those that are there stay as they are."""
    await conn.execute(
        _SQL["create_currencies"],
        [currency.code for currency in currencies],
        [currency.name for currency in currencies],
        [currency.decimals for currency in currencies],
    )


async def create_currency(conn: Connection, currency: Currency) -> bool:
    """Inserts a currency; False when its code is taken, by a transaction that has committed."""
    return (
        await conn.fetchval(
            _SQL["create_currency"],
            currency.code,
            currency.name,
            currency.decimals,
            currency.enabled,
        )
        is not None
    )


async def lock_currency(conn: Connection, code: str) -> Currency:
    """A currency that is there, locked to the end of the transaction."""
    row = await conn.fetchrow(_SQL["lock_currency"], code)
    assert row is not None, "currencies are never deleted"
    return Currency(*row)


async def change_currency(conn: Connection, currency: Currency) -> None:
    """Writes name and enabled of a locked currency; its decimals never change."""
    await conn.execute(_SQL["change_currency"], currency.code, currency.name, currency.enabled)


async def find_currencies(conn: Connection, codes: Collection[str]) -> dict[str, Currency]:
    """Those of these upper-case codes that have a row on this shard."""
    rows = await conn.fetch(_SQL["find_currencies"], list(codes))
    return {currency.code: currency for currency in (Currency(*row) for row in rows)}


async def read_currencies(conn: Connection) -> list[Currency]:
    """All currencies whose row is on this shard, by code."""
    return [Currency(*row) for row in await conn.fetch(_SQL["read_currencies"])]
