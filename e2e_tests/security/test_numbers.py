"""Numbers: in every body and query that has one, what is none is refused and changes nothing."""

from collections.abc import Iterable

from e2e_tests.answers import refused
from e2e_tests.client import Answer, Client, Member, new_key
from e2e_tests.operators import make_operator
from e2e_tests.security.kit import Scene, nothing_changed, scene
from e2e_tests.security.number_corpus import (
    IN_QUERIES,
    JSON_NUMBERS,
    NO_JSON,
    NO_NUMBERS,
    STRINGS,
    ZEROS,
)
from e2e_tests.system import System

_QUOTED = tuple(f'"{text}"' for text in STRINGS)
_ZEROS = tuple(f'"{text}"' for text in ZEROS)
# No amount is one of these.
AMOUNTS = (*JSON_NUMBERS, *NO_JSON, *NO_NUMBERS, *_QUOTED, *_ZEROS)
# Of these none is a whole number from 3 on.
WHOLE = (*NO_JSON, *NO_NUMBERS, *_QUOTED, *_ZEROS, *(n for n in JSON_NUMBERS if n not in "012-0"))


def bodies_with_amounts(there: Scene) -> dict[str, tuple[str, Member]]:
    """Each path whose body has an amount: the body around it, and who may ask."""
    money = '{"currency": "EUR", "amount": %s}'
    paid = '{"to": "' + there.carol.id + '", "currency": "EUR", "amount": %s}'
    wallet = there.alice.wallet
    return {
        f"{wallet}/deposits": (money, there.alice),
        f"{wallet}/withdrawals": (money, there.alice),
        f"{wallet}/transfers": (paid, there.alice),
        f"{wallet}/holds": (paid, there.alice),
        f"/v1/holds/{there.ids['hold_id']}/capture": ('{"amount": %s}', there.carol),
        f"/v1/transfers/{there.ids['transfer_id']}/refunds": ('{"amount": %s}', there.carol),
    }


async def sent(client: Client, method: str, path: str, body: str, by: Member) -> Answer:
    """A body as it is spelled here."""
    return await client.call(method, path, data=body.encode(), by=by, key=new_key())


def assert_refused(answer: Answer, spelled: str, path: str, codes: Iterable[str]) -> None:
    """A 400 where it is no JSON, and a 422 with one of these codes where it is."""
    expected = {(400, "malformed_json"), *((422, code) for code in codes)}
    assert refused(answer) in expected, (path, spelled[:60], answer.body)


_NO_AMOUNT = (
    *("amount_not_string", "amount_malformed", "amount_not_positive", "amount_too_large"),
    "too_precise",
)


async def test_what_is_no_amount_moves_nothing(system: System, client: Client):
    there = await scene(client)
    operator = await make_operator(system, client)
    limit = f"{there.alice.wallet}/limits/EUR"

    async with nothing_changed(system):
        for path, (body, by) in bodies_with_amounts(there).items():
            for spelled in AMOUNTS:
                answer = await sent(client, "POST", path, body % spelled, by)
                assert_refused(answer, spelled, path, _NO_AMOUNT)
            twice = body.replace("%s", '"1.00", "amount": "2.00"')
            answer = await sent(client, "POST", path, twice, by)
            assert refused(answer) == (400, "malformed_json"), path
        for spelled in {*AMOUNTS} - {*_ZEROS}:
            answer = await sent(client, "PUT", limit, f'{{"daily": {spelled}}}', operator)
            assert_refused(answer, spelled, limit, _NO_AMOUNT)


async def test_rounding_makes_an_amount_of_nothing_else(system: System, client: Client):
    there = await scene(client)

    async with nothing_changed(system):
        for path, (body, by) in bodies_with_amounts(there).items():
            for spelled in (*AMOUNTS, '"0.004"', '"0.005"', '"0.000000000000000001"'):
                rounded = body.replace("}", ', "rounding": "half_even"}') % spelled
                answer = await sent(client, "POST", path, rounded, by)
                assert_refused(answer, spelled, path, _NO_AMOUNT)


async def test_what_is_no_amount_in_a_batch_is_refused_alone(system: System, client: Client):
    there = await scene(client)
    item = '{"key": "%s", "to": "' + there.carol.id + '", "currency": "EUR", "amount": %s}'
    valid = [spelled for spelled in AMOUNTS if spelled not in NO_JSON]
    items = [item % (f"k{number}", spelled) for number, spelled in enumerate(valid)]
    path = f"{there.alice.wallet}/transfers/batch"

    async with nothing_changed(system):
        answer = await sent(
            client, "POST", path, f'{{"transfers": [{",".join(items)}]}}', there.alice
        )
        for spelled in NO_JSON:
            broken = f'{{"transfers": [{item % ("k", spelled)}]}}'
            refusal = await sent(client, "POST", path, broken, there.alice)
            assert refused(refusal) == (400, "malformed_json"), spelled
        for spelled in (*JSON_NUMBERS, *NO_JSON, *(s for s in NO_NUMBERS if s[0] != "["), *_QUOTED):
            refusal = await sent(client, "POST", path, f'{{"transfers": {spelled}}}', there.alice)
            assert_refused(refusal, spelled, path, ("wrong_type",))

    assert answer.status == 207
    for spelled, result in zip(valid, answer.body["results"], strict=True):
        assert result["status"] == 422, spelled
        assert result["problem"]["code"] in _NO_AMOUNT, spelled


async def test_what_is_no_whole_number_in_bounds_is_none(system: System, client: Client):
    there = await scene(client)
    operator = await make_operator(system, client)
    paid = '{"to": "' + there.carol.id + '", "currency": "EUR", "amount": "1", "expires_in_s": %s}'
    currency = '{"code": "XYZ", "name": "A test", "decimals": %s}'
    capture = '{"amount": "1.00", "final": %s}'
    enabled = '{"code": "XYZ", "name": "A test", "decimals": 2, "enabled": %s}'
    asked = [
        *((f"{there.alice.wallet}/{what}", paid, there.alice) for what in ("transfers", "holds")),
        ("/v1/currencies", currency, operator),
        (f"/v1/holds/{there.ids['hold_id']}/capture", capture, there.carol),
        ("/v1/currencies", enabled, operator),
    ]
    out_of_bounds = {paid: ("0", "-0", "604801"), currency: ("19",), capture: ("0", "1")}

    async with nothing_changed(system):
        for path, body, by in asked:
            for spelled in (*WHOLE, *out_of_bounds.get(body, ())):
                if body in (capture, enabled) and spelled in ("true", "false"):
                    continue
                answer = await sent(client, "POST", path, body % spelled, by)
                assert_refused(answer, spelled, path, ("wrong_type", "invalid_value"))


async def test_what_is_no_limit_of_a_list_is_refused(system: System, client: Client):
    there = await scene(client)
    operator = await make_operator(system, client)
    lists = [
        (f"{there.alice.wallet}/entries", there.alice),
        (f"{there.alice.wallet}/transfers", there.alice),
        (f"{there.alice.wallet}/holds", there.alice),
        ("/v1/audit-trail", operator),
    ]

    async with nothing_changed(system):
        for path, by in lists:
            for spelled in (*IN_QUERIES, "1&limit=1"):
                answer = await client.call("GET", f"{path}?limit={spelled}", by=by)
                assert refused(answer) == (422, "invalid_value"), (path, spelled[:60])
