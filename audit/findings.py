"""Gathers what the tasks of one audit find, check by check."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from audit.reader import Row, UnreadableError
from audit.report import BREACHES_MAX, Breach, Check, Unaudited


@dataclass(slots=True)
class _Tally:
    says: str
    rows: int = 0
    breaches: list[Breach] = field(default_factory=list)
    more: bool = False


class Findings:
    """The checks of one audit and what was found so far; all its tasks write here."""

    def __init__(self) -> None:
        self._tallies: dict[str, _Tally] = {}
        self._unaudited: dict[str, Unaudited] = {}

    def declare(self, name: str, says: str) -> None:
        """Puts a check into the report, also if it finds nothing."""
        self._tallies[name] = _Tally(says)

    def examined(self, name: str, rows: int) -> None:
        """Counts rows that a check has looked at."""
        self._tallies[name].rows += rows

    def found(self, name: str, shard: str, rows: Sequence[Row]) -> None:
        """Adds breaches from rows of (ids, detail)."""
        for row in rows:
            self.breach(name, Breach(shard, tuple(row["ids"]), row["detail"]))

    def breach(self, name: str, breach: Breach) -> None:
        """Adds a breach, unless its shard has shown enough of this kind."""
        tally = self._tallies[name]
        if sum(known.shard == breach.shard for known in tally.breaches) < BREACHES_MAX:
            tally.breaches.append(breach)
        else:
            tally.more = True

    def lose(self, error: UnreadableError) -> None:
        """Notes that a shard does not answer; what first went wrong with it is kept."""
        self._unaudited.setdefault(error.shard, Unaudited(error.shard, error.detail))

    def is_lost(self, shard: str) -> bool:
        """Whether a shard has stopped to answer."""
        return shard in self._unaudited

    @property
    def unaudited(self) -> tuple[Unaudited, ...]:
        """The shards that could not be read to the end, by name."""
        return tuple(self._unaudited[name] for name in sorted(self._unaudited))

    @property
    def checks(self) -> tuple[Check, ...]:
        """All checks in the order they were declared in."""
        return tuple(
            Check(
                name=name,
                says=tally.says,
                rows=tally.rows,
                breaches=tuple(tally.breaches),
                more=tally.more,
            )
            for name, tally in self._tallies.items()
        )
