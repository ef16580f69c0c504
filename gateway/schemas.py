"""Request bodies: what they may hold, and the wrong fields named one by one.

Models are strict: nothing is converted, an unknown field is refused. A `null` where a field may be
left out counts as left out.
"""

from functools import cache
from typing import Annotated, Any, Final, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, WithJsonSchema
from pydantic_core import ErrorDetails

from gateway.fields import (
    Amount,
    AmountIfAny,
    CurrencyName,
    DailyLimit,
    Decimals,
    Email,
    EmailOrNobody,
    ExpirySeconds,
    KnownCode,
    Line,
    LineIfAny,
    Metadata,
    NewCode,
    Password,
    Payee,
    PersonName,
    RoundingMode,
    Text,
)
from gateway.json_body import JsonObject, JsonValue
from gateway.path_ids import parse_currency_code
from gateway.problems import KINDS, FieldError, Problem
from shards.operator_acts import NO_REASON

ERRORS_MAX: Final = 100
_POINTER_LENGTH_MAX: Final = 256
# Of a body with more of them, only these are told: a batch may have a thousand such bodies.
_UNKNOWN_MAX: Final = 10
BATCH_ITEMS_MAX: Final = 1_000


class _Body(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class MoneyBody(_Body):
    """What all bodies with an amount have; `amount_minor` is in the currency's minor units."""

    currency: KnownCode
    # Before the amount, which is read by it.
    rounding: RoundingMode | None = None
    amount_minor: Amount = Field(validation_alias="amount")
    metadata: Metadata | None = None


class UserBody(_Body):
    """POST /users. `email` comes out normalised."""

    email: Email
    password: Password
    name: PersonName | None = None


class LoginBody(_Body):
    """POST /auth/login. `email` comes out normalised, or None when nobody can have it.

    Only types are checked: an e-mail or a password that no user can have is simply wrong (401).
    """

    email: EmailOrNobody
    password: Text


class MovementBody(MoneyBody):
    """POST deposits and withdrawals; `reason` is for the trail, where they are an operator's."""

    reason: LineIfAny = NO_REASON


class TransferBody(MoneyBody):
    """POST transfers. `to` is a user id, or a normalised e-mail.

    `expires_in_s` is None when the request leaves it out.
    """

    to: Payee
    expires_in_s: ExpirySeconds | None = None


class HoldBody(TransferBody):
    """POST holds: as POST transfers, but that `expires_in_s` is how long it can be captured."""


class PartBody(_Body):
    """What all bodies have that take a part of something.

    `amount_minor` is None when the request leaves it out: all that is left.
    """

    # Before the amount, which is read by it.
    rounding: RoundingMode | None = None
    amount_minor: AmountIfAny = Field(None, validation_alias="amount")


class CaptureBody(PartBody):
    """POST capture."""

    final: bool | None = None


class RefundBody(PartBody):
    """POST refunds; `reason` is for the trail, where an operator asks."""

    reason: LineIfAny = NO_REASON


class VoidBody(_Body):
    """POST void: nothing; or, for the trail, an operator's reason."""

    reason: LineIfAny = NO_REASON


class LimitBody(_Body):
    """PUT limits. `daily_minor` is None for null: no limit; zero lets nothing be spent."""

    daily_minor: DailyLimit = Field(validation_alias="daily")
    reason: LineIfAny = NO_REASON


class BatchItemBody(TransferBody):
    """An item of POST transfers/batch, as the document tells it.

    It is never read by this: `gateway.batch_request` reads key and body apart, so that one item
    that is wrong stops no other.
    """

    key: Annotated[str, Field(min_length=1, examples=["order-4711"])]


class BatchBody(_Body):
    """POST transfers/batch; what its items are is for `gateway.batch_request`."""

    transfers: Annotated[
        list[Any],
        Field(min_length=1, max_length=BATCH_ITEMS_MAX),
        WithJsonSchema(
            {
                "type": "array",
                "minItems": 1,
                "maxItems": BATCH_ITEMS_MAX,
                "items": {"$ref": "#/components/schemas/BatchItemBody"},
            }
        ),
    ]


class CancelBody(_Body):
    """POST cancel: nothing, or an empty object."""


class ReasonBody(_Body):
    """POST freeze, unfreeze and close: why, in a line for the trail."""

    reason: Line


class CurrencyBody(_Body):
    """POST /currencies. `code` comes out in upper case; `enabled` is None when it is left out.

    `reason` is for the trail, if it changes anything.
    """

    code: NewCode
    name: CurrencyName
    decimals: Decimals
    enabled: bool | None = None
    reason: LineIfAny = NO_REASON


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
    if isinstance(body, dict):
        _refuse_many_unknown(model, body)
    try:
        return model.model_validate(body, context=context)
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False)
    raise Problem.of_fields(_field_error(detail) for detail in details[:ERRORS_MAX])


def _refuse_many_unknown(model: type[BaseModel], body: JsonObject) -> None:
    known = _known_fields(model)
    unknown = [name for name in body if name not in known]
    if len(unknown) > _UNKNOWN_MAX:
        code, sentence = _TOLD["extra_forbidden"]
        raise Problem.of_fields(
            FieldError(_pointer((name,)), code, f"{sentence}.") for name in unknown[:_UNKNOWN_MAX]
        )


@cache
def _known_fields(model: type[BaseModel]) -> frozenset[str]:
    """The names that a body may have, as they are sent."""
    return frozenset(
        str(field.validation_alias or name) for name, field in model.model_fields.items()
    )


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
