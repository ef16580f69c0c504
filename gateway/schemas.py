"""Request bodies: what they may hold, and the wrong fields named one by one.

Models are strict: nothing is converted, an unknown field is refused. A `null` where a field may be
left out counts as left out.
"""

from typing import Annotated, Any, Final, TypeVar
from uuid import UUID

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    ValidationError,
    ValidationInfo,
)
from pydantic_core import ErrorDetails, PydanticCustomError

from gateway.emails import parse_email
from gateway.json_body import JsonValue
from gateway.money import AmountError, Rounding, check_spelling, parse_amount
from gateway.path_ids import parse_currency_code, parse_uuid
from gateway.problems import KINDS, FieldError, Problem
from shards.operator_acts import is_one_line

ERRORS_MAX: Final = 100
_POINTER_LENGTH_MAX: Final = 256
EXPIRY_SECONDS_MAX: Final = 604_800
BATCH_ITEMS_MAX: Final = 1_000
LINE_LENGTH_MAX: Final = 1_000
DECIMALS_MAX: Final = 18


def _without_nul(text: str) -> str:
    if "\0" in text:
        raise PydanticCustomError("invalid_value", "U+0000 is not allowed in a string")
    return text


def _one_line(text: str) -> str:
    if not text.strip() or not is_one_line(text):
        raise PydanticCustomError("invalid_value", "Must be one line of text")
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
_MetadataKey = Annotated[str, Field(min_length=1, max_length=40), _NO_NUL]
_MetadataValue = Annotated[str, Field(max_length=500), _NO_NUL]
# What goes into the trail of acts: one line.
_Line = Annotated[str, Field(min_length=1, max_length=LINE_LENGTH_MAX), AfterValidator(_one_line)]
_Metadata = Annotated[dict[_MetadataKey, _MetadataValue], Field(max_length=50)]


class _Body(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class MoneyBody(_Body):
    """What all bodies with an amount have; `amount_minor` is in the currency's minor units."""

    currency: Annotated[str, _NO_NUL, AfterValidator(_currency)]
    # Before the amount, which is read by it.
    rounding: Annotated[Rounding, PlainValidator(_rounding)] | None = None
    amount_minor: Annotated[int, BeforeValidator(_amount)] = Field(validation_alias="amount")
    metadata: _Metadata | None = None


class UserBody(_Body):
    """POST /users. `email` comes out normalised."""

    email: Annotated[str, _NO_NUL, AfterValidator(_email)]
    password: Annotated[str, Field(min_length=8, max_length=200), _NO_NUL]
    name: Annotated[str, Field(max_length=200), _NO_NUL] | None = None


class LoginBody(_Body):
    """POST /auth/login. `email` comes out normalised, or None when nobody can have it.

    Only types are checked: an e-mail or a password that no user can have is simply wrong (401).
    """

    email: Annotated[str | None, PlainValidator(_email_or_nobody)]
    password: Annotated[str, _NO_NUL]


class MovementBody(MoneyBody):
    """POST deposits and withdrawals. `amount_minor` is in the currency's minor units."""


class TransferBody(MoneyBody):
    """POST transfers. `to` is a user id, or a normalised e-mail.

    `expires_in_s` is None when the request leaves it out.
    """

    to: Annotated[UUID | str, PlainValidator(_payee)]
    expires_in_s: Annotated[int, Field(ge=1, le=EXPIRY_SECONDS_MAX)] | None = None


class HoldBody(TransferBody):
    """POST holds: as POST transfers, but that `expires_in_s` is how long it can be captured."""


class PartBody(_Body):
    """What all bodies have that take a part of something.

    `amount_minor` is None when the request leaves it out: all that is left.
    """

    # Before the amount, which is read by it.
    rounding: Annotated[Rounding, PlainValidator(_rounding)] | None = None
    amount_minor: Annotated[int | None, BeforeValidator(_amount_if_any)] = Field(
        None, validation_alias="amount"
    )


class CaptureBody(PartBody):
    """POST capture."""

    final: bool | None = None


class RefundBody(PartBody):
    """POST refunds; `reason` is for the trail, where an operator asks."""

    reason: _Line | None = None


class VoidBody(_Body):
    """POST void: nothing; or, for the trail, an operator's reason."""

    reason: _Line | None = None


class LimitBody(_Body):
    """PUT limits. `daily_minor` is None for null: no limit; zero lets nothing be spent."""

    daily_minor: Annotated[int | None, BeforeValidator(_daily)] = Field(validation_alias="daily")
    reason: _Line | None = None


class BatchBody(_Body):
    """POST transfers/batch; what its items are is for `gateway.batch_request`."""

    transfers: Annotated[list[Any], Field(min_length=1, max_length=BATCH_ITEMS_MAX)]


class CancelBody(_Body):
    """POST cancel: nothing, or an empty object."""


class ReasonBody(_Body):
    """POST freeze, unfreeze and close: why, in a line for the trail."""

    reason: _Line


class CurrencyBody(_Body):
    """POST /currencies. `code` comes out in upper case; `enabled` is None when it is left out."""

    code: Annotated[str, AfterValidator(_new_code)]
    name: Annotated[str, Field(min_length=1, max_length=100), AfterValidator(_one_line)]
    decimals: Annotated[int, Field(ge=0, le=DECIMALS_MAX)]
    enabled: bool | None = None


_Model = TypeVar("_Model", bound=_Body)
_MoneyModel = TypeVar("_MoneyModel", bound=MoneyBody)


def parse_body(model: type[_Model], body: JsonValue) -> _Model:
    """The body as this model.

    Raises:
        Problem: 422 that names every wrong field.
    """
    return _validate(model, body, None)


def named_currency(body: JsonValue) -> str | None:
    """The upper-case code in the `currency` of a body, to be looked up for `parse_money_body`.

    None when no currency can have it.
    """
    code = body.get("currency") if isinstance(body, dict) else None
    return parse_currency_code(code) if isinstance(code, str) else None


def parse_amounts(model: type[_Model], body: JsonValue, *, decimals: int) -> _Model:
    """The body as this model, its amounts in minor units of a currency that is known.

    Raises:
        Problem: 422 that names every wrong field.
    """
    return _validate(model, body, decimals)


def parse_money_body(
    model: type[_MoneyModel], body: JsonValue, *, decimals: int | None
) -> _MoneyModel:
    """The body as this model, its amount in minor units.

    Whether the currency is enabled is not looked at: that can change, so a repeat of an older
    request must get past it to its first answer.

    Args:
        model: what the body should be.
        body: the parsed JSON.
        decimals: those of the currency that `named_currency` gives; None if there is none such.

    Raises:
        Problem: 422 that names every wrong field, `unknown_currency` and the amount's included.
    """
    return _validate(model, body, decimals)


def _validate(model: type[_Model], body: JsonValue, context: int | None) -> _Model:
    try:
        return model.model_validate(body, context=context)
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False)
    raise Problem.of_fields(_field_error(detail) for detail in details[:ERRORS_MAX])


# Pydantic's kinds of errors that are told in words of our own: its own name Python's types.
_TOLD = {
    "missing": ("missing", "This field is required"),
    "extra_forbidden": ("unknown_field", "This field is not known"),
    "string_type": ("wrong_type", "Must be a string"),
    "int_type": ("wrong_type", "Must be an integer"),
    "bool_type": ("wrong_type", "Must be true or false"),
    "list_type": ("wrong_type", "Must be an array"),
    "dict_type": ("wrong_type", "Must be an object"),
    "model_type": ("wrong_type", "Must be an object"),
}


def _field_error(error: ErrorDetails) -> FieldError:
    kind = error["type"]
    fallback = (kind if kind in KINDS else "invalid_value", error["msg"])
    code, sentence = _TOLD.get(kind, fallback)
    return FieldError(_pointer(error["loc"]), code, f"{sentence.removesuffix('.')}.")


def _pointer(location: tuple[Any, ...]) -> str:
    # Pydantic marks an error of a metadata key, as opposed to its value, by one more part.
    is_of_key = len(location) > 2 and location[-1] == "[key]"
    parts = location[:-1] if is_of_key else location
    escaped = (str(part).replace("~", "~0").replace("/", "~1") for part in parts)
    return "".join(f"/{part}" for part in escaped)[:_POINTER_LENGTH_MAX]
