"""All scenarios: each step with locks and without locks first, as far as there are both."""

from dataclasses import replace

from reliability.crashpoints.hold_scenarios import HOLDS
from reliability.crashpoints.limit_scenarios import LIMITS
from reliability.crashpoints.refund_scenarios import REFUNDS
from reliability.crashpoints.scenario import TRANSACTION, Scenario
from reliability.crashpoints.transfer_scenarios import TRANSFERS
from reliability.crashpoints.user_scenarios import USERS

# A payee that does not exist has no row that could be as it was; redrive takes no locks; and what
# ends a hold or leaves an act always takes them.
_ALWAYS_LOCKED = {
    "confirm-refuses",
    "handed-over-refuses",
    "capture-returned",
    "void",
    "void-by-operator",
    "hold-expiry",
    "set-limit",
    "freeze",
    "close",
}
# Steps of holds and refunds go the ways of tries, confirms and cancels: of two that write the same
# rows one is taken with locks, and the other without.
_ONLY_LOCKED = {"capture-final", "refund-cancelled"}
_ONLY_UNLOCKED = {
    "hold",
    "capture",
    "refund",
    "refund-handed-over",
    "refund-returned",
    "try-limited",
}
_ALL = (*TRANSFERS, *HOLDS, *REFUNDS, *LIMITS, *USERS)


def _unlocked(scenario: Scenario) -> Scenario:
    return replace(scenario, name=f"{scenario.name}-unlocked", is_unlocked=True)


SCENARIOS = (
    *(scenario for scenario in _ALL if scenario.name not in _ONLY_UNLOCKED),
    *(
        _unlocked(scenario)
        for scenario in _ALL
        if scenario.kinds >= TRANSACTION and scenario.name not in _ALWAYS_LOCKED | _ONLY_LOCKED
    ),
)
BY_NAME = {scenario.name: scenario for scenario in SCENARIOS}
