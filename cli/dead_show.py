"""`holdfast dead show`: all that is known of one dead letter, and what may be decided on it."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from uuid import UUID

import typer

from cli.dead_decide import keys_of
from cli.dead_json import Json, act_as_json, letter_as_json, transfer_as_json, verdict_as_json
from cli.each import PATIENT, open_map
from cli.errors import CommandError
from cli.options import AsJson
from cli.system import System, find_system
from cli.text import printable, times
from sagas.dead_letters import (
    Decision,
    LetterCase,
    consequence_of,
    refusal_of,
    refusal_of_decided,
)
from sagas.deciding import examine, find_letter, misplaced
from shards.dead_letters import LetterStatus, StoredDeadLetter
from shards.errors import BucketNotHereError, ShardTransientError
from shards.operator_acts import StoredAct, list_acts

_SHOWN_BYTES = 512
_BYTES_PER_LINE = 16
_ACTS_MAX = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shown:
    """A letter and its surroundings; `case` is an error where a shard did not tell."""

    shard: str
    letter: StoredDeadLetter
    case: LetterCase | ShardTransientError
    acts: list[StoredAct]


def show_command(
    letter_id: Annotated[UUID, typer.Argument(metavar="ID", help="Id of a dead letter.")],
    as_json: AsJson = False,
) -> None:
    """Shows one dead letter beside its transfer's rows as they are now; changes nothing."""
    shown = asyncio.run(_look(find_system(), letter_id))
    if as_json:
        print(json.dumps(_as_json(shown), indent=2))
        return
    for name, text in _lines(shown):
        print(f"{name:<10}{printable(text)}")


async def _look(system: System, letter_id: UUID) -> _Shown:
    async with open_map(system, options=PATIENT) as shards:
        letter = await find_letter(shards, letter_id)
        if letter is None:
            raise CommandError(f"there is no dead letter {letter_id}; `holdfast dead list`")
        shard = shards.of_id(letter_id)
        async with shard.connection() as conn:
            listed = await list_acts(conn, limit=_ACTS_MAX, target_id=letter_id, after=None)
        case: LetterCase | ShardTransientError
        try:
            case = await examine(shards, letter, keys=keys_of(system.settings))
        except ShardTransientError as error:
            case = error
        acts = [one.act for one in listed]
        return _Shown(shard=shard.name, letter=letter, case=case, acts=acts)


def _lines(shown: _Shown) -> Iterator[tuple[str, str]]:
    letter, case = shown.letter, shown.case
    yield "id", str(letter.id)
    yield "status", letter.status
    yield "kept on", f"{shown.shard}, bucket {letter.bucket}"
    yield "message", f"{letter.topic}[{letter.partition}] @ {letter.position}"
    yield "step", letter.step or "not known"
    yield "reason", f"{letter.reason} ({letter.reason_class or 'class not known'}): {letter.detail}"
    yield "came", f"{times(letter.attempts)}, {_when(letter.created_at)} to {_when(letter.last_at)}"
    yield "trace", letter.trace_id or "none"
    for name, value in letter.headers:
        yield "header", f"{name}: {value}"
    yield "key", "none" if letter.key is None else letter.key.hex()
    yield "value", "none" if letter.value is None else f"{letter.value_bytes} bytes"
    yield from _hex_lines(letter.value or b"")
    if isinstance(case, LetterCase):
        yield "transfer", _transfer_line(case)
        yield "verdict", _verdict_line(case)
    else:
        yield "transfer", f"not known now: {case}"
    for decision in Decision:
        allowed, text = _would(decision, shown)
        yield decision, f"allowed: {text}" if allowed else f"refused: {text}"
    for act in shown.acts:
        yield "act", f"{_when(act.at)} {act.act} by {act.done_by}: {act.reason} ({act.detail})"


def _when(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}"


def _hex_lines(value: bytes) -> Iterator[tuple[str, str]]:
    for start in range(0, min(len(value), _SHOWN_BYTES), _BYTES_PER_LINE):
        piece = value[start : start + _BYTES_PER_LINE]
        text = "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in piece)
        yield "", f"{start:04x}  {piece.hex(' '):<{3 * _BYTES_PER_LINE}} {text}"
    if len(value) > _SHOWN_BYTES:
        yield "", f"and {len(value) - _SHOWN_BYTES} bytes more, which --json has"


def _transfer_line(case: LetterCase) -> str:
    if case.lacks_keys:
        return "not known: not verified, since no keys were given (HOLDFAST_MESSAGES__KEYS)"
    if case.transfer_id is None:
        return "none that is known: the bytes do not verify"
    if case.transfer is None:
        return f"{case.transfer_id}, which is not there"
    t = case.transfer
    due = f", due {_when(t.next_attempt_at)}" if t.next_attempt_at is not None else ""
    why = f" ({t.reason})" if t.reason else ""
    return (
        f"{t.id}: {t.status}{why}, {t.amount} {t.currency} in minor units"
        f" from {t.payer_id} to {t.payee_id}{due}"
    )


def _verdict_line(case: LetterCase) -> str:
    v = case.verdict
    if v is None:
        return "none"
    why = f" ({v.reason})" if v.reason else ""
    return f"{v.kind}{why}, {v.amount} {v.currency} in minor units, {_when(v.created_at)}"


def _would(decision: Decision, shown: _Shown) -> tuple[bool, str]:
    """Whether a decision would be taken now, and what of it; or why not."""
    if shown.letter.status is not LetterStatus.OPEN:
        refused = refusal_of_decided(decision, shown.letter.status)
        return refused is None, "nothing, it was done" if refused is None else refused.detail
    if isinstance(shown.case, BucketNotHereError):
        return False, misplaced(shown.case).detail
    if not isinstance(shown.case, LetterCase):
        return False, f"not before {shown.case.shard} answers"
    refused = refusal_of(decision, shown.case)
    if refused is not None:
        return False, refused.detail
    return True, consequence_of(decision, shown.case)


def _as_json(shown: _Shown) -> Json:
    case = shown.case if isinstance(shown.case, LetterCase) else None
    told: Json = {
        "shard": shown.shard,
        "letter": letter_as_json(shown.letter),
        "lacks_keys": case.lacks_keys if case else None,
        "transfer_id": str(case.transfer_id) if case and case.transfer_id else None,
        "transfer": transfer_as_json(case.transfer) if case and case.transfer else None,
        "verdict": verdict_as_json(case.verdict) if case and case.verdict else None,
        "not_known": None if isinstance(shown.case, LetterCase) else str(shown.case),
        "acts": [act_as_json(act) for act in shown.acts],
    }
    for decision in Decision:
        allowed, text = _would(decision, shown)
        told[decision] = {"allowed": allowed, "detail": text}
    return told
