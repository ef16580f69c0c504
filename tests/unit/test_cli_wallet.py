"""What the commands of a wallet print, and how they end; the gateway is a script."""

import json
import re
from pathlib import Path
from typing import Any, NoReturn

import pytest

from cli.wallet.logins import Logins
from cli.wallet.shown import json_of
from client.answers import RawAnswer
from client.requests import Request
from tests.unit.cli_rig import ALICE, BOB, Ended, a_login, as_nobody, holdfast, play
from tests.unit.client_rig import (
    AT,
    LOST,
    NEVER_SENT,
    OTHER,
    URL,
    USER,
    PlayedStream,
    Script,
    Step,
    answer,
    problem,
    shown_transfer,
)
from tests.unit.test_client_entries import chain

SEND = ("send", ALICE, BOB, "12.50", "EUR")
USER_SHOWN = {"id": USER, "email": ALICE, "name": None, "status": "open", "created_at": AT}


@pytest.fixture
def logins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Logins:
    made = as_nobody(tmp_path, monkeypatch)
    made.put(a_login(BOB))
    made.put(a_login())
    return made


@pytest.fixture
def gateway(logins: Logins, monkeypatch: pytest.MonkeyPatch):
    def plays(*steps: Step | PlayedStream) -> Script:
        return play(Script(*steps), monkeypatch)

    return plays


def shown_entries(length: int) -> list[dict[str, Any]]:
    """Entries as an answer shows them, newest first."""
    return [json_of(entry) for entry in chain(length=length)]


def interrupted(_: Request) -> NoReturn:
    raise KeyboardInterrupt


def said(ended: Ended) -> str:
    """The one line of an error, when nothing else was said."""
    assert ended.out == ""
    assert re.fullmatch(r"holdfast: .+\n", ended.err), ended.err
    return ended.err


# --- how a command ends


@pytest.mark.parametrize(
    ("step", "code", "line"),
    [
        (problem(422, "insufficient_funds"), 1, "(insufficient_funds, trace trace-1); `holdfast b"),
        (problem(422, "a_new_one"), 1, "(a_new_one, trace trace-1); correct it"),
        (problem(409, "already_final"), 1, "already_final"),
        (problem(404, "not_found"), 1, "check the id"),
        (problem(403, "operator_only"), 1, "logs in again"),
        (
            problem(401, "invalid_token"),
            2,
            f"{ALICE} on {URL} any more (invalid_token, trace trace-1): holdfast login {ALICE}",
        ),
        (problem(429, "rate_limited"), 2, "give the same command with --key k1 later"),
        (problem(503, "busy"), 2, "give the same command with --key k1 later"),
        (LOST, 2, "it may have happened: the same command with --key k1 finds out"),
        (NEVER_SENT, 2, f"no gateway answers at {URL} (connection refused)"),
        (answer({"id": 1}), 2, "Is this a Holdfast gateway of this version?"),
        (interrupted, 130, "stopped; it may have been sent: the same command with --key k1"),
    ],
    ids=lambda value: value if isinstance(value, int) else "",
)
def test_what_is_not_done_is_one_line_and_a_code(gateway, step: Step, code: int, line: str):
    gateway(step)

    ended = holdfast(*SEND, "--key", "k1")

    assert ended.code == code
    assert line in said(ended)


@pytest.mark.parametrize(
    ("status", "reason", "code"),
    [("completed", None, 0), ("cancelled", "expired", 1), ("refunded", "payee_closed", 1)],
)
def test_a_transfer_that_is_waited_for_ends_the_command(gateway, status, reason, code):
    script = gateway(answer(shown_transfer(), 202), answer(shown_transfer(status, reason=reason)))

    ended = holdfast(*SEND)

    assert ended.code == code
    assert f"status       {status}\n" in ended.out
    assert ended.err == (
        f"holdfast: the transfer was {status} ({reason}), not completed\n" if code else ""
    )
    assert script.sent[0].headers["Authorization"] == f"Bearer token of {ALICE}"


@pytest.mark.parametrize("later", [answer(shown_transfer()), LOST, problem(503, "busy")])
def test_a_transfer_that_is_not_over_says_how_to_go_on(gateway, later: Step):
    gateway(answer(shown_transfer(), 202), later)

    ended = holdfast(*SEND)

    assert ended.code == 2
    assert shown_transfer()["id"] in ended.out
    assert ended.err.endswith(f"holdfast transfer {shown_transfer()['id']} --follow\n")


def test_ctrl_c_while_waiting_names_the_transfer(gateway):
    gateway(answer(shown_transfer(), 202), interrupted)

    ended = holdfast(*SEND)

    assert ended.code == 130
    assert f"stopped; it goes on by itself: holdfast transfer {shown_transfer()['id']}" in said(
        ended
    )


def test_without_waiting_nothing_more_is_asked(gateway):
    script = gateway(answer(shown_transfer(), 202))

    assert holdfast(*SEND, "--no-wait").code == 0
    assert len(script.sent) == 1


def test_a_replay_is_shown(gateway):
    gateway(answer(shown_transfer("completed"), 202, idempotency_replayed="true"))

    assert "(replayed: this key had it before" in holdfast(*SEND, "--key", "k1").out
    told = holdfast(*SEND, "--key", "k1", "--json").json
    assert (told["replayed"], told["idempotency_key"]) == (True, "k1")


def test_a_refusal_that_is_replayed_says_so(gateway):
    gateway(problem(422, "insufficient_funds", idempotency_replayed="true"))

    line = said(holdfast(*SEND, "--key", "k1"))

    assert "replayed: this key had this answer before" in line
    assert line.endswith("this key keeps that answer: give the command with another one\n")


@pytest.mark.parametrize(
    "args",
    [
        (*SEND, "--metadata", "no equals sign"),
        # As of a variable that is not set: with a new key in its place money would move twice.
        (*SEND, "--key", ""),
        ("deposit", "1", "EUR", "--key", " "),
        ("hold", BOB, "1", "EUR", "--key", ""),
        ("capture", "h", "--key", ""),
        (*SEND, "--metadata", "a=1", "--metadata", "a=2"),
        (*SEND, "--key", "a\r\nX-A: 1"),
        (*SEND, "--key", "k" * 256),
        ("balance", "--at", "soon"),
        ("history", "--verify", "--kind", "deposit"),
        ("logout", ALICE, "--all"),
        ("login", ALICE),
        ("login", ALICE, "--password-stdin"),
        ("operator", "freeze", ALICE, "--reason", " "),
        ("balance", "--as", "carl@example.com"),
    ],
    ids=" ".join,
)
def test_a_command_that_cannot_be_given_asks_nothing(gateway, args):
    script = gateway(answer({}))

    ended = holdfast(*args)

    assert (ended.code, ended.out, script.sent) == (2, "", [])
    assert ended.err


# --- what it sends


def test_what_is_given_is_what_is_sent(gateway):
    script = gateway(answer(shown_transfer("completed"), 202))

    holdfast(*SEND, "--key", "k1", "--metadata", "a=1", "--metadata", "b=x=y", "--expires-in", "60")

    assert script.keys == ["k1"]
    assert json.loads(script.sent[0].body or b"") == {
        "to": BOB,
        "currency": "EUR",
        "amount": "12.50",
        "metadata": {"a": "1", "b": "x=y"},
        "expires_in_s": 60,
    }


def test_a_time_without_an_offset_is_in_utc(gateway):
    script = gateway(answer({"currency": "EUR", "balance": "1.00", "at": AT}))

    holdfast("balance", "EUR", "--at", "2026-01-31T12:00")
    holdfast("balance", "EUR", "--at", "2026-01-31T12:00+02:00")

    asked = [request.path.partition("?at=")[2] for request in script.sent]
    assert asked == ["2026-01-31T12%3A00%3A00.000000Z", "2026-01-31T10%3A00%3A00.000000Z"]


def test_an_operator_names_a_user_by_e_mail_or_id(gateway):
    found = answer({"data": [USER_SHOWN], "next_cursor": None})
    script = gateway(found, answer({**USER_SHOWN, "status": "frozen"}))

    assert "frozen" in holdfast("operator", "freeze", ALICE, "--reason", "asked").out
    assert holdfast("operator", "freeze", USER, "--reason", "asked", "--json").json["id"] == USER
    assert [request.path for request in script.sent][1:] == [f"/v1/users/{USER}/freeze"] * 2

    gateway(answer({"data": [], "next_cursor": None}))
    nobody = holdfast("operator", "freeze", ALICE, "--reason", "asked")
    assert (nobody.code, "nobody has registered" in said(nobody)) == (1, True)


def test_an_operator_deposits_into_the_wallet_of_a_user(gateway):
    movement = {
        "id": USER,
        "currency": "EUR",
        "amount": "5.00",
        "balance_before": "0.00",
        "balance_after": "5.00",
        "hash": "0" * 64,
        "created_at": AT,
    }
    found = {"data": [{**USER_SHOWN, "id": OTHER}], "next_cursor": None}
    script = gateway(answer(found), answer(movement, 201))

    told = holdfast("deposit", "5", "EUR", "--wallet", BOB, "--reason", "asked", "--json").json

    assert script.sent[1].path == f"/v1/wallets/{OTHER}/deposits"
    assert json.loads(script.sent[1].body or b"")["reason"] == "asked"
    assert told == movement | {"idempotency_key": script.keys[1], "replayed": False}


# --- what it prints


def test_json_has_the_names_and_the_spelling_of_the_api(gateway):
    out = {"direction": "out", **shown_transfer("completed", refunds=[USER])}
    came = ("id", "payer_id", "payee_id", "currency", "amount", "status", "created_at")
    received = {"direction": "in"} | {name: out[name] for name in came}
    accounts = [
        {"currency": "EUR", "balance": "1.00", "held": "0.00", "available": "1.00", "version": 1}
    ]
    gateway(answer({"data": [out, received], "next_cursor": None}))
    assert holdfast("transfers", "--json").json == [out, received]
    gateway(answer({"user_id": USER, "accounts": accounts}))
    assert holdfast("balance", "--json").json == {"accounts": accounts}
    gateway(answer(shown_transfer("completed")))
    assert holdfast("transfer", USER, "--json").json == shown_transfer("completed")


def test_a_list_is_read_as_far_as_it_was_asked_for(gateway):
    out = {"direction": "out", **shown_transfer("completed")}
    more, last = (answer({"data": [out, out], "next_cursor": c}) for c in ("more", None))
    gateway(more, last)
    assert len(holdfast("transfers", "--limit", "3", "--json").json) == 3
    gateway(more, last)
    assert len(holdfast("transfers", "--limit", "1", "--all", "--json").json) == 4
    script = gateway(more, last)
    assert "... and more" in holdfast("transfers", "--limit", "1").out
    assert len(script.sent) == 1


def test_tables_align_amounts_and_cut_nothing(gateway):
    entries = [{**one, "counterparty": OTHER} for one in shown_entries(12)]
    gateway(answer({"data": entries, "next_cursor": None}))

    lines = holdfast("history").out.splitlines()[1:]

    assert len(lines) == 12
    assert {line.index(".00  EUR") for line in lines} == {
        len(" 12  2026-01-31 23:59:59.000  deposit    1.00    12")
    }
    assert all(line.endswith(OTHER) for line in lines)
    assert "\x1b" not in "".join(lines)


def test_what_strangers_wrote_cannot_move_the_cursor(gateway):
    gateway(answer(shown_transfer("completed", metadata={"a": "\x1b[2J\nstatus completed"})))

    told = holdfast("transfer", USER).out

    assert "\x1b" not in told
    assert r"a=\x1b[2J\nstatus completed" in told


HOSTILE = "\x1b]0;owned\x07\u202e"


def says_hostile(status: int) -> RawAnswer:
    told = {"title": HOSTILE, "detail": HOSTILE, "code": HOSTILE, "trace_id": HOSTILE}
    return answer({"status": status, **told}, status, content_type="application/problem+json")


@pytest.mark.parametrize(
    "step",
    [
        *(says_hostile(status) for status in (401, 422, 500, 503)),
        answer(shown_transfer("cancelled", reason=HOSTILE, id=HOSTILE)),
        answer(shown_transfer("held", id=HOSTILE)),
        PlayedStream(
            answer({}),
            [
                b"data: %b\n\n" % json.dumps(shown_transfer("cancelled", reason=HOSTILE)).encode(),
            ],
        ),
    ],
)
def test_what_a_gateway_says_of_itself_cannot_move_the_cursor_either(gateway, step):
    gateway(step)

    ended = holdfast(*(("transfer", USER, "--follow") if isinstance(step, PlayedStream) else SEND))

    assert ended.code != 0
    assert r"\x1b]0;owned\x07\u202e" in ended.out + ended.err
    assert all(c.isprintable() for c in (ended.out + ended.err).replace("\n", ""))


def test_a_login_is_kept_as_it_was_asked_for_and_not_as_a_gateway_says(gateway, logins: Logins):
    token = {"access_token": "a.b.c", "token_type": "Bearer", "expires_in": 60}
    gateway(answer(token), answer({**USER_SHOWN, "email": f"$(reboot){HOSTILE}@example.com"}))

    ended = holdfast("login", "Carl@example.com", "--password-stdin", stdin="a password\n")

    assert HOSTILE[0] not in ended.out
    assert logins.all()[0].email == "carl@example.com"


def test_a_token_for_longer_than_there_is_time_is_none(gateway):
    gateway(answer({"access_token": "a.b.c", "token_type": "Bearer", "expires_in": 10**18}))

    ended = holdfast("login", ALICE, "--password-stdin", stdin="a password\n")

    assert (ended.code, "/expires_in is not what" in said(ended)) == (2, True)


def events(*statuses: str) -> list[bytes]:
    return [
        f"id: {n}\nevent: {s}\ndata: {json.dumps(shown_transfer(s))}\n\n".encode()
        for n, s in enumerate(statuses)
    ]


@pytest.mark.parametrize(("last", "code"), [("completed", 0), ("cancelled", 1)])
def test_a_transfer_is_followed_to_its_end(gateway, last, code):
    gateway(PlayedStream(answer({}), events("held", last)))

    ended = holdfast("transfer", USER, "--follow")
    told = holdfast("transfer", USER, "--follow", "--json")

    assert [line.split()[-1] for line in ended.out.splitlines()[:2]] == ["held", last]
    assert [json.loads(line)["status"] for line in told.out.splitlines()] == ["held", last]
    assert (ended.code, told.code) == (code, code)


def broken(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{**entries[0], "counterparty": USER}, *entries[1:]]


def test_entries_are_verified_and_a_broken_one_is_named(gateway):
    entries = shown_entries(4)
    gateway(answer({"data": entries, "next_cursor": None}))
    assert "OK: 4 entries verified, from the first" in holdfast("history", "--verify").out
    assert "OK: 2 entries verified, those" in holdfast("history", "--verify", "--limit", "2").out

    gateway(answer({"data": entries[:-1], "next_cursor": None}))
    missing = holdfast("history", "--verify", "--all")
    assert (missing.code, "the entries before it are missing" in missing.err) == (1, True)

    gateway(answer({"data": broken(entries), "next_cursor": None}))
    wrong = holdfast("history", "--verify", "--json")
    assert (wrong.code, wrong.out, "its hash is not" in wrong.err) == (1, "", True)


# --- who is logged in


def test_login_keeps_a_token_and_logout_forgets_it(gateway, logins: Logins):
    token = {"access_token": "a.b.c", "token_type": "Bearer", "expires_in": 60}
    gateway(answer(token), answer({**USER_SHOWN, "email": "carl@example.com"}))

    ended = holdfast("login", "Carl@example.com", "--password-stdin", stdin="a password\n")

    assert f"Logged in as carl@example.com on {URL} until " in ended.out
    assert "a.b.c" not in ended.out
    kept = logins.path.read_text()
    assert ("a.b.c" in kept, "a password" in kept) == (True, False)
    assert [one["current"] for one in holdfast("whoami", "--json").json] == [True, False, False]

    assert holdfast("logout").code == 0
    assert [login.email for login in logins.all()] == [ALICE, BOB]
    assert holdfast("logout", BOB).code == 0
    assert holdfast("logout", BOB).code == 2
    assert [one["email"] for one in holdfast("logout", "--all", "--json").json] == [ALICE]
    assert "holdfast login EMAIL" in said(holdfast("whoami"))


def test_a_wrong_password_is_a_no(gateway):
    gateway(problem(401, "invalid_credentials"))

    ended = holdfast("login", ALICE, "--password-stdin", stdin="wrong\n")

    assert (ended.code, "check the e-mail and the password" in said(ended)) == (1, True)


def test_the_login_that_was_named_is_the_next_one_taken(gateway, logins: Logins):
    gateway(answer({"user_id": OTHER, "accounts": []}))

    holdfast("balance", "--as", BOB)

    assert [login.email for login in logins.all()] == [BOB, ALICE]
