"""`holdfast operator trail`: the acts of operators, over HTTP."""

from typing import Annotated

import typer

from cli.acts import print_acts
from cli.options import AsJson
from cli.wallet.asking import ask_as
from cli.wallet.listing import MORE_NOTE, page_size, taken
from cli.wallet.options import All, As, Gateway, Limit
from cli.wallet.shown import json_of, print_json
from client import Act, Session


def trail_command(
    *,
    target: Annotated[str, typer.Option(help="Only what was done to the row with this id.")] = "",
    limit: Limit = 50,
    everything: All = False,
    email: As = "",
    gateway: Gateway = "",
    as_json: AsJson = False,
) -> None:
    """Lists what operators did, newest first; `holdfast trail` reads the same from the shards.

    Exits with 1 when the login is no operator's.
    """

    async def look(session: Session) -> tuple[list[Act], bool]:
        size = page_size(limit, everything=everything)
        listing = session.operator.trail(target=target or None, limit=size)
        return await taken(listing, limit=limit, everything=everything)

    acts, more = ask_as(look, email=email, gateway=gateway)
    if as_json:
        print_json([json_of(act) for act in acts])
        return
    print_acts(acts)
    if more:
        print(MORE_NOTE)
