"""What is wrong with one link now, as its connections look it up."""

from dataclasses import dataclass, field

UP = "up"
DOWN = "down"


@dataclass(slots=True, kw_only=True)
class LinkFaults:
    """The faults and the counters of one link; its connections share it.

    Attributes:
        held: the directions in which nothing goes through.
        late: whether what is held goes through once it is healed.
        delay_s: how long every byte takes.
        jitter_s: how much longer at the most.
        commits_to_lose: replies to COMMIT that are still to be dropped.
        orders: how often that number was ordered; what is given back is of the last order only.
        connections: accepted so far.
        commits_unknown: replies to COMMIT that were dropped.
    """

    held: set[str] = field(default_factory=set)
    late: bool = False
    delay_s: float = 0.0
    jitter_s: float = 0.0
    commits_to_lose: int = 0
    orders: int = 0
    connections: int = 0
    commits_unknown: int = 0

    def lose_commits(self, count: int) -> None:
        """Orders the loss of so many replies, instead of what was ordered before."""
        self.commits_to_lose = count
        self.orders += 1
