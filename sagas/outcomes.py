"""What a step says of each item it was given."""

from dataclasses import dataclass
from enum import Enum
from typing import Literal


class Skip(Enum):
    """The one value `SKIPPED`."""

    SKIPPED = "skipped"


# Its user's row is locked by somebody else: run it again, alone, waiting for the lock.
SKIPPED = Skip.SKIPPED
Skipped = Literal[Skip.SKIPPED]


@dataclass(frozen=True, slots=True)
class SetAside:
    """The item asks for what cannot be: a dead letter, with `reason` as a short constant."""

    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class Failed:
    """The item was given up; nothing is known to have happened. `error` tells why."""

    error: Exception
