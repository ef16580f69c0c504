"""What clients write down is what the checker reads."""

import json
from itertools import count
from pathlib import Path

import pytest

from reliability.checker.history import NEVER, Key, read_faults, read_history
from reliability.checker.lines import HistoryError
from reliability.history import (
    FAULTS_FILE,
    HISTORY_FOLDER,
    Answer,
    Ask,
    AskBalance,
    AskHold,
    AskLimit,
    AskMovement,
    AskOfHold,
    AskOfTransfer,
    AskPart,
    AskTransfer,
    HistoryWriter,
    Kind,
)

KEY = Key("u", "u", "k")
DEPOSIT = AskMovement(kind=Kind.DEPOSIT, user="u", currency="ETH", amount=10**26, key="k")


def write(folder: Path, *asked: tuple[Ask, Answer | None], name: str = "a") -> None:
    ticks = count(1)
    file = folder / HISTORY_FOLDER / f"{name}.jsonl"
    with HistoryWriter(file, clock=lambda: next(ticks)) as writer:
        writer.user(user="u", email="u@example.com")
        for ask, answer in asked:
            op = writer.invoke(ask, client=1)
            if answer is not None:
                writer.answer(op, answer)


def append(folder: Path, text: str) -> None:
    with (folder / HISTORY_FOLDER / "a.jsonl").open("a", encoding="utf-8") as file:
        file.write(text)


@pytest.mark.parametrize(
    ("ask", "answer"),
    [
        (DEPOSIT, Answer(status=201, id="m", replayed=False)),
        (
            AskTransfer(payer="u", payee="v", currency="EUR", amount=4, key="k", tag="powers"),
            Answer(status=202, id="t", replayed=True, transfer_status="held"),
        ),
        (DEPOSIT, Answer(status=422, code="wallet_closed", replayed=False)),
        (
            AskHold(payer="u", payee="w", currency="EUR", amount=4, key="k", expires_in_s=3),
            Answer(status=201, id="h", replayed=False, hold_status="open", captured=0, remaining=4),
        ),
        (
            AskPart(
                kind=Kind.CAPTURE,
                part_of="h",
                user="w",
                payer="u",
                payee="w",
                currency="EUR",
                key="k",
                amount=3,
                final=False,
            ),
            Answer(status=202, id="t", replayed=False, transfer_status="debited", amount=3),
        ),
        (
            AskPart(
                kind=Kind.REFUND,
                part_of="t",
                user="w",
                payer="u",
                payee="v",
                currency="EUR",
                key="k",
            ),
            Answer(status=409, code="not_completed", replayed=False),
        ),
    ],
)
def test_a_request_and_its_answer_are_read_as_written(tmp_path: Path, ask: Ask, answer: Answer):
    write(tmp_path, (ask, answer))

    history = read_history(tmp_path)

    ((key, (op,)),) = history.requests.items()
    assert key == Key("u", "w" if isinstance(ask, AskPart) else "u", "k")
    assert (op.ask, op.at, op.answer, op.answered_at) == (ask, 1, answer, 2)
    assert history.users == {"u": "u@example.com"}


def test_reads_are_found_by_what_they_are_of(tmp_path: Path):
    cancel = AskOfTransfer(kind=Kind.CANCEL, transfer="t", user="u")
    balance = AskBalance(user="u", currency="EUR")
    write(
        tmp_path,
        (cancel, Answer(status=409, code="already_debited")),
        (balance, Answer(status=200, balance=5, held=1, version=2)),
        (balance, Answer(status=503)),
    )

    history = read_history(tmp_path)

    assert [op.answer.code for op in history.of_transfers["t"]] == ["already_debited"]
    assert [op.answer.version for op in history.balance_reads["u", "EUR"]] == [2]


def test_what_is_asked_of_holds_and_of_limits_is_found_by_what_it_is_of(tmp_path: Path):
    void = AskOfHold(kind=Kind.VOID, hold="h", user="w")
    read = AskOfTransfer(kind=Kind.READ_TRANSFER, transfer="t", user="u")
    limit = AskLimit(user="u", currency="EUR", operator="o", daily=7)
    no_limit = AskLimit(user="u", currency="EUR", operator="o")
    shown = Answer(status=200, replayed=False, refunded=5, refunds=("r1", "r2"))
    write(
        tmp_path,
        (void, Answer(status=409, code="hold_closed")),
        (read, shown),
        (limit, Answer(status=200, daily=7)),
        (no_limit, None),
    )

    history = read_history(tmp_path)

    assert [(op.ask, op.answer.code) for op in history.of_holds["h"]] == [(void, "hold_closed")]
    assert [op.answer for op in history.of_transfers["t"]] == [shown]
    assert [op.ask for op in history.limits["u", "EUR"]] == [limit, no_limit]


def test_what_was_never_answered_is_unknown(tmp_path: Path):
    write(tmp_path, (DEPOSIT, None), (DEPOSIT, Answer(status=None)))

    first, second = read_history(tmp_path).requests[KEY]

    assert (first.answer.status, first.answered_at) == (None, NEVER)
    assert (second.answer.status, second.answered_at) == (None, 3)
    assert (first.is_accepted, first.is_refused) == (False, False)


def test_tries_of_a_key_come_in_order_from_all_files(tmp_path: Path):
    write(tmp_path, (DEPOSIT, None), (DEPOSIT, None), name="b")
    write(tmp_path, (DEPOSIT, Answer(status=201, id="m")))

    assert [op.at for op in read_history(tmp_path).requests[KEY]] == [1, 1, 2]


def test_a_line_that_was_cut_off_is_left_out(tmp_path: Path):
    write(tmp_path, (DEPOSIT, None))
    append(tmp_path, '{"type": "answer", "op": 1, "at"')

    assert read_history(tmp_path).requests[KEY][0].answer.status is None


@pytest.mark.parametrize(
    "line",
    [
        '{"type": "answer"\n',
        "[]\n",
        '{"type": "answer", "op": 7, "at": 1, "status": 200}\n',
        '{"type": "invoke", "op": 2, "at": 1, "kind": "steal"}\n',
        '{"type": "invoke", "op": 2, "at": 1.5, "kind": "read_balance"}\n',
        '{"type": "user", "user": 5, "email": "x"}\n',
        '{"type": "invoke", "op": 2, "at": 1, "kind": "capture", "part_of": "h"}\n',
        '{"type": "invoke", "op": 2, "at": 1, "kind": "set_limit", "user": "u", "currency": 7}\n',
    ],
)
def test_a_line_that_is_wrong_is_told_with_its_file(tmp_path: Path, line: str):
    write(tmp_path)
    append(tmp_path, line)

    with pytest.raises(HistoryError, match=r"a\.jsonl"):
        read_history(tmp_path)


def test_a_folder_without_history_is_no_history(tmp_path: Path):
    with pytest.raises(HistoryError, match="name the run's folder"):
        read_history(tmp_path)


def test_only_faults_that_were_injected_count(tmp_path: Path):
    lines = [
        {"type": "fault", "kind": "kill_worker", "at": 1, "outcome": "injected"},
        {"type": "fault", "kind": "full_disk", "at": 1, "outcome": "not_run"},
    ]
    (tmp_path / FAULTS_FILE).write_text("".join(f"{json.dumps(line)}\n" for line in lines))

    assert read_faults(tmp_path) == ["kill_worker"]
    assert read_faults(tmp_path / "elsewhere") == []
