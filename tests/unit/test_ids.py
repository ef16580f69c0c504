"""Ids that carry their bucket, and the hash that places a user."""

import random
import sys
from itertools import pairwise
from uuid import RFC_4122, UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shards.ids import (
    BUCKETS_MAX,
    RandomIds,
    bucket_of,
    currency_bucket,
    email_bucket,
    is_our_id,
    normalise_email,
    stable_hash,
)

BUCKET = st.integers(0, BUCKETS_MAX - 1)
MILLISECONDS = st.integers(0, 2**48 - 1)


def ids_at(*milliseconds: int) -> RandomIds:
    times = iter(milliseconds)
    return RandomIds(random.Random(7), lambda: next(times))


@given(BUCKET, MILLISECONDS)
def test_an_id_carries_its_bucket(bucket: int, at: int):
    assert bucket_of(ids_at(at).new_id(bucket)) == bucket


@given(BUCKET, MILLISECONDS)
def test_an_id_is_a_uuid_of_version_8(bucket: int, at: int):
    id_ = ids_at(at).new_id(bucket)

    assert (id_.version, id_.variant) == (8, RFC_4122)


@given(BUCKET, BUCKET, st.lists(MILLISECONDS, min_size=2, unique=True).map(sorted))
def test_ids_sort_by_time_whatever_their_buckets(one: int, other: int, times: list[int]):
    ids = ids_at(*times)
    made = [ids.new_id(one if n % 2 else other) for n in range(len(times))]

    assert all(earlier < later for earlier, later in pairwise(made))
    assert [str(id_) for id_ in made] == sorted(str(id_) for id_ in made)


def test_the_layout_of_an_id_does_not_change():
    id_ = ids_at(0x0198_1234_5678).new_id(0xABC)

    assert str(id_).startswith("01981234-5678-8abc-")


def test_two_ids_of_one_millisecond_and_bucket_differ():
    ids = RandomIds(milliseconds=lambda: 1)

    assert len({ids.new_id(3) for _ in range(1_000)}) == 1_000


def test_jitter_comes_from_the_injected_source():
    assert RandomIds(random.Random(1)).jitter() == random.Random(1).random()


@pytest.mark.parametrize(
    ("text", "ours"),
    [
        ("01981234-5678-8007-8000-000000000000", True),
        ("01981234-5678-8008-8000-000000000000", False),
        ("01981234-5678-4007-8000-000000000000", False),
        ("01981234-5678-7007-8000-000000000000", False),
        ("01981234-5678-8007-0000-000000000000", False),
        ("00000000-0000-0000-0000-000000000000", False),
        ("ffffffff-ffff-ffff-ffff-ffffffffffff", False),
    ],
)
def test_only_version_8_with_a_bucket_below_the_number_is_ours(text: str, ours: bool):
    assert is_our_id(UUID(text), 8) is ours


@pytest.mark.parametrize(
    ("text", "hashed"),
    [
        ("", 0xE3B0C44298FC1C14),
        ("abc", 0xBA7816BF8F01CFEA),
        ("alice@example.com", 0xFF8D9819FC0E12BF),
    ],
)
def test_the_hash_is_the_head_of_sha_256_for_ever(text: str, hashed: int):
    assert stable_hash(text) == hashed


@pytest.mark.parametrize(
    ("email", "bucket"), [("alice@example.com", 31), ("bob@example.com", 12), ("é@example.com", 31)]
)
def test_a_user_is_placed_where_it_always_was(email: str, bucket: int):
    assert email_bucket(email, 32) == bucket


@pytest.mark.parametrize(("code", "bucket"), [("EUR", 29), ("USD", 4), ("BTC", 15)])
def test_a_currency_is_placed_where_it_always_was(code: str, bucket: int):
    assert currency_bucket(code, 32) == bucket


@pytest.mark.parametrize(
    ("email", "normal"),
    [
        ("Alice@Example.COM", "alice@example.com"),
        ("E\u0301lise@example.com", "\u00e9lise@example.com"),
        ("\u212aate@example.com", "kate@example.com"),
        ("J\u030c@example.com", "\u01f0@example.com"),
    ],
    ids=["case", "composed", "kelvin-sign", "composed-after-lower"],
)
def test_spellings_of_an_email_are_one(email: str, normal: str):
    assert normalise_email(email) == normal


@given(st.text())
def test_normalising_an_email_twice_changes_nothing(email: str):
    once = normalise_email(email)

    assert normalise_email(once) == once


def test_normalising_each_character_there_is_twice_changes_nothing():
    characters = [chr(n) for n in range(sys.maxunicode + 1)]

    once = [normalise_email(character) for character in characters]

    assert [normalise_email(character) for character in once] == once
