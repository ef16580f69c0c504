"""The client verifies what the ledger shows: hashes, and the chain that they make."""

import json
import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from client import BrokenChainError, Entry, EntryChain, EntryKind, entry_hash
from client.entry_hash import canonical
from client.fields import Fields
from tests.unit.client_rig import HEAD, OTHER, USER, Script, answer, session_of

PAGE = (Path(__file__).parents[2] / "docs/http-api.md").read_text("utf-8")
SECTION = PAGE.partition("\n## The hash of an entry\n")[2]
SHOWN: dict[str, Any] = json.loads(
    re.findall(r"^```json\n(.*?)^```$", SECTION, re.MULTILINE | re.DOTALL)[0]
)
EXAMPLE = Entry.read(Fields(SHOWN, HEAD))


def test_the_documented_example_has_its_string_and_its_hash():
    string = re.findall(r"^```text\n(.*)\n```$", SECTION, re.MULTILINE)[1]

    assert canonical(EXAMPLE, user_id=USER) == string
    assert entry_hash(EXAMPLE, user_id=USER.upper()) == SHOWN["hash"]


# Every field that the hash covers, changed a little.
CORRUPTIONS: dict[str, Any] = {
    "seq": 3,
    "currency": "USD",
    "amount": "-12.51",
    "balance_after": "87.51",
    "kind": EntryKind.TRANSFER_IN,
    "transfer_id": None,
    "counterparty": USER,
    "at": EXAMPLE.at + timedelta(microseconds=1),
    "prev_hash": "0" * 64,
}


@pytest.mark.parametrize("field", CORRUPTIONS)
def test_a_corrupted_copy_has_another_hash(field):
    corrupted = replace(EXAMPLE, **{field: CORRUPTIONS[field]})

    with pytest.raises(BrokenChainError, match="its hash is not that"):
        EntryChain(USER).see(corrupted)


def test_an_entry_of_another_wallet_is_none_of_this_one():
    with pytest.raises(BrokenChainError):
        EntryChain(OTHER).see(EXAMPLE)


def test_no_field_is_left_out_of_the_corruptions():
    # `balance_before` is not in the hash: the balances are compared.
    assert CORRUPTIONS.keys() | {"hash", "balance_before"} == set(SHOWN)


def sealed(entry: Entry, **changed: Any) -> Entry:
    """With a hash that fits."""
    made = replace(entry, **changed)
    return replace(made, hash=entry_hash(made, user_id=USER))


def chain(currency: str = "EUR", length: int = 4) -> list[Entry]:
    """Deposits of 1.00, newest first."""
    entries: list[Entry] = []
    for seq in range(1, length + 1):
        entry = sealed(
            EXAMPLE,
            seq=seq,
            currency=currency,
            amount="1.00",
            balance_before=f"{seq - 1}.00",
            balance_after=f"{seq}.00",
            kind=EntryKind.DEPOSIT,
            transfer_id=None,
            counterparty=None,
            prev_hash=entries[-1].hash if entries else "0" * 64,
        )
        entries.append(entry)
    return entries[::-1]


def verify(entries: list[Entry]) -> int:
    seen = EntryChain(USER)
    for entry in entries:
        seen.see(entry)
    seen.end()
    return seen.entries


def test_a_whole_chain_is_verified_accounts_mixed():
    mixed = [entry for pair in zip(chain("EUR"), chain("BTC"), strict=True) for entry in pair]

    assert verify(mixed) == 8


def changed_at(index: int, **changed: Any) -> list[Entry]:
    entries = chain()
    entries[index] = sealed(entries[index], **changed)
    return entries


@pytest.mark.parametrize(
    ("entries", "seq", "why"),
    [
        (chain()[:1] + chain()[2:], 4, "it follows entry 2"),
        (chain()[:3], 2, "the entries before it are missing"),
        (changed_at(2, amount="2.00"), 2, "do not differ by its amount"),
        (changed_at(1, balance_after="9.00", amount="7.00"), 4, "prev_hash is not"),
        (changed_at(0, balance_before="2.00", balance_after="3.00"), 4, "does not begin with"),
        (changed_at(2, kind=EntryKind.WITHDRAWAL), 3, "prev_hash is not"),
        (changed_at(3, prev_hash="f" * 64), 2, "prev_hash is not"),
    ],
    ids=["a gap", "no beginning", "a sum", "a balance", "a jump", "a kind", "a first"],
)
def test_which_entry_broke_and_why_is_told(entries, seq, why):
    with pytest.raises(BrokenChainError, match=why) as broken:
        verify(entries)

    assert (broken.value.currency, broken.value.seq) == ("EUR", seq)
    assert f"entry {seq} of EUR" in str(broken.value)


def test_a_first_entry_that_does_not_begin_at_nothing_is_told():
    first = sealed(chain()[-1], balance_before="5.00", balance_after="6.00")
    headless = sealed(chain()[-1], prev_hash="f" * 64)

    for entry in (first, headless):
        with pytest.raises(BrokenChainError, match="does not begin at nothing"):
            verify([entry])


async def test_a_chain_is_verified_while_its_pages_are_read():
    def shown(entry: Entry) -> dict[str, Any]:
        names = ("seq", "currency", "amount", "balance_before", "balance_after", "kind")
        ids = ("transfer_id", "counterparty", "hash", "prev_hash")
        return {**{name: getattr(entry, name) for name in (*names, *ids)}, "at": SHOWN["at"]}

    newest, *older = map(shown, chain())
    first, second = (
        answer({"data": [newest], "next_cursor": "c"}),
        answer({"data": older, "next_cursor": None}),
    )
    session = session_of(Script(first, second, first, answer({"data": [], "next_cursor": None})))

    assert [entry.seq async for entry in session.entries.verified()] == [4, 3, 2, 1]
    with pytest.raises(BrokenChainError, match="entry 4 of EUR"):
        _ = [entry async for entry in session.entries.verified()]
