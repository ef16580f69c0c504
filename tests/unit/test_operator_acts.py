"""An act says who and why in one line each, and its hash covers every word."""

from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from shards.operator_acts import FIRST_PREV_HASH, NewAct, StoredAct, act_hash, is_one_line

ACT = StoredAct(
    bucket=5,
    seq=1,
    act="dead_letter.discard",
    target_id=UUID("019a0000-0000-8005-8000-000000000001"),
    done_by="Ada",
    reason="a test of ours",
    detail="it names no transfer",
    at=datetime(2026, 1, 31, 23, 59, 59, 1, tzinfo=UTC),
)


def new(**changes: str) -> NewAct:
    said = {"done_by": "Ada", "reason": "why", "detail": ""} | changes
    return NewAct(act="dead_letter.discard", target_id=ACT.target_id, **said)


def test_the_hash_is_pinned():
    digest = act_hash(ACT, prev_hash=FIRST_PREV_HASH).hex()

    assert digest == "8024e55636a3d74ebd56ccf518d778b94442e86b6e8e741a261cdadeeeef7604"


CHANGES: dict[str, Any] = {
    "bucket": 6,
    "seq": 2,
    "act": "dead_letter.redrive",
    "target_id": UUID("019a0000-0000-8005-8000-000000000002"),
    "done_by": "Eve",
    "reason": "another",
    "detail": "",
    "at": ACT.at + timedelta(microseconds=1),
}


@pytest.mark.parametrize("field", [field.name for field in fields(StoredAct)])
def test_every_field_changes_the_hash(field: str):
    changed = replace(ACT, **{field: CHANGES[field]})

    assert act_hash(changed, prev_hash=FIRST_PREV_HASH) != act_hash(ACT, prev_hash=FIRST_PREV_HASH)


def test_the_act_before_changes_the_hash():
    assert act_hash(ACT, prev_hash=b"\x01" * 32) != act_hash(ACT, prev_hash=FIRST_PREV_HASH)


@pytest.mark.parametrize(
    "changes",
    [
        {"done_by": ""},
        {"done_by": "  "},
        {"reason": ""},
        {"reason": "two\nlines"},
        {"done_by": "Ada\nEve"},
        {"detail": "\x1b[31m"},
        {"reason": "\x00"},
        {"reason": "\udcff"},
    ],
)
def test_an_act_without_a_name_or_a_reason_or_on_two_lines_is_none(changes: dict[str, str]):
    with pytest.raises(ValueError, match=r"is empty|not one line"):
        new(**changes)


def test_a_reason_in_any_script_is_taken():
    assert new(reason="Störung behoben, 再送").reason == "Störung behoben, 再送"


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("Customer asked for it, see ticket 17", True),
        ("نمی\u200cخواهم", True),
        ("\U0001f468\u200d\U0001f469\u200d\U0001f467 ❤\ufe0f", True),
        ("two\nlines", False),
        ("a\u2028b", False),
        ("\x1b[31mred", False),
        ("refund\u202edenied", False),
        ("\u2066a", False),
        ("a\u200bb", False),
        ("\ufeffa", False),
        ("tag\U000e0041", False),
    ],
)
def test_a_line_has_nothing_in_it_that_is_not_seen(text: str, fits: bool) -> None:
    assert is_one_line(text) is fits
