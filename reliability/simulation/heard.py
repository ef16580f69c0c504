"""What clients asked for, and what they were told: all that a verdict on a run may go by."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID

from shards.keys import KeyOf


class Kind(StrEnum):
    """What a key is used for."""

    DEPOSIT = "deposit"
    WITHDRAWAL = "withdrawal"
    TRANSFER = "transfer"
    HOLD = "hold"
    CAPTURE = "capture"
    REFUND = "refund"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What was asked for under a key.

    Attributes:
        wallet: whose key it is: who pays.
        payee: None for a movement, and for nobody.
        amount: minor units; None for all that is left.
        of: the hold of a capture, the transfer of a refund.
        is_final: whether the rest of the hold is let go with it.
    """

    kind: Kind
    wallet: UUID
    caller: str
    payee: UUID | None
    amount: int | None
    key: str
    of: UUID | None = None
    is_final: bool = False

    @property
    def key_of(self) -> KeyOf:
        """The key as the rows have it."""
        return KeyOf(self.wallet, self.caller, self.key)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """The row that a client was told of, as it was then; `captured` is that of a hold."""

    asked: Asked
    id: UUID
    status: str
    amount: int
    captured: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitTold:
    """The limit of an account in minor units, None for none, which an operator was told is set."""

    user_id: UUID
    daily: int | None


@dataclass(slots=True)
class Heard:
    """What all clients of a run have asked and heard.

    Attributes:
        told: answers that name a row.
        limits: answers to operators who set limits.
        voids: whether an operator asked for it, of each void of a hold.
        attempts: how often each key was sent.
        refused: how often each key was answered by a no that is not recorded under it.
    """

    told: list[Told] = field(default_factory=list)
    limits: list[LimitTold] = field(default_factory=list)
    voids: defaultdict[UUID, set[bool]] = field(default_factory=lambda: defaultdict(set))
    attempts: Counter[KeyOf] = field(default_factory=Counter)
    refused: Counter[KeyOf] = field(default_factory=Counter)
