"""`holdfast operator currency`: makes a currency, or changes one, over HTTP."""

from typing import Annotated

import typer

from cli.options import AsJson
from cli.wallet.asking import ask_as
from cli.wallet.options import As, Currency, Gateway, Reason
from cli.wallet.shown import json_of, print_facts, print_json


def currency_command(  # noqa: PLR0913 - options of a command, by name
    code: Currency,
    *,
    name: Annotated[str, typer.Option("--name", help="For people, such as Euro.")],
    decimals: Annotated[int, typer.Option("--decimals", help="Digits after the point, for good.")],
    enabled: Annotated[
        bool | None,
        typer.Option(
            "--enable/--disable", help="Whether it is taken for what is new.", show_default=False
        ),
    ] = None,
    reason: Reason = "",
    email: As = "",
    gateway: Gateway = "",
    as_json: AsJson = False,
) -> None:
    """Makes a currency, or changes the name of one and whether it is enabled.

    Exits with 1 when it is there with other decimals, or the gateway refuses.
    """
    currency = ask_as(
        lambda session: session.operator.put_currency(
            code, name=name, decimals=decimals, enabled=enabled, reason=reason or None
        ),
        email=email,
        gateway=gateway,
    )
    if as_json:
        print_json(json_of(currency))
        return
    print_facts(
        [
            ("currency", currency.code + ("  (new)" if currency.answer.status == 201 else "")),
            ("name", currency.name),
            ("decimals", str(currency.decimals)),
            ("enabled", "yes" if currency.enabled else "no"),
        ]
    )
