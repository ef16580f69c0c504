"""A variant: rules, a scope, and what exploring them must find."""

from dataclasses import dataclass, replace

from reliability.model.explorer import Explored, endings, explore
from reliability.model.invariants import Breach
from reliability.model.rules import Rules
from reliability.model.scope import Pays, Scope
from reliability.model.table import ABSENT, CLOSED, DECLARED, FROZEN, OPEN, STATUSES

_ANY = (OPEN, FROZEN, CLOSED)
_MAY_CLOSE = (OPEN, CLOSED)
_TWO = (Pays(payer=0, payee=1), Pays(payer=0, payee=1))

# One transfer with everything that can happen to it.
ONE = Scope(statuses=(_ANY, _MAY_CLOSE), attacked=True)
# One transfer and nobody who changes status: the shortest stories.
CALM = Scope()
# The same with a Kafka that never loses what it has.
LOSSLESS = replace(CALM, loses=False)
# One wish of a client that repeats itself, with deposits and withdrawals between.
KEYED = Scope(statuses=(_ANY, _MAY_CLOSE), repeats=True, moves_money=True, attacked=True)
# The same, and money for two.
RICH = replace(KEYED, balances=(200, 0))
# The payee was taken on trust and does not exist.
ABSENT_PAYEE = Scope(statuses=(_ANY, (ABSENT,)))
# Two transfers, and money for one.
RACING = Scope(wishes=_TWO, statuses=((OPEN, FROZEN), _MAY_CLOSE))
# Two transfers, and money for both.
TOGETHER = Scope(wishes=_TWO, balances=(200, 0), statuses=((OPEN, FROZEN), _MAY_CLOSE))
# Room for one of two at the payee.
LIMITED = Scope(wishes=_TWO, balances=(200, 0), limit=100)
# Each pays the other.
CIRCLE = Scope(
    wishes=(Pays(payer=0, payee=1), Pays(payer=1, payee=0)),
    balances=(100, 100),
    statuses=(_MAY_CLOSE, _MAY_CLOSE),
)
# Two wishes for one balance by clients that repeat themselves, with deposits and withdrawals.
RACING_KEYED = Scope(wishes=_TWO, statuses=((OPEN,), _MAY_CLOSE), repeats=True, moves_money=True)
# Three wallets that pay round; the third one pays with what it is paid.
ROUND = Scope(
    wishes=(
        Pays(payer=0, payee=1),
        Pays(payer=1, payee=2),
        Pays(payer=2, payee=0),
    ),
    balances=(60, 60, 0),
    statuses=((OPEN,), _MAY_CLOSE, (OPEN,)),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """What is explored, and what must come of it.

    Attributes:
        name: for a person.
        rules: the protocol as it is built, or with one rule broken.
        scope: how much of the world there is.
        rule: which of the ten rules it breaks, or which other part of the design.
        breach: what must be found; None when it must hold.
        never: statuses that this scope cannot reach.
        large: whether it is left to `make model` and the slow tests.
    """

    name: str
    rules: type[Rules]
    scope: Scope
    rule: str = ""
    breach: Breach | None = None
    never: frozenset[str] = frozenset()
    large: bool = False

    def explore(self) -> Explored:
        """Explores it."""
        return explore(self.rules(self.scope))

    def objection(self, explored: Explored) -> str:
        """What is not as it must be; empty when all is."""
        if self.breach is not None:
            if explored.found is None:
                return f"nobody noticed; it must be caught as: {self.breach}"
            is_meant = explored.found.breach is self.breach
            return "" if is_meant else f"caught as something else than: {self.breach}"
        if explored.found is not None:
            return "it must hold"
        return _vacuity(explored, never=self.never)


def _vacuity(explored: Explored, *, never: frozenset[str]) -> str:
    """A search that reaches nothing finds nothing."""
    missing = STATUSES - never - endings(explored.taken)
    if missing:
        return f"never reached: {', '.join(sorted(missing))}"
    undeclared = explored.taken - DECLARED
    if undeclared:
        return f"taken, and not declared: {sorted(undeclared)}"
    return ""
