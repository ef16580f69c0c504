"""What the demo will do, made from a seed before anything is sent."""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto

CURRENCIES = ("EUR", "JPY", "BTC")
"""Two decimals, none, and eight."""

# A first deposit per user and currency is 500 to 1,500 of these, in minor units.
_UNITS = {"EUR": 100, "JPY": 100, "BTC": 100_000}

_TOO_MUCH = 0.02
_REPEATED = 0.03
_CANCELLED = 0.02
_CANCELLED_LATE = 0.01


class Kind(Enum):
    """What is special about a transfer."""

    ORDINARY = auto()
    TOO_MUCH = auto()
    """More than there is in the whole demo: refused, whatever happened before."""
    REPEATED = auto()
    """Sent a second time with the same key."""
    CANCELLED = auto()
    """Cancelled as soon as it is accepted: in time or not, both are right."""
    CANCELLED_LATE = auto()
    """Cancelled when it is over: always too late."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedTransfer:
    """One transfer; users are numbers, the amount is minor units."""

    number: int
    payer: int
    payee: int
    currency: str
    amount: int
    kind: Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """All of it. `deposits` is by user and currency, in minor units."""

    users: int
    deposits: Mapping[tuple[int, str], int]
    transfers: tuple[PlannedTransfer, ...]


def make_plan(*, seed: int, users: int, transfers: int) -> Plan:
    """The plan of this seed: the same one every time.

    Args:
        seed: any number.
        users: 2 or more.
        transfers: 0 or more; from 100 on, each kind is among them.
    """
    rng = random.Random(seed)
    deposits = {
        (user, currency): rng.randrange(500, 1_501) * _UNITS[currency]
        for user in range(users)
        for currency in CURRENCIES
    }
    kinds = _kinds(rng, transfers)
    return Plan(
        users=users,
        deposits=deposits,
        transfers=tuple(
            _transfer(rng, number, kinds[number], users, deposits) for number in range(transfers)
        ),
    )


def _kinds(rng: random.Random, transfers: int) -> list[Kind]:
    shares = {
        Kind.TOO_MUCH: _TOO_MUCH,
        Kind.REPEATED: _REPEATED,
        Kind.CANCELLED: _CANCELLED,
        Kind.CANCELLED_LATE: _CANCELLED_LATE,
    }
    special = [kind for kind, share in shares.items() for _ in range(int(transfers * share))]
    kinds = special + [Kind.ORDINARY] * (transfers - len(special))
    rng.shuffle(kinds)
    return kinds


def _transfer(
    rng: random.Random,
    number: int,
    kind: Kind,
    users: int,
    deposits: Mapping[tuple[int, str], int],
) -> PlannedTransfer:
    payer, payee = rng.sample(range(users), 2)
    currency = rng.choice(CURRENCIES)
    # A fifth of a deposit at the most: after a while some users run short.
    amount = rng.randrange(1, deposits[payer, currency] // 5)
    if kind is Kind.TOO_MUCH:
        amount = 1 + sum(
            deposited
            for (_, deposited_in), deposited in deposits.items()
            if deposited_in == currency
        )
    return PlannedTransfer(
        number=number, payer=payer, payee=payee, currency=currency, amount=amount, kind=kind
    )
