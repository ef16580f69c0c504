"""A user's events as they are replayed, and what is said of those that do not fit."""

from typing import NamedTuple

from reliability.checker.invariants import Invariant


class Event(NamedTuple):
    """An event as it was written, with the entry that it must have made, if it made one.

    Attributes:
        hold: that is told of, or that a transfer is a capture of.
        refund_of: the transfer that a refund gives back.
        captured: of a hold.
        reason: why it was refused.
        daily: of a spending limit that was set; None is no limit.
    """

    sequence: int
    transaction: str
    type: str
    source: str
    currency: str
    amount: int
    entry_seq: int | None
    entry_amount: int | None
    balance_after: int | None
    hold: str | None = None
    refund_of: str | None = None
    captured: int = 0
    reason: str | None = None
    daily: int | None = None

    @property
    def name(self) -> str:
        """As it is told of."""
        return f"event {self.sequence} ({self.type} of {self.source})"


class Fault(NamedTuple):
    """An event that does not fit the ones before it."""

    invariant: Invariant
    subject: str
    told: str
