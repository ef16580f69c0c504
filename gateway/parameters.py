"""The parameters of queries: their names, and what may be in them. `gateway.query` reads them."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from gateway.emails import EMAIL_LENGTH_MAX, EMAIL_LENGTH_MIN
from gateway.path_ids import CURRENCY_PATTERN
from sagas.states import Status
from shards.book_rows import EntryKind
from shards.holds import LISTED_HOLDS
from shards.records import record

LIMIT_MAX: Final = 100
LIMIT_DEFAULT: Final = 10


class Direction(StrEnum):
    """A transfer as its wallet's owner sees it."""

    OUT = "out"
    IN = "in"


@record
class Parameter:
    """One parameter: `schema` is JSON Schema, of the text as a client writes it."""

    name: str
    says: str
    schema: Mapping[str, object]
    required: bool = False


_TIME = {"type": "string", "format": "date-time"}

AT = Parameter(name="at", says="The balance as it was then; not in the future.", schema=_TIME)
CURRENCY = Parameter(
    name="currency",
    says="Only entries in this currency.",
    schema={"type": "string", "pattern": f"^{CURRENCY_PATTERN}$", "examples": ["EUR"]},
)
KIND = Parameter(
    name="kind",
    says="Only entries of this kind.",
    schema={"type": "string", "enum": [str(kind) for kind in EntryKind]},
)
SINCE = Parameter(name="since", says="Only entries of this time or later.", schema=_TIME)
UNTIL = Parameter(name="until", says="Only entries before this time.", schema=_TIME)
DIRECTION = Parameter(
    name="direction",
    says="Only what the wallet has sent (`out`), or what it was sent (`in`).",
    schema={"type": "string", "enum": [str(direction) for direction in Direction]},
)
STATUS = Parameter(
    name="status",
    says="Only transfers with this status.",
    schema={"type": "string", "enum": [str(status) for status in Status]},
)
HOLD_STATUS = Parameter(
    name="status",
    says="Only holds with this status.",
    schema={"type": "string", "enum": [str(status) for status in LISTED_HOLDS]},
)
EMAIL = Parameter(
    name="email",
    says="The user with this e-mail.",
    schema={
        "type": "string",
        "minLength": EMAIL_LENGTH_MIN,
        "maxLength": EMAIL_LENGTH_MAX,
        "examples": ["bob@example.com"],
    },
    required=True,
)
TARGET = Parameter(
    name="target",
    says="Only acts on the row with this id.",
    schema={"type": "string", "format": "uuid"},
)
LIMIT = Parameter(
    name="limit",
    says="So many at the most.",
    schema={"type": "integer", "minimum": 1, "maximum": LIMIT_MAX, "default": LIMIT_DEFAULT},
)
CURSOR = Parameter(
    name="cursor",
    says="The `next_cursor` of the page before, with the same filters.",
    schema={"type": "string"},
)

ENTRIES: Final = (CURRENCY, KIND, SINCE, UNTIL, LIMIT, CURSOR)
TRANSFERS: Final = (DIRECTION, STATUS, LIMIT, CURSOR)
HOLDS: Final = (HOLD_STATUS, LIMIT, CURSOR)
TRAIL: Final = (TARGET, LIMIT, CURSOR)
BALANCE: Final = (AT,)
USERS: Final = (EMAIL,)
