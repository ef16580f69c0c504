"""What may be answered to what was asked, and what the history keeps of it."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from reliability.chaos.load.http import Reply
from reliability.history import Answer, Kind

# Tokens of a gateway whose clock is ahead are refused by the other one, and by itself later.
_ALWAYS = frozenset((401, 503, None))
# No 403 and no 404: whoever asks does so of its own wallet, and of its own accepted transfers.
EXPECTED = {
    Kind.DEPOSIT: _ALWAYS | {201, 422},
    Kind.WITHDRAWAL: _ALWAYS | {201, 422},
    Kind.TRANSFER: _ALWAYS | {201, 202, 422, 429},
    Kind.CANCEL: _ALWAYS | {200, 409},
    Kind.READ_TRANSFER: _ALWAYS | {200},
    Kind.HOLD: _ALWAYS | {201, 422, 429},
    Kind.CAPTURE: _ALWAYS | {202, 409, 422},
    Kind.VOID: _ALWAYS | {200, 409},
    Kind.READ_HOLD: _ALWAYS | {200},
    Kind.REFUND: _ALWAYS | {202, 409, 422, 429},
    Kind.SET_LIMIT: _ALWAYS | {200},
    Kind.READ_BALANCE: _ALWAYS | {200},
}
# What is a transfer once it is accepted.
TRANSFERS = frozenset((Kind.TRANSFER, Kind.CAPTURE, Kind.REFUND))


def told_answer(kind: Kind, reply: Reply) -> Answer:
    """What the history keeps of an answer."""
    if reply.status is None or reply.status >= 300:
        return Answer(status=reply.status, code=reply.code)
    return _READERS[kind](reply)


def _movement(reply: Reply) -> Answer:
    return Answer(status=reply.status, id=reply.body["id"], replayed=reply.replayed)


def _transfer(reply: Reply) -> Answer:
    return replace(_movement(reply), transfer_status=reply.body["status"])


def _part(reply: Reply) -> Answer:
    return replace(_transfer(reply), amount=minor(reply.body["amount"]))


def _hold(reply: Reply) -> Answer:
    return replace(_seen_hold(reply), id=reply.body["id"], replayed=reply.replayed)


def _seen_hold(reply: Reply) -> Answer:
    shown = reply.body
    return Answer(
        status=reply.status,
        hold_status=shown["status"],
        captured=minor(shown["captured"]),
        remaining=minor(shown["remaining"]),
    )


def _cancel(reply: Reply) -> Answer:
    shown = reply.body
    return Answer(status=reply.status, transfer_status=shown["status"], reason=shown["reason"])


def _seen_transfer(reply: Reply) -> Answer:
    shown = reply.body
    return replace(
        _cancel(reply),
        refunded=minor(shown["amount_refunded"]),
        refunds=tuple(shown["refunds"]),
    )


def _limit(reply: Reply) -> Answer:
    daily = reply.body["daily"]
    return Answer(status=reply.status, daily=None if daily is None else minor(daily))


def _balance(reply: Reply) -> Answer:
    shown = reply.body
    return Answer(
        status=reply.status,
        balance=minor(shown["balance"]),
        held=minor(shown["held"]),
        version=shown["version"],
    )


_READERS: Mapping[Kind, Callable[[Reply], Answer]] = {
    Kind.DEPOSIT: _movement,
    Kind.WITHDRAWAL: _movement,
    Kind.TRANSFER: _transfer,
    Kind.CANCEL: _cancel,
    Kind.READ_TRANSFER: _seen_transfer,
    Kind.HOLD: _hold,
    Kind.CAPTURE: _part,
    Kind.VOID: _seen_hold,
    Kind.READ_HOLD: _seen_hold,
    Kind.REFUND: _part,
    Kind.SET_LIMIT: _limit,
    Kind.READ_BALANCE: _balance,
}


def minor(text: str) -> int:
    """Minor units of an amount as the API spells it, of the currency that all pay in."""
    return int(text.replace(".", ""))


def spelled(amount: int) -> str:
    """An amount as the API spells it."""
    return f"{amount // 100}.{amount % 100:02}"
