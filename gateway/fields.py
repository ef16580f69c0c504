"""What single fields of request bodies may hold, and what they come out as.

Amounts are read in the currency whose digits are the context of the validation; see
`gateway.schemas`.
"""

from typing import Annotated, Final
from uuid import UUID

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PlainValidator,
    ValidationInfo,
    WithJsonSchema,
)
from pydantic_core import PydanticCustomError

from gateway.emails import EMAIL_LENGTH_MAX, EMAIL_LENGTH_MIN, parse_email
from gateway.money import AMOUNT_PATTERN, AmountError, Rounding, check_spelling, parse_amount
from gateway.path_ids import CURRENCY_PATTERN, parse_currency_code, parse_uuid
from shards.operator_acts import NO_REASON, is_one_line

EXPIRY_SECONDS_MAX: Final = 604_800
LINE_LENGTH_MAX: Final = 1_000
DECIMALS_MAX: Final = 18


def _without_nul(text: str) -> str:
    if "\0" in text:
        raise PydanticCustomError("invalid_value", "U+0000 is not allowed in a string")
    return text


def _one_line(text: str) -> str:
    if not text.strip() or not is_one_line(text):
        raise PydanticCustomError("invalid_value", "Must be one line of text that can be seen")
    return text


def _string(value: object) -> str:
    if not isinstance(value, str):
        raise PydanticCustomError("wrong_type", "Must be a string")
    return _without_nul(value)


def _email(text: str) -> str:
    email = parse_email(text)
    if email is None:
        raise PydanticCustomError("invalid_value", "Not the form of an e-mail address")
    return email


def _email_or_nobody(value: object) -> str | None:
    return parse_email(_string(value))


def _payee(value: object) -> UUID | str:
    text = _string(value)
    payee = parse_email(text) if "@" in text else parse_uuid(text)
    if payee is None:
        raise PydanticCustomError("invalid_value", "Neither a user id nor an e-mail address")
    return payee


def _new_code(text: str) -> str:
    code = parse_currency_code(text)
    if code is None:
        raise PydanticCustomError("invalid_value", "Must be 3 to 10 letters and digits")
    return code


def _currency(text: str, info: ValidationInfo) -> str:
    code = parse_currency_code(text)
    if code is None or _decimals(info) is None:
        raise PydanticCustomError("unknown_currency", "There is no such currency")
    return code


def _amount(value: object, info: ValidationInfo) -> int:
    decimals = _decimals(info)
    try:
        if decimals is not None:
            return parse_amount(value, decimals=decimals, rounding=_rounding_said(info))
        check_spelling(value)
    except AmountError as error:
        raise PydanticCustomError(error.code, "{detail}", {"detail": error.detail}) from error
    return 0  # never seen: the currency is refused, and with it the body


def _amount_if_any(value: object, info: ValidationInfo) -> int | None:
    return None if value is None else _amount(value, info)


def _daily(value: object, info: ValidationInfo) -> int | None:
    """A limit: as an amount, but that nothing is one, and that it is never rounded."""
    if value is None:
        return None
    try:
        decimals = _decimals(info)
        assert decimals is not None, "the currency is in the path, and known"
        return parse_amount(value, decimals=decimals, rounding=None)
    except AmountError as error:
        if error.code == "amount_not_positive":
            return 0
        raise PydanticCustomError(error.code, "{detail}", {"detail": error.detail}) from error


def _or_none_given(value: object) -> object:
    return NO_REASON if value is None else value


def _rounding(value: object) -> Rounding:
    text = _string(value)
    if text not in tuple(Rounding):
        raise PydanticCustomError("invalid_value", "Must be half_even")
    return Rounding(text)


def _rounding_said(info: ValidationInfo) -> Rounding | None:
    """How to round; one that is wrong is refused itself, and the amount not for its digits."""
    rounding: Rounding | None = info.data.get("rounding", Rounding.HALF_EVEN)
    return rounding


def _decimals(info: ValidationInfo) -> int | None:
    decimals: int | None = info.context
    return decimals


_NO_NUL = AfterValidator(_without_nul)
_ONE_LINE = AfterValidator(_one_line)


def _text_like(example: str, **constraints: object) -> WithJsonSchema:
    """What the document says of a field that is a string on the way in."""
    return WithJsonSchema({"type": "string", "examples": [example], **constraints})


def _or_null(schema: WithJsonSchema) -> WithJsonSchema:
    text: dict[str, object] = schema.json_schema or {}
    return WithJsonSchema({"anyOf": [text, {"type": "null"}]})


_EMAIL = _text_like("alice@example.com", minLength=EMAIL_LENGTH_MIN, maxLength=EMAIL_LENGTH_MAX)
_AMOUNT = _text_like("12.50", pattern=f"^{AMOUNT_PATTERN}$")
_CODE = _text_like("EUR", pattern=f"^{CURRENCY_PATTERN}$")
_LINE = _text_like("asked for by phone", minLength=1, maxLength=LINE_LENGTH_MAX)

_MetadataKey = Annotated[str, Field(min_length=1, max_length=40), _NO_NUL]
_MetadataValue = Annotated[str, Field(max_length=500), _NO_NUL]

Text = Annotated[str, _NO_NUL]
Email = Annotated[str, _NO_NUL, AfterValidator(_email), _EMAIL]
# On the way in any text: an e-mail that nobody can have is simply wrong.
EmailOrNobody = Annotated[
    str | None, PlainValidator(_email_or_nobody), _text_like("alice@example.com")
]
Password = Annotated[
    str,
    Field(min_length=8, max_length=200),
    _NO_NUL,
    _text_like("correct horse", minLength=8, maxLength=200, format="password"),
]
PersonName = Annotated[str, Field(max_length=200), _NO_NUL]
Payee = Annotated[
    UUID | str,
    PlainValidator(_payee),
    _text_like("bob@example.com", minLength=EMAIL_LENGTH_MIN, maxLength=EMAIL_LENGTH_MAX),
]
KnownCode = Annotated[str, _NO_NUL, AfterValidator(_currency), _CODE]
NewCode = Annotated[str, AfterValidator(_new_code), _CODE]
CurrencyName = Annotated[str, Field(min_length=1, max_length=100), _ONE_LINE]
Decimals = Annotated[int, Field(ge=0, le=DECIMALS_MAX)]
# Has to stand before the amount, which is read by it.
RoundingMode = Annotated[
    Rounding,
    PlainValidator(_rounding),
    WithJsonSchema({"type": "string", "enum": [str(mode) for mode in Rounding]}),
]
Amount = Annotated[int, BeforeValidator(_amount), _AMOUNT]
AmountIfAny = Annotated[int | None, BeforeValidator(_amount_if_any), _or_null(_AMOUNT)]
DailyLimit = Annotated[int | None, BeforeValidator(_daily), _or_null(_AMOUNT)]
ExpirySeconds = Annotated[int, Field(ge=1, le=EXPIRY_SECONDS_MAX)]
Metadata = Annotated[dict[_MetadataKey, _MetadataValue], Field(max_length=50)]
# What goes into the trail of acts.
Line = Annotated[str, Field(min_length=1, max_length=LINE_LENGTH_MAX), _ONE_LINE, _LINE]
LineIfAny = Annotated[Line, BeforeValidator(_or_none_given), _or_null(_LINE)]
