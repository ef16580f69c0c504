"""What is asked for: many requests at once for the money of one account."""

import random
from dataclasses import dataclass
from enum import StrEnum

AMOUNT_MINOR = 1_000
CURRENCY = "EUR"
DECIMALS = 2
_TRANSFERS = 1 / 3


class Request(StrEnum):
    """What one request asks for; each is of AMOUNT_MINOR."""

    WITHDRAWAL = "withdrawal"
    TRANSFER = "transfer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A burst.

    Attributes:
        requests: all sent at once.
        affordable: the account has money for so many of them.
        connections: of each database, so that so many requests are really under way at once.
    """

    requests: tuple[Request, ...]
    affordable: int
    connections: int

    @property
    def deposited(self) -> int:
        """What the account has before, in minor units."""
        return self.affordable * AMOUNT_MINOR


def make_plan(*, seed: int, requests: int, affordable: int, connections: int) -> Plan:
    """The burst of a seed: about a third of it are transfers, the rest withdrawals."""
    rng = random.Random(seed)
    return Plan(
        requests=tuple(
            Request.TRANSFER if rng.random() < _TRANSFERS else Request.WITHDRAWAL
            for _ in range(requests)
        ),
        affordable=affordable,
        connections=connections,
    )
