"""POST /users, POST /auth/login and GET /me."""

import json
import unicodedata
from datetime import UTC, datetime, timedelta
from uuid import UUID

import jwt

from e2e_tests.answers import NO_OBJECTS, at_once, fields, refused, unchanged
from e2e_tests.client import Answer, Client
from e2e_tests.operators import set_status
from e2e_tests.system import System

PASSWORD = "correct horse battery"


async def register(client: Client, **body: object) -> Answer:
    """A registration with a good password, unless told otherwise."""
    return await client.call("POST", "/v1/users", {"password": PASSWORD, **body})


async def login(client: Client, email: object, password: object = PASSWORD) -> Answer:
    """A login."""
    return await client.call("POST", "/v1/auth/login", {"email": email, "password": password})


async def test_a_user_is_created_open_with_an_id_and_nothing_secret(client: Client):
    answer = await register(client, email="alice@example.com", name="Älice 😀")

    assert answer.status == 201
    assert answer.headers["Content-Type"] == "application/json"
    user = dict(answer.body)
    created_at = datetime.fromisoformat(user.pop("created_at"))
    assert UUID(user["id"]).version == 8
    assert user.pop("id") == str(UUID(answer.body["id"]))
    assert user == {"email": "alice@example.com", "name": "Älice 😀", "status": "open"}
    assert abs(datetime.now(UTC) - created_at) < timedelta(seconds=30)


async def test_a_name_is_kept_whole_or_left_out(client: Client):
    for number, name in enumerate(["😀" * 200, "", "<b>'\"\r\n", None, ...]):
        body = {"name": name} if name is not ... else {}
        answer = await register(client, email=f"{number}@example.com", **body)
        assert (answer.status, answer.body["name"]) == (201, body.get("name")), name


GOOD_EMAILS = {
    "a@b": "a@b",
    "USER@Example.COM": "user@example.com",
    "x@localhost": "x@localhost",
    "x@example.invalid": "x@example.invalid",
    "x+tag.y@[127.0.0.1]": "x+tag.y@[127.0.0.1]",
    unicodedata.normalize("NFD", "jösé@exämple.com"): "jösé@exämple.com",
    "l" * 249 + "@b.io": "l" * 249 + "@b.io",
}


async def test_emails_are_looked_at_for_their_form_only_and_stored_in_one_spelling(client: Client):
    for sent, stored in GOOD_EMAILS.items():
        answer = await register(client, email=sent)

        assert (answer.status, answer.body["email"]) == (201, stored), sent


async def test_passwords_of_8_to_200_characters_work(client: Client):
    for number, password in enumerate(["8 chars!", "x" * 200, "😀" * 200, "  \t\n    "]):
        email = f"{number}@example.com"
        assert (await register(client, email=email, password=password)).status == 201, password
        assert (await login(client, email, password)).status == 200
        assert (await login(client, email, password[:-1] + "~")).status == 401


WRONG = "invalid_value"
REFUSED_FIELDS: list[tuple[object, list[tuple[str, str]]]] = [
    ({}, [("/email", "missing"), ("/password", "missing")]),
    ({"email": "a@b"}, [("/password", "missing")]),
    *[
        ({"email": email, "password": PASSWORD}, [("/email", WRONG)])
        for email in (
            *("", "a", "a@", "@b", "@", "@@", "a@b@c", "a b@c", "a@b\n", "\ta@b", "a\0@b"),
            "l" * 250 + "@b.io",
            "\u0085a@b",
        )
    ],
    *[
        ({"email": email, "password": PASSWORD}, [("/email", "wrong_type")])
        for email in (None, 5, 1.5, True, [], ["a@b"], {"a": "b"})
    ],
    *[
        ({"email": "a@b", "password": password}, [("/password", WRONG)])
        for password in ("", "7 chars", "x" * 201, "with \0 inside")
    ],
    ({"email": "a@b", "password": 12345678}, [("/password", "wrong_type")]),
    ({"email": "a@b", "password": PASSWORD, "name": "x" * 201}, [("/name", WRONG)]),
    ({"email": "a@b", "password": PASSWORD, "name": "\0"}, [("/name", WRONG)]),
    ({"email": "a@b", "password": PASSWORD, "name": 5}, [("/name", "wrong_type")]),
    *[
        ({"email": "a@b", "password": PASSWORD, name: "x"}, [(f"/{name}", "unknown_field")])
        for name in ("id", "role", "status", "created_at", "password_hash", "Email")
    ],
    (
        {"email": 5, "password": "short", "name": [], "role": "operator"},
        [
            ("/email", "wrong_type"),
            ("/password", WRONG),
            ("/name", "wrong_type"),
            ("/role", "unknown_field"),
        ],
    ),
    *[(body, [("", "wrong_type")]) for body in NO_OBJECTS],
]


async def test_each_wrong_field_of_a_registration_is_named(system: System, client: Client):
    async with unchanged(system):
        for body, wrong in REFUSED_FIELDS:
            answer = await client.call("POST", "/v1/users", data=json.dumps(body).encode())
            assert sorted(fields(answer)) == sorted(wrong), body


async def test_a_taken_email_is_409_in_every_spelling(system: System, client: Client):
    await register(client, email="jösé@example.com")

    async with unchanged(system):
        for email in ["jösé@example.com", "JÖSÉ@EXAMPLE.COM", "jo\u0308se\u0301@example.com"]:
            assert refused(await register(client, email=email)) == (409, "email_taken"), email


async def test_of_many_registrations_at_once_from_two_gateways_one_wins(
    system: System, client: Client
):
    other = await system.start_gateway()

    answers = await at_once(
        *(register(gateway, email="a@example.com") for gateway in (client, other) * 4)
    )

    assert sorted(answer.status for answer in answers) == [201] + [409] * 7
    assert len(await system.sql_everywhere("SELECT id FROM users")) == 1


async def test_a_login_gives_a_token_for_24_hours(client: Client):
    user = (await register(client, email="alice@example.com")).body

    answer = await login(client, "ALICE@example.com")

    assert answer.status == 200
    assert set(answer.body) == {"access_token", "token_type", "expires_in"}
    assert (answer.body["token_type"], answer.body["expires_in"]) == ("Bearer", 86_400)
    claims = jwt.decode(answer.body["access_token"], options={"verify_signature": False})
    assert claims["sub"] == user["id"]
    assert claims["exp"] - claims["iat"] == 86_400
    assert {"aud", "iss"} <= set(claims)


async def test_wrong_email_and_wrong_password_answer_alike(system: System, client: Client):
    await register(client, email="alice@example.com")

    async with unchanged(system):
        answers = [
            await login(client, "alice@example.com", "wrong horse battery"),
            await login(client, "alice@example.com", PASSWORD + " "),
            await login(client, "alice@example.com", ""),
            await login(client, "alice@example.com", "x" * 10_000),
            await login(client, "nobody@example.com"),
            await login(client, "no e-mail at all"),
            await login(client, "l" * 10_000 + "@example.com"),
        ]

    assert {refused(answer) for answer in answers} == {(401, "invalid_credentials")}
    assert len({answer.body["detail"] for answer in answers}) == 1
    assert {answer.headers["WWW-Authenticate"] for answer in answers} == {"Bearer"}


async def test_each_wrong_field_of_a_login_is_named(system: System, client: Client):
    cases: list[tuple[object, list[tuple[str, str]]]] = [
        ({}, [("/email", "missing"), ("/password", "missing")]),
        ({"email": 5, "password": None}, [("/email", "wrong_type"), ("/password", "wrong_type")]),
        ({"email": "a\0@b", "password": "\0"}, [("/email", WRONG), ("/password", WRONG)]),
        ({"email": "a@b", "password": PASSWORD, "otp": "1"}, [("/otp", "unknown_field")]),
        *[(body, [("", "wrong_type")]) for body in NO_OBJECTS],
    ]

    async with unchanged(system):
        for body, wrong in cases:
            sent = json.dumps(body).encode()
            assert fields(await client.call("POST", "/v1/auth/login", data=sent)) == wrong, body


async def test_me_is_the_user_that_was_registered(client: Client):
    user = (await register(client, email="alice@example.com", name="Alice")).body
    token = (await login(client, "alice@example.com")).body["access_token"]

    answer = await client.call("GET", "/v1/me", headers={"Authorization": f"Bearer {token}"})

    assert (answer.status, answer.body) == (200, user)


async def test_frozen_and_closed_users_may_log_in_and_read(system: System, client: Client):
    alice = await client.member(EUR="5.00")
    await client.withdraw(alice, "5.00")

    for status in ("frozen", "closed"):
        await set_status(system, alice.id, status)
        assert (await login(client, alice.email)).status == 200
        assert (await client.call("GET", "/v1/me", by=alice)).body["status"] == status
        for path in ["", "/balances/EUR", "/entries", "/transfers"]:
            assert (await client.call("GET", alice.wallet + path, by=alice)).status == 200, path
