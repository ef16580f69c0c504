"""Who may do what: tokens, foreign and unknown ids, and the order in which a request is checked."""

import secrets
import time
from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import jwt

from e2e_tests.answers import raw, refused, unchanged
from e2e_tests.client import Answer, Client, Member, new_key
from e2e_tests.system import BUCKETS, System
from shards.ids import RandomIds, bucket_of

_BAD_IDS = [
    "0",
    "me",
    "null",
    "%00",
    "%ff",
    "..%2f..%2fme",
    "%7B{id}%7D",
    "urn:uuid:{id}",
    "{id}0",
    "%20{id}",
    "{id}%0A",
    "１2345678-1234-8234-9234-123456789012",
    "x" * 3000,
    "'%20OR%201=1--",
]


def wallet_routes(wallet_id: str) -> list[tuple[str, str]]:
    """Every route of a wallet."""
    wallet = f"/v1/wallets/{wallet_id}"
    return [
        ("GET", wallet),
        ("GET", f"{wallet}/balances/EUR"),
        ("GET", f"{wallet}/entries"),
        ("GET", f"{wallet}/transfers"),
        ("POST", f"{wallet}/deposits"),
        ("POST", f"{wallet}/withdrawals"),
        ("POST", f"{wallet}/transfers"),
        ("POST", f"{wallet}/holds"),
    ]


def transfer_routes(transfer_id: str) -> list[tuple[str, str]]:
    """Every route of a transfer."""
    return [
        ("GET", f"/v1/transfers/{transfer_id}"),
        ("POST", f"/v1/transfers/{transfer_id}/cancel"),
        ("POST", f"/v1/transfers/{transfer_id}/refunds"),
    ]


def hold_routes(hold_id: str) -> list[tuple[str, str]]:
    """Every route of a hold."""
    return [
        ("GET", f"/v1/holds/{hold_id}"),
        ("POST", f"/v1/holds/{hold_id}/capture"),
        ("POST", f"/v1/holds/{hold_id}/void"),
    ]


def limit_route(wallet_id: str) -> tuple[str, str]:
    """What only operators may ask for."""
    return ("PUT", f"/v1/wallets/{wallet_id}/limits/EUR")


async def ask(
    client: Client, method: str, path: str, by: Member, *, headers: dict[str, str] | None = None
) -> Answer:
    """A good request for any of these routes."""
    money = {"currency": "EUR", "amount": "1.00"}
    if path.endswith(("/transfers", "/holds")):
        money["to"] = f"nobody-{secrets.token_hex(4)}@example.com"
    moves = method == "POST" and path.startswith("/v1/wallets/")
    body = money if moves else {"daily": "1.00"} if method == "PUT" else None
    return await client.call(method, path, body, by=by, key=new_key(), headers=headers)


def unknown_ids(like: str) -> Iterator[str]:
    """Ids of the right form that nobody has, the first of them on the same shard as `like`."""
    for bucket in (bucket_of_text(like), 0, BUCKETS, 4095):
        yield str(RandomIds().new_id(bucket))
    yield str(uuid4())
    yield "00000000-0000-0000-0000-000000000000"
    yield "ffffffff-ffff-ffff-ffff-ffffffffffff"


def bucket_of_text(id_: str) -> int:
    """The bucket in an id."""
    return bucket_of(UUID(id_))


def forged(system: System, alice: Member) -> Iterator[str]:
    """Values of Authorization that prove nothing."""
    secret = system.settings.auth.jwt_secret.get_secret_value()
    good = jwt.decode(alice.token, options={"verify_signature": False})
    now = int(time.time())
    header, claims, signature = alice.token.split(".")

    def token(changed: dict[str, Any], key: str | None = secret, algorithm: str = "HS256") -> str:
        merged = {**good, **changed}
        kept = {name: value for name, value in merged.items() if value is not None}
        return "Bearer " + jwt.encode(kept, key, algorithm=algorithm)

    yield token({}, key=secrets.token_hex(32))
    yield token({}, key=None, algorithm="none")
    yield token({}, key=secret * 2, algorithm="HS512")
    yield from (token({name: None}) for name in ("exp", "iat", "sub", "aud", "iss"))
    yield token({"exp": now - 1})
    yield token({"exp": now + 60.5})
    yield token({"iat": now + 3600})
    yield token({"aud": "somebody"})
    yield token({"aud": ["holdfast", "somebody"]})
    yield token({"iss": "somebody"})
    yield token({"sub": "alice"})
    yield token({"role": "root"})
    yield token({"more": "x" * 4000})
    yield f"Bearer {header}.{claims}."
    yield f"Bearer {header}.{claims}"
    yield f"Bearer {header}.{claims}.{signature[:-4]}AAAA"
    yield f"Bearer {alice.token}, Bearer {alice.token}"
    yield "Bearer x"
    yield "Bearer"


async def test_a_forged_token_is_401_on_every_route(system: System, client: Client):
    alice, bob = await client.member(EUR="5.00"), await client.member()
    transfer = (await client.transfer(alice, bob, "1")).body["id"]
    routes = [
        ("GET", "/v1/me"),
        *wallet_routes(alice.id),
        *transfer_routes(transfer),
        *hold_routes((await client.hold(alice, bob, "1")).body["id"]),
        limit_route(alice.id),
    ]

    async with unchanged(system):
        for method, path in routes:
            for value in forged(system, alice):
                answer = await ask(client, method, path, alice, headers={"Authorization": value})
                assert refused(answer) == (401, "invalid_token"), (path, value)
                assert answer.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'


async def test_no_bearer_token_is_401_on_every_route(system: System, client: Client):
    alice = await client.member(EUR="5.00")
    routes = [
        ("GET", "/v1/me"),
        *wallet_routes(alice.id),
        *transfer_routes(alice.id),
        *hold_routes(alice.id),
        limit_route(alice.id),
    ]

    async with unchanged(system):
        for method, path in routes:
            for value in ["", "Basic YTpi", alice.token, f"Token {alice.token}"]:
                answer = await ask(client, method, path, alice, headers={"Authorization": value})
                assert refused(answer) == (401, "unauthenticated"), (path, value)
                assert answer.headers["WWW-Authenticate"] == "Bearer"
            assert refused(await client.call(method, path)) == (401, "unauthenticated"), path


async def test_two_tokens_are_401(client: Client):
    alice = await client.member()
    line = f"Authorization: Bearer {alice.token}\r\n"

    status, _, _ = await raw(client, f"GET /v1/me HTTP/1.1\r\nHost: x\r\n{line * 2}\r\n".encode())

    assert status == 401


async def test_the_scheme_is_case_insensitive(client: Client):
    alice = await client.member()

    answer = await client.call("GET", "/v1/me", headers={"Authorization": f"bEARER {alice.token}"})

    assert answer.status == 200


async def test_everything_foreign_is_404(system: System, client: Client):
    alice, bob = await client.member(EUR="9.00"), await client.member(EUR="9.00")
    carol = await client.member(EUR="9.00")
    transfer = (await client.transfer(alice, bob, "1")).body["id"]
    hold = (await client.hold(alice, bob, "1")).body["id"]
    routes = [
        *wallet_routes(alice.id),
        *wallet_routes(bob.id),
        *transfer_routes(transfer),
        *hold_routes(hold),
    ]

    async with unchanged(system):
        for method, path in routes:
            answer = await ask(client, method, path, carol)
            assert refused(answer) == (404, "not_found"), (method, path)


async def test_a_payee_is_a_stranger_to_the_payers_wallet(system: System, client: Client):
    alice, bob = await client.member(EUR="9.00"), await client.member()
    transfer = (await client.transfer(alice, bob, "1")).body["id"]

    async with unchanged(system):
        for method, path in wallet_routes(alice.id):
            assert refused(await ask(client, method, path, bob)) == (404, "not_found"), path
        assert (await client.get_transfer(bob, transfer)).status == 200
        assert refused(await client.cancel(bob, transfer)) == (403, "not_payer")
        assert refused(await client.refund(alice, transfer)) == (403, "not_payee")


async def test_unknown_and_malformed_ids_are_404_like_foreign_ones(system: System, client: Client):
    alice, bob = await client.member(EUR="5.00"), await client.member()
    foreign = await client.call("GET", bob.wallet, by=alice)
    bad = [text.replace("{id}", alice.id) for text in _BAD_IDS]
    ids = [*unknown_ids(alice.id), *bad]

    async with unchanged(system):
        for method, path in [
            route
            for id_ in ids
            for route in wallet_routes(id_) + transfer_routes(id_) + hold_routes(id_)
        ]:
            answer = await ask(client, method, path, alice)
            assert refused(answer) == (404, "not_found"), (method, path)
            assert {**answer.body, "trace_id": ""} == {**foreign.body, "trace_id": ""}


async def test_ids_may_be_in_upper_case(client: Client):
    alice, bob = await client.member(EUR="5.00"), await client.member()
    transfer = (await client.transfer(alice, bob, "1")).body["id"].upper()
    hold = (await client.hold(alice, bob, "1")).body["id"].upper()
    reads = [r for r in wallet_routes(alice.id.upper()) if r[0] == "GET"]

    for method, path in [
        *reads,
        ("GET", f"/v1/transfers/{transfer}"),
        ("GET", f"/v1/holds/{hold}"),
    ]:
        assert (await ask(client, method, path, alice)).status == 200, path
    assert (await client.cancel(alice, transfer)).status == 200
    assert (await client.void(bob, hold)).status == 200


async def test_a_token_of_a_user_that_does_not_exist_opens_nothing(system: System, client: Client):
    alice = await client.member()
    nobody = str(RandomIds().new_id(bucket_of_text(alice.id)))
    claims = jwt.decode(alice.token, options={"verify_signature": False})
    secret = system.settings.auth.jwt_secret.get_secret_value()
    ghost = Member(nobody, "", jwt.encode({**claims, "sub": nobody}, secret))

    async with unchanged(system):
        assert refused(await client.call("GET", "/v1/me", by=ghost)) == (401, "invalid_token")
        for method, path in wallet_routes(nobody):
            assert refused(await ask(client, method, path, ghost)) == (404, "not_found"), path


async def test_a_post_is_checked_in_the_order_401_404_400_422(system: System, client: Client):
    alice, bob = await client.member(EUR="5.00"), await client.member()

    async with unchanged(system):
        for path in ["deposits", "withdrawals", "transfers", "holds"]:
            mine, his = f"{alice.wallet}/{path}", f"{bob.wallet}/{path}"
            answers = [
                await client.call("POST", his, data=b"{"),
                await client.call("POST", his, data=b"{", by=alice),
                await client.call("POST", mine, {"amount": 5}, by=alice),
                await client.call("POST", mine, data=b"{", by=alice, key=new_key()),
                await client.call("POST", mine, {"amount": 5}, by=alice, key=new_key()),
            ]
            assert [refused(answer)[0] for answer in answers] == [401, 404, 400, 400, 422]


async def test_a_cancel_is_checked_in_the_order_401_404_403_400_422(system: System, client: Client):
    alice, bob = await client.member(EUR="5.00"), await client.member()
    carol = await client.member()
    path = f"/v1/transfers/{(await client.transfer(alice, bob, '1')).body['id']}/cancel"

    async with unchanged(system):
        answers = [
            await client.call("POST", path, data=b"{"),
            await client.call("POST", path, data=b"{", by=carol),
            await client.call("POST", path, data=b"{", by=bob),
            await client.call("POST", path, data=b"{", by=alice),
            await client.call("POST", path, {"reason": "mine"}, by=alice),
        ]

    assert [refused(answer)[0] for answer in answers] == [401, 404, 403, 400, 422]


async def test_a_refund_is_checked_in_the_order_401_404_403_400_422_409(
    system: System, client: Client
):
    alice, bob = await client.member(EUR="5.00"), await client.member()
    carol = await client.member()
    path = f"/v1/transfers/{(await client.transfer(alice, bob, '1')).body['id']}/refunds"

    async with unchanged(system):
        answers = [
            await client.call("POST", path, data=b"{"),
            await client.call("POST", path, data=b"{", by=carol),
            await client.call("POST", path, data=b"{", by=alice),
            await client.call("POST", path, by=bob),
            await client.call("POST", path, data=b"{", by=bob, key=new_key()),
            await client.call("POST", path, {"amount": 5}, by=bob, key=new_key()),
            await client.call("POST", path, by=bob, key=new_key()),
        ]

    assert [refused(answer)[0] for answer in answers] == [401, 404, 403, 400, 400, 422, 409]


async def test_a_capture_is_checked_in_the_order_401_404_400_422_409(
    system: System, client: Client
):
    alice, bob = await client.member(EUR="5.00"), await client.member()
    carol = await client.member()
    hold = (await client.hold(alice, bob, "1")).body["id"]
    await client.void(bob, hold)
    path = f"/v1/holds/{hold}/capture"

    async with unchanged(system):
        answers = [
            await client.call("POST", path, data=b"{"),
            await client.call("POST", path, data=b"{", by=carol),
            await client.call("POST", path, by=bob),
            await client.call("POST", path, data=b"{", by=bob, key=new_key()),
            await client.call("POST", path, {"amount": 5}, by=bob, key=new_key()),
            await client.call("POST", path, by=bob, key=new_key()),
        ]

    assert [refused(answer)[0] for answer in answers] == [401, 404, 400, 400, 422, 409]


async def test_a_void_is_checked_in_the_order_401_404_403_400_422_409(
    system: System, client: Client
):
    alice, bob = await client.member(EUR="5.00"), await client.member()
    carol = await client.member()
    hold = (await client.hold(alice, bob, "1")).body["id"]
    await client.capture(bob, hold)
    path = f"/v1/holds/{hold}/void"

    async with unchanged(system):
        answers = [
            await client.call("POST", path, data=b"{"),
            await client.call("POST", path, data=b"{", by=carol),
            await client.call("POST", path, data=b"{", by=alice),
            await client.call("POST", path, data=b"{", by=bob),
            await client.call("POST", path, {"amount": "1.00"}, by=bob),
            await client.call("POST", path, by=bob),
        ]

    assert [refused(answer)[0] for answer in answers] == [401, 404, 403, 400, 422, 409]


async def test_a_read_is_checked_in_the_order_401_404_422(client: Client):
    alice, bob = await client.member(), await client.member()
    wrong = "?nothing=1"

    for path in ["", "/balances/EUR", "/entries", "/transfers"]:
        foreign = await client.call("GET", bob.wallet + path + wrong, by=alice)
        assert refused(await client.call("GET", bob.wallet + path + wrong))[0] == 401
        assert refused(foreign)[0] == 404
        assert refused(await client.call("GET", alice.wallet + path + wrong, by=alice))[0] == 422
    for path in [f"{alice.wallet}/balances/XXX", "/v1/currencies/XXX", f"/v1/transfers/{bob.id}"]:
        assert refused(await client.call("GET", path + wrong, by=alice))[0] == 404, path
