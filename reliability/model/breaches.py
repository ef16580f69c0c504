"""What can be wrong."""

from enum import StrEnum
from typing import NamedTuple


class Breach(StrEnum):
    """What can be wrong."""

    MONEY = "money is made or lost"
    OVERDRAFT = "held is negative or more than the balance"
    HELD = "held is not what open transfers and holds reserve"
    OUTCOME = "a transfer's entries are not those of one outcome"
    CAPTURED = "captured is not what captures took, or more than was held"
    REFUNDED = "refunded is not what refunds have taken"
    OVER_CAP = "more is refunded than was sent"
    SPENT = "spent is not what the day's rows take"
    OVER_LIMIT = "more is spent on a day than its limit"
    KEY = "a key has two effects or two answers"
    ENDED = "what was over changes"
    FORBIDDEN = "a step does what it had to refuse"
    STRANDED = "a transfer or a hold can never end"


class Found(NamedTuple):
    """A breach, with its figures."""

    breach: Breach
    detail: str
