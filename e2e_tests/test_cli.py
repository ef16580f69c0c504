"""The command line of people against a whole system: what they type, read and are told."""

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE, create_subprocess_exec
from pathlib import Path
from typing import Any

import pytest

from cli.wallet.logins import Logins
from e2e_tests.client import PASSWORD, Client, Member
from e2e_tests.operators import act
from e2e_tests.system import System
from sagas.operators import UserAct
from tests.unit.cli_rig import ALICE, BOB, Ended, as_nobody, holdfast

# The command, also where whoever runs the tests has it ignored: a child inherits that.
HEARS_CTRL_C = (
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler);"
    " from cli.main import main; main()"
)
ROOT = Path(__file__).parents[1]


@pytest.fixture
def logins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Logins:
    """A shell of somebody who has never logged in, in an empty folder."""
    folder = tmp_path / "shell"
    folder.mkdir()
    return as_nobody(folder, monkeypatch)


async def told(*args: str, stdin: str = "", code: int = 0) -> Ended:
    """A command that ends with this code; the gateway of this process answers meanwhile."""
    ended = await asyncio.to_thread(holdfast, *args, stdin=stdin)
    assert ended.code == code, ended
    return ended


async def shown(*args: str, stdin: str = "") -> Any:
    """What a command that ends well shows as JSON."""
    return (await told(*args, "--json", stdin=stdin)).json


async def sign_up(email: str, gateway: str = "") -> str:
    """Registers and logs in; returns the id of the user."""
    where = ("--gateway", gateway) if gateway else ()
    user = await shown("register", email, "--password-stdin", *where, stdin=PASSWORD)
    await told("login", email, "--password-stdin", *where, stdin=PASSWORD)
    assert user["email"] == email
    return str(user["id"])


async def test_a_wallet_from_registering_to_refunding(running: Client, logins: Logins):
    bob = await sign_up(BOB, running.base)
    # From the first login on the gateway is known, in whatever folder.
    alice = await sign_up(ALICE)
    assert PASSWORD not in logins.path.read_text(encoding="utf-8")
    taken = await told("register", ALICE, "--password-stdin", stdin=PASSWORD, code=1)
    assert "(email_taken, trace " in taken.err
    await told("login", ALICE, "--password-stdin", stdin="not the password", code=1)
    assert [one["email"] for one in await shown("whoami")] == [ALICE, BOB]

    assert (await shown("deposit", "100", "EUR"))["balance_after"] == "100.00"
    assert (await shown("withdraw", "10.00", "eur"))["balance_after"] == "90.00"
    too_much = await told("withdraw", "90.01", "EUR", code=1)
    assert "insufficient_funds" in too_much.err

    send = ("send", ALICE, BOB, "12.50", "EUR", "--key", "order-7", "--metadata", "order=7")
    sent = await shown(*send)
    again = await shown(*send)
    assert (sent["status"], sent["payee_id"], sent["metadata"]) == (
        "completed",
        bob,
        {"order": "7"},
    )
    assert (sent["replayed"], again["replayed"], again["id"]) == (False, True, sent["id"])
    await told("send", ALICE, "nobody@example.com", "1.00", "EUR", code=1)
    followed = await told("transfer", sent["id"], "--follow")
    assert [line.split()[-1] for line in followed.out.splitlines()[:3]] == [
        "held",
        "debited",
        "completed",
    ]
    (kept,) = [login for login in logins.all() if login.email == ALICE]
    reader = Member(kept.user_id, kept.email, kept.token)
    assert (
        await shown("transfer", sent["id"]) == (await running.get_transfer(reader, sent["id"])).body
    )
    await told("cancel", sent["id"], code=1)

    hold = await shown("hold", BOB, "20.00", "EUR", "--expires-in", "600")
    part = await shown("capture", hold["id"], "8.00", "--keep-open", "--as", BOB)
    assert (part["status"], part["hold_id"]) == ("completed", hold["id"])
    assert (await shown("void", hold["id"]))["status"] == "voided"
    await told("capture", hold["id"], code=1)
    held = await shown("holds", "--status", "voided", "--as", ALICE)
    assert [(one["id"], one["captured"]) for one in held] == [(hold["id"], "8.00")]

    refund = await shown("refund", sent["id"], "2.50", "--as", BOB)
    assert (refund["refund_of"], refund["status"]) == (sent["id"], "completed")

    (account,) = (await shown("balance", "--as", ALICE))["accounts"]
    assert (account["currency"], account["balance"], account["held"]) == ("EUR", "72.00", "0.00")
    (before,) = (await shown("balance", "EUR", "--at", "2020-01-01"))["accounts"]
    assert before["balance"] == "0.00"
    entries = await shown("history", "--verify", "--all")
    assert [entry["balance_after"] for entry in entries][:2] == ["72.00", "69.50"]
    assert "OK: 5 entries verified" in (await told("history", "--verify")).out
    listed = await shown("transfers", "--direction", "in")
    assert [transfer["id"] for transfer in listed] == [refund["id"]]
    assert alice in (await told("transfers", "--as", BOB)).out

    await told("logout", "--all")
    nobody = await told("balance", "--gateway", running.base, code=2)
    assert f"not logged in on {running.base}: holdfast login EMAIL" in nobody.err


async def test_operators_act_over_http(system: System, client: Client, logins: Logins):
    operator, customer = await sign_up(ALICE, client.base), await sign_up(BOB)
    freeze = ("operator", "freeze", BOB, "--reason", "asked", "--as", ALICE)
    assert "operator_only" in (await told(*freeze, code=1)).err
    await act(system, operator, UserAct.MAKE_OPERATOR)
    await told("login", ALICE, "--password-stdin", stdin=PASSWORD)

    assert (await shown(*freeze))["status"] == "frozen"
    frozen = await told("withdraw", "1.00", "EUR", "--as", BOB, code=1)
    assert "payer_frozen" in frozen.err
    unfreeze = ("operator", "unfreeze", customer, "--reason", "asked", "--as", ALICE)
    assert (await shown(*unfreeze))["status"] == "open"
    await told("deposit", "10.00", "EUR", "--as", BOB)
    limit = ("operator", "limit", BOB, "EUR")
    assert (await shown(*limit, "5.00", "--as", ALICE))["daily"] == "5.00"
    assert "limit_exceeded" in (await told("withdraw", "6.00", "EUR", "--as", BOB, code=1)).err
    assert (await shown(*limit, "none", "--as", ALICE))["daily"] is None
    seen = await shown("operator", "show", BOB)
    assert (seen["user"]["id"], seen["wallet"]["accounts"][0]["balance"]) == (customer, "10.00")
    made = ("operator", "currency", "PTS", "--name", "Points", "--decimals")
    assert (await shown(*made, "0", "--disable"))["enabled"] is False
    assert "decimals_fixed" in (await told(*made, "1", code=1)).err
    close = ("operator", "close", BOB, "--reason", "asked")
    assert "not_empty" in (await told(*close, code=1)).err
    await told("withdraw", "10.00", "EUR", "--as", BOB)
    assert (await shown(*close, "--as", ALICE))["status"] == "closed"

    acts = [one["act"] for one in await shown("operator", "trail", "--target", customer)]
    assert acts == [
        "user.close",
        "account.set_limit",
        "account.set_limit",
        "user.unfreeze",
        "user.freeze",
    ]


async def test_what_is_waited_for_is_told_while_it_happens(
    system: System, client: Client, logins: Logins
):
    await sign_up(BOB, client.base)
    await sign_up(ALICE)
    await told("deposit", "10.00", "EUR")
    send = ("send", ALICE, BOB, "1.00", "EUR", "--no-wait")
    first, second = await shown(*send), await shown(*send)
    assert (first["status"], second["status"]) == ("held", "held")

    # Ctrl-C, in a process of its own.
    process = await create_subprocess_exec(
        *(sys.executable, "-c", HEARS_CTRL_C, "transfer", first["id"], "--follow"),
        stdout=PIPE,
        stderr=PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert process.stdout is not None
    async with asyncio.timeout(30):
        line = await process.stdout.readline()
        assert line.endswith(b"  held\n"), await process.communicate()
        process.send_signal(signal.SIGINT)
        rest, error = await process.communicate()
    assert (process.returncode, rest) == (130, b"")
    assert error.decode() == (
        f"holdfast: stopped; it goes on by itself: holdfast transfer {first['id']} --follow\n"
    )

    assert (await shown("cancel", first["id"]))["status"] == "cancelled"
    cancelled = await told("transfer", first["id"], "--follow", code=1)
    assert "was cancelled (cancelled_by_payer), not completed" in cancelled.err

    async with asyncio.TaskGroup() as tasks:
        following = tasks.create_task(told("transfer", second["id"], "--follow", "--json"))
        await system.start_worker()
    lines = [json.loads(line) for line in following.result().out.splitlines()]
    assert [line["status"] for line in lines] == ["held", "debited", "completed"]
