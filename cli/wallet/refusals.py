"""What the gateway refused, or did not answer, in one line that says what to do next."""

from collections.abc import Mapping
from types import MappingProxyType

from cli.errors import CommandError
from cli.text import printable
from cli.wallet.gateway import Target
from client import (
    BrokenChainError,
    ClientError,
    NoAnswerError,
    ProblemError,
    SignInError,
    TryLaterError,
)


class SaidNoError(CommandError):
    """The system was asked and said no, or what it shows is wrong; exits with 1."""

    exit_code = 1


_OPERATOR = "ask an operator"
_AMOUNT = "write the amount in major units, such as 12.50"
_NEXT: Mapping[str, str] = MappingProxyType(
    {
        "invalid_credentials": "check the e-mail and the password",
        "email_taken": "log in, or take another e-mail",
        "operator_only": "take the login of one (`--as EMAIL`); who has just become one logs in"
        " again",
        "not_found": "check the id, and whose it is (`--as EMAIL`)",
        "not_payer": "the payer may: `--as EMAIL`",
        "not_payee": "the payee may, or an operator: `--as EMAIL`",
        "not_party": "its payer and its payee may: `--as EMAIL`",
        "insufficient_funds": "`holdfast balance` says what is available",
        "limit_exceeded": "there is more tomorrow (UTC), or an operator sets another limit",
        "unknown_payee": "check the e-mail or the id of the payee",
        "payee_closed": "nothing is received there any more",
        "payer_frozen": _OPERATOR,
        "payer_closed": _OPERATOR,
        "wallet_closed": _OPERATOR,
        "currency_disabled": _OPERATOR,
        "user_closed": "closed is for good",
        "not_empty": "empty the wallet first: `holdfast operator show` says what is in it",
        "self_transfer": "pay somebody else",
        "unknown_currency": "take a code such as EUR",
        "amount_malformed": _AMOUNT,
        "amount_not_positive": _AMOUNT,
        "too_precise": "take fewer digits after the point",
        "already_debited": "its payee can refund it when it is completed",
        "already_final": "`holdfast transfer ID` shows how it ended",
        "not_completed": "only what is completed is refunded: `holdfast transfer ID`",
        "hold_closed": "`holdfast holds` shows how it ended",
        "capture_too_large": "leave the amount out to capture all that remains",
        "refund_too_large": "leave the amount out to give back all that is left",
        "idempotency_key_reused": "this key belongs to another request: take a new one",
        "decimals_fixed": "give those that it has, or take a new code",
        "internal_error": "report the trace id",
    }
)


def as_command_error(error: ClientError, target: Target, *, login: str, key: str) -> CommandError:
    """The error that a command ends with.

    Args:
        error: of the client.
        target: the gateway.
        login: the e-mail of the login that was used; empty where there was none.
        key: the idempotency key of the command; empty where it has none.
    """
    again = f"the same command with --key {key}" if key else "the same command"
    match error:
        case TryLaterError():
            # What the gateway asked for was waited a few times already.
            return CommandError(f"{_told(error)}; give {again} later")
        case SignInError() if login:
            return CommandError(
                f"not logged in as {login} on {target.url} any more ({error.code},"
                f" trace {error.trace_id}): {target.command(f'login {login}')}"
            )
        case ProblemError():
            return SaidNoError(f"{_told(error)}; {_advice(error)}")
        case NoAnswerError():
            return CommandError(_unanswered(error, target, again=again))
        case BrokenChainError():
            return SaidNoError(str(error))
        case _:
            return CommandError(printable(str(error)))


def _advice(error: ProblemError) -> str:
    if error.answer.replayed:
        return "this key keeps that answer: give the command with another one"
    return _NEXT.get(error.code, "correct it, and give the command again")


def _unanswered(error: NoAnswerError, target: Target, *, again: str) -> str:
    if error.may_have_happened:
        return (
            f"{target.url} gave no answer ({error.last}), and it may have happened:"
            f" {again} finds out, and does it once at the most"
        )
    return (
        f"no gateway answers at {target.url} ({error.last}), and nothing has happened:"
        " start it (`make run`), or give --gateway URL"
    )


def _told(error: ProblemError) -> str:
    detail = printable(error.detail).rstrip(".")
    again = ", replayed: this key had this answer before" if error.answer.replayed else ""
    return f"{detail} ({error.code}, trace {error.trace_id}{again})"
