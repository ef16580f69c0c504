"""Breadth first through everything that can happen, so that what is found has a shortest story."""

from dataclasses import dataclass, field

from reliability.model.breaches import Breach, Found
from reliability.model.invariants import is_clean_end, wrong_with_state, wrong_with_step
from reliability.model.rules import Rules
from reliability.model.state import Move, World
from reliability.model.table import HOLD, TRANSFER, Taken

STATES_MAX = 3_000_000


class TooManyStatesError(Exception):
    """The scope is too large to be explored: make it smaller."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Explored:
    """What exploring found.

    Attributes:
        states: how many different states were seen, until a breach if there is one.
        moves: how many moves between them.
        found: the breach, if any.
        story: the shortest way to the breach.
        taken: all transitions of transfers and holds that happened.
        seen: all kinds of moves that happened.
    """

    states: int
    moves: int
    found: Found | None
    story: tuple[str, ...]
    taken: frozenset[Taken]
    seen: frozenset[str]


def explore(rules: Rules) -> Explored:
    """Every reachable state under the rules, or the first breach.

    Raises:
        TooManyStatesError: there are more than `STATES_MAX`.
    """
    return _Exploration(rules).run()


@dataclass(slots=True)
class _Exploration:
    rules: Rules
    worlds: list[World] = field(default_factory=list)
    index_of: dict[World, int] = field(default_factory=dict)
    # How each state was first reached: the state before it, and the move as a person reads it.
    reached_by: list[tuple[int, int, str]] = field(default_factory=list)
    # For each state, the states from which the system gets there by itself.
    own_before: list[list[int]] = field(default_factory=list)
    taken: set[Taken] = field(default_factory=set)
    seen: set[str] = field(default_factory=set)
    moves: int = 0

    def run(self) -> Explored:
        beginning = self.rules.scope.beginning()
        self._add(beginning, (-1, -1, ""))
        current = 0
        while current < len(self.worlds):
            for move in self.rules.moves(self.worlds[current]):
                found = self._make(current, move)
                if found is not None:
                    return self._explored(found, current, move)
            current += 1
        stranded = self._first_stranded()
        if stranded is None:
            return self._explored(None, 0, None)
        world = self.worlds[stranded]
        statuses = [*(t.status for t in world.transfers), *(h.status for h in world.holds)]
        told = ", ".join(status or "not there" for status in statuses)
        detail = f"no way to an end from here: {told}"
        return self._explored(Found(Breach.STRANDED, detail), stranded, None)

    def _make(self, current: int, move: Move) -> Found | None:
        self.moves += 1
        self.seen.add(move.what)
        before = self.worlds[current]
        found = wrong_with_step(self.rules.scope, before, move)
        if found is not None:
            return found
        self._remember_transitions(before, move)
        index = self.index_of.get(move.world)
        if index is None:
            found = wrong_with_state(self.rules.scope, move.world)
            if found is not None:
                return found
            index = self._add(move.world, (current, move.transfer, move.what))
        if move.own:
            self.own_before[index].append(current)
        return None

    def _add(self, world: World, by: tuple[int, int, str]) -> int:
        index = len(self.worlds)
        if index >= STATES_MAX:
            raise TooManyStatesError(f"more than {STATES_MAX:,} states")
        self.worlds.append(world)
        self.index_of[world] = index
        self.reached_by.append(by)
        self.own_before.append([])
        return index

    def _remember_transitions(self, before: World, move: Move) -> None:
        for old, new in zip(before.transfers, move.world.transfers, strict=True):
            if old is not new and old.status != new.status:
                taken = Taken(TRANSFER, old.status, new.status, move.step, move.reason)
                self.taken.add(taken)
        if before.holds is not move.world.holds:
            for hold, after in zip(before.holds, move.world.holds, strict=True):
                if hold.status != after.status:
                    self.taken.add(Taken(HOLD, hold.status, after.status, move.step, move.reason))

    def _first_stranded(self) -> int | None:
        """The first state from which the system alone gets to no clean end."""
        can_end = [is_clean_end(world) for world in self.worlds]
        todo = [index for index, can in enumerate(can_end) if can]
        while todo:
            for before in self.own_before[todo.pop()]:
                if not can_end[before]:
                    can_end[before] = True
                    todo.append(before)
        return next((index for index, can in enumerate(can_end) if not can), None)

    def _explored(self, found: Found | None, last: int, move: Move | None) -> Explored:
        story = self._story(last) if found is not None else []
        if move is not None:
            story.append(_told(move.transfer, move.what))
        return Explored(
            states=len(self.worlds),
            moves=self.moves,
            found=found,
            story=tuple(story),
            taken=frozenset(self.taken),
            seen=frozenset(self.seen),
        )

    def _story(self, index: int) -> list[str]:
        story = []
        while index > 0:
            index, transfer, what = self.reached_by[index]
            story.append(_told(transfer, what))
        return story[::-1]


def _told(transfer: int, what: str) -> str:
    return what if transfer < 0 else f"transfer {transfer + 1}: {what}"


def endings(taken: frozenset[Taken], row: str) -> frozenset[str]:
    """The statuses that rows of this kind reached."""
    return frozenset(t.after for t in taken if t.row == row)
