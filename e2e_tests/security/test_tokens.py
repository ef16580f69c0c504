"""Tokens that prove nothing, over HTTP."""

import json

from e2e_tests.answers import raw, refused
from e2e_tests.client import Client, Member
from e2e_tests.security.forged_tokens import forged_tokens, made
from e2e_tests.security.kit import claims_of, nothing_changed
from e2e_tests.system import System
from shards.ids import RandomIds


async def test_no_forged_token_speaks_for_anybody(system: System, client: Client):
    alice, bob = await client.member(EUR="5.00"), await client.member()
    secret = system.settings.auth.jwt_secret.get_secret_value()
    claims = claims_of(alice)
    money = {"currency": "EUR", "amount": "1.00"}
    requests: list[tuple[str, str, object]] = [
        ("GET", "/v1/me", None),
        ("GET", bob.wallet, None),
        ("POST", f"{alice.wallet}/deposits", money),
        ("GET", "/v1/audit-trail", None),
    ]
    # That none is refused for how these tests make them.
    again = Member(alice.id, alice.email, made(claims, secret=secret))
    assert (await client.call("GET", "/v1/me", by=again)).status == 200

    async with nothing_changed(system):
        for forged in forged_tokens(secret=secret, good=alice.token, claims=claims, other=bob.id):
            for method, path, body in requests:
                headers = {"Authorization": f"Bearer {forged.token}", "Idempotency-Key": "k"}
                answer = await client.call(method, path, body, headers=headers)
                assert refused(answer) == (401, "invalid_token"), (forged.what, path)


async def test_a_token_of_nobody_opens_nothing(system: System, client: Client):
    alice = await client.member(EUR="5.00")
    secret = system.settings.auth.jwt_secret.get_secret_value()
    nobodies = [str(RandomIds().new_id(bucket)) for bucket in (0, 1, 4095)]
    nobodies += ["00000000-0000-0000-0000-000000000000", "ffffffff-ffff-4fff-bfff-ffffffffffff"]
    verbs = [f"/v1/users/{alice.id}/{verb}" for verb in ("freeze", "unfreeze", "close")]

    async with nothing_changed(system):
        for id_ in nobodies:
            for role in ("user", "operator"):
                ghost = Member(
                    id_, "", made({**claims_of(alice), "sub": id_, "role": role}, secret=secret)
                )
                me = await client.call("GET", "/v1/me", by=ghost)
                assert refused(me) == (401, "invalid_token")
                for path in verbs:
                    answer = await client.call("POST", path, {"reason": "x"}, by=ghost)
                    assert refused(answer) == (403, "operator_only"), path
                deposit = await client.deposit(ghost, "1.00")
                assert refused(deposit) == (404, "not_found")


# What comes after "Authorization:", with the token for %s: none of it is a bearer's.
LINES = [
    *("Bearer", "Bearer ", "Bearer\t%s", "Bearer%s", "Bearer: %s", "Bearer=%s", "Bearer\u00a0%s"),
    *("Bearer %s\t%s", "Bearer %s;", "Bearer %s, Basic YTpi", "Bearer,%s", 'Bearer "%s"'),
    *("Bearer <%s>", "Bearer token=%s", "Bearer %%00%s"),
]
NOT_BEARERS = ["%s", "Basic %s", "Token %s", "JWT %s", "Bear %s", "xBearer %s", "", "Digest %s"]


async def test_a_token_in_a_wrong_place_is_none(client: Client):
    alice = await client.member()

    async def asked(head: str) -> tuple[int, str]:
        text = f"GET /v1/me HTTP/1.1\r\nHost: x\r\n{head}\r\n\r\n"
        status, headers, body = await raw(client, text.encode())
        assert json.loads(body)["trace_id"] == headers["x-trace-id"]
        return status, json.loads(body)["code"]

    for line in LINES:
        head = "Authorization: " + line.replace("%s", alice.token).replace("%%", "%")
        assert (await asked(head)) == (401, "invalid_token"), line
    for line in NOT_BEARERS:
        head = "Authorization: " + line.replace("%s", alice.token)
        assert (await asked(head)) == (401, "unauthenticated"), line
    for head in (
        f"Proxy-Authorization: Bearer {alice.token}",
        f"Cookie: access_token={alice.token}; Authorization=Bearer {alice.token}",
        f"X-Authorization: Bearer {alice.token}",
        f"X-Original-URL: /v1/me\r\nAccess-Token: {alice.token}",
    ):
        assert (await asked(head)) == (401, "unauthenticated"), head
    for query in (f"access_token={alice.token}", f"token={alice.token}"):
        answer = await client.call("GET", f"/v1/me?{query}")
        assert refused(answer) == (401, "unauthenticated")
