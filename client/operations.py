"""Every operation of the API: method, path, and what makes a repeat of it safe."""

from dataclasses import dataclass
from enum import Enum, auto
from typing import Final


class Repeat(Enum):
    """What makes it safe to send a request again."""

    READS = auto()
    """It changes nothing."""

    ONCE = auto()
    """It changes something, and a repeat changes nothing more."""

    KEYED = auto()
    """Its idempotency key: one for the whole of it, or one for each item of a batch."""

    LOOK = auto()
    """Nothing does: a repeat may find that the first one has happened."""


@dataclass(frozen=True, slots=True)
class Operation:
    """A method and the pattern of a path, in the contract's words."""

    method: str
    pattern: str
    repeat: Repeat


def _reads(pattern: str) -> Operation:
    return Operation("GET", pattern, Repeat.READS)


def _keyed(pattern: str) -> Operation:
    return Operation("POST", pattern, Repeat.KEYED)


def _once(method: str, pattern: str) -> Operation:
    return Operation(method, pattern, Repeat.ONCE)


HEALTH: Final = _reads("/health")
READY: Final = _reads("/ready")

REGISTER: Final = Operation("POST", "/v1/users", Repeat.LOOK)
LOGIN: Final = Operation("POST", "/v1/auth/login", Repeat.READS)
ME: Final = _reads("/v1/me")

LIST_CURRENCIES: Final = _reads("/v1/currencies")
GET_CURRENCY: Final = _reads("/v1/currencies/{code}")
PUT_CURRENCY: Final = _once("POST", "/v1/currencies")

GET_WALLET: Final = _reads("/v1/wallets/{user_id}")
GET_BALANCE: Final = _reads("/v1/wallets/{user_id}/balances/{currency}")
DEPOSIT: Final = _keyed("/v1/wallets/{user_id}/deposits")
WITHDRAW: Final = _keyed("/v1/wallets/{user_id}/withdrawals")
GET_LIMIT: Final = _reads("/v1/wallets/{user_id}/limits/{currency}")
SET_LIMIT: Final = _once("PUT", "/v1/wallets/{user_id}/limits/{currency}")
LIST_ENTRIES: Final = _reads("/v1/wallets/{user_id}/entries")
GET_ENTRY: Final = _reads("/v1/entries/{hash}")

CREATE_TRANSFER: Final = _keyed("/v1/wallets/{user_id}/transfers")
CREATE_BATCH: Final = _keyed("/v1/wallets/{user_id}/transfers/batch")
LIST_TRANSFERS: Final = _reads("/v1/wallets/{user_id}/transfers")
GET_TRANSFER: Final = _reads("/v1/transfers/{transfer_id}")
FOLLOW_TRANSFER: Final = _reads("/v1/transfers/{transfer_id}/events")
CANCEL: Final = _once("POST", "/v1/transfers/{transfer_id}/cancel")
REFUND: Final = _keyed("/v1/transfers/{transfer_id}/refunds")

CREATE_HOLD: Final = _keyed("/v1/wallets/{user_id}/holds")
LIST_HOLDS: Final = _reads("/v1/wallets/{user_id}/holds")
GET_HOLD: Final = _reads("/v1/holds/{hold_id}")
CAPTURE: Final = _keyed("/v1/holds/{hold_id}/capture")
VOID: Final = _once("POST", "/v1/holds/{hold_id}/void")

FIND_USERS: Final = _reads("/v1/users")
FREEZE: Final = _once("POST", "/v1/users/{user_id}/freeze")
UNFREEZE: Final = _once("POST", "/v1/users/{user_id}/unfreeze")
CLOSE: Final = _once("POST", "/v1/users/{user_id}/close")
LIST_ACTS: Final = _reads("/v1/audit-trail")

OPERATIONS: Final[tuple[Operation, ...]] = tuple(
    value for value in list(globals().values()) if isinstance(value, Operation)
)
