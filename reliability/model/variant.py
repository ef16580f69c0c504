"""A variant: rules, a scope, and what exploring them must find."""

from dataclasses import dataclass, replace

from reliability.model.breaches import Breach
from reliability.model.explorer import Explored, endings, explore
from reliability.model.rules import Rules
from reliability.model.scope import Captures, Pays, Refunds, Scope
from reliability.model.table import (
    ABSENT,
    CLOSED,
    DECLARED,
    FROZEN,
    HOLD,
    HOLD_STATUSES,
    OPEN,
    STATUSES,
    TRANSFER,
)

_ANY = (OPEN, FROZEN, CLOSED)
_MAY_CLOSE = (OPEN, CLOSED)
_MAY_FREEZE = (OPEN, FROZEN)
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
RACING = Scope(wishes=_TWO, statuses=(_MAY_FREEZE, _MAY_CLOSE))
# Two transfers, and money for both.
TOGETHER = Scope(wishes=_TWO, balances=(200, 0), statuses=(_MAY_FREEZE, _MAY_CLOSE))
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

_HOLD = (Pays(payer=0, payee=1),)
_SENT = Pays(payer=0, payee=1, amount=100, is_done=True)
_NO_LIMIT = (None,)

# One hold and a capture of a part of it, the last one, with everything that can happen to them.
ONE_HOLD = Scope(
    holds=_HOLD,
    wishes=(Captures(amount=40, final=True),),
    statuses=(_ANY, _MAY_CLOSE),
    attacked=True,
)
# The same by clients that repeat themselves, with deposits and withdrawals.
HOLD_KEYED = replace(ONE_HOLD, repeats=True, moves_money=True)
# The payee of a hold was taken on trust and does not exist.
HOLD_ABSENT = replace(ONE_HOLD, statuses=(_ANY, (ABSENT,)))
# Captures that do not all fit into the hold; one gives up the rest, one leaves it.
CAPTURING = Scope(
    holds=_HOLD,
    wishes=(Captures(amount=40), Captures(amount=40, final=True), Captures(amount=20)),
    statuses=(_MAY_FREEZE, _MAY_CLOSE),
)
# Two captures of which the hold has room for one, and nothing else that ends it.
TWICE = Scope(
    holds=_HOLD,
    wishes=(Captures(amount=40), Captures(amount=40)),
    voids=False,
    expires=False,
)
# A hold and a transfer, and money for one.
BESIDE = Scope(
    holds=_HOLD,
    wishes=(Captures(amount=60), Pays(payer=0, payee=1)),
    statuses=(_MAY_FREEZE, _MAY_CLOSE),
)
# Two refunds of one transfer, and room for one under its cap.
REFUNDING = Scope(
    wishes=(_SENT, Refunds(), Refunds()),
    balances=(0, 200),
    statuses=(_MAY_CLOSE, _MAY_FREEZE),
)
# Two refunds of one transfer, and room for both.
REFUNDING_TWICE = replace(REFUNDING, wishes=(_SENT, Refunds(), Refunds(amount=40)), loses=False)
# A transfer with everything that can happen to it, and its refund.
REFUNDED_LATER = Scope(
    wishes=(Pays(payer=0, payee=1), Refunds()),
    balances=(100, 60),
    statuses=(_MAY_CLOSE, _MAY_CLOSE),
    attacked=True,
)
# One refund by clients that repeat themselves.
REFUND_KEYED = Scope(
    wishes=(_SENT, Refunds()), balances=(0, 100), statuses=(_MAY_CLOSE, _ANY), repeats=True
)
# Two transfers, money for both, and a day that has room for one.
DAYS = Scope(
    wishes=_TWO,
    balances=(200, 0),
    statuses=((OPEN,), _MAY_CLOSE),
    limits=((100,), _NO_LIMIT),
    days=1,
    loses=False,
)
# The same with a Kafka that loses, and a payer that may be frozen.
LONG_DAYS = replace(DAYS, statuses=(_MAY_FREEZE, _MAY_CLOSE), loses=True)
# The same two with a limit that may be lowered, and a clock that may be set back.
LIMIT_CHANGES = replace(
    DAYS, statuses=((OPEN,), (OPEN,)), limits=((100, 50), _NO_LIMIT), turns_back=True
)
# Holds alone, limits that change, and a clock that goes both ways.
LIMITS = Scope(
    holds=_HOLD * 3,
    wishes=(),
    balances=(200, 0),
    limits=((100, 50, None), _NO_LIMIT),
    days=2,
    turns_back=True,
    expires=False,
)
# The same with two, which may be read without locks.
TWO_LIMITED = replace(LIMITS, holds=_HOLD * 2)
# Captures on one day of a hold of another, some of which come back.
HOLD_DAYS = Scope(
    holds=_HOLD,
    wishes=(Captures(amount=40), Captures(amount=20)),
    statuses=((OPEN,), _MAY_CLOSE),
    limits=((100,), _NO_LIMIT),
    days=1,
    turns_back=True,
)
# A hold, its capture, and the refund of that, each counted.
CHAIN = Scope(
    holds=_HOLD,
    wishes=(Captures(amount=40, final=True), Refunds(amount=40)),
    statuses=(_MAY_CLOSE, _MAY_FREEZE),
    limits=((60,), (40,)),
    days=1,
)
# The same with two captures, one of which is refunded, and a Kafka that never loses.
LONG_CHAIN = replace(
    CHAIN, wishes=(Captures(amount=40), Captures(amount=20), Refunds(amount=40)), loses=False
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
        never: statuses that transfers cannot reach in this scope.
        never_holds: the same of holds, where the scope has any.
        large: whether it is left to `make model` and the slow tests.
    """

    name: str
    rules: type[Rules]
    scope: Scope
    rule: str = ""
    breach: Breach | None = None
    never: frozenset[str] = frozenset()
    never_holds: frozenset[str] = frozenset()
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
        return self._vacuity(explored)

    def _vacuity(self, explored: Explored) -> str:
        """A search that reaches nothing finds nothing."""
        missing = STATUSES - self.never - endings(explored.taken, TRANSFER)
        if missing:
            return f"never reached: {', '.join(sorted(missing))}"
        missing = HOLD_STATUSES - self.never_holds - endings(explored.taken, HOLD)
        if missing and self.scope.holds:
            return f"never reached by holds: {', '.join(sorted(missing))}"
        undeclared = explored.taken - DECLARED
        return f"taken, and not declared: {sorted(undeclared)}" if undeclared else ""
