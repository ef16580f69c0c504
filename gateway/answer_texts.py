"""What the texts in answers look like, for the document: JSON Schema beside the type."""

from collections.abc import Iterable
from typing import Annotated

from pydantic import WithJsonSchema

from gateway.money import AMOUNT_PATTERN
from sagas.states import Status
from shards.book_rows import EntryKind
from shards.holds import LISTED_HOLDS
from shards.users import UserStatus


def _matching(pattern: str, example: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "pattern": f"^{pattern}$", "examples": [example]})


def _one_of(values: Iterable[object]) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "enum": [str(value) for value in values]})


# Major units with exactly the digits of the currency.
AmountText = Annotated[str, _matching(AMOUNT_PATTERN, "12.50")]
SignedAmountText = Annotated[str, _matching(f"-?{AMOUNT_PATTERN}", "-12.50")]
CodeText = Annotated[str, _matching("[A-Z0-9]{3,10}", "EUR")]
HashText = Annotated[str, _matching("[0-9a-f]{64}", "00" * 32)]
TimeText = Annotated[str, WithJsonSchema({"type": "string", "format": "date-time"})]
StatusText = Annotated[str, _one_of(Status)]
UserStatusText = Annotated[str, _one_of(UserStatus)]
HoldStatusText = Annotated[str, _one_of(LISTED_HOLDS)]
EntryKindText = Annotated[str, _one_of(EntryKind)]
