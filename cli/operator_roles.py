"""`holdfast operator`: who is an operator. Nobody becomes one over HTTP."""

import asyncio
import json
from typing import Annotated

import typer

from cli.dead_json import Json
from cli.each import PATIENT, on_each, open_map
from cli.errors import CommandError
from cli.options import AsJson, By, Why
from cli.system import System, find_system
from sagas.operators import UserAct
from sagas.user_acts import UserChanged, UserOrder, change_user
from shards.ids import email_bucket, normalise_email
from shards.router import ShardMap
from shards.shard import Shard
from shards.users import User, list_operators, read_user_by_email

_Email = Annotated[str, typer.Argument(metavar="EMAIL", help="E-mail of a registered user.")]


def operator_commands() -> typer.Typer:
    """The commands below `holdfast operator`."""
    app = typer.Typer(
        help="Users who may do what others may not, and who is one.", no_args_is_help=True
    )
    app.command("add")(add_command)
    app.command("remove")(remove_command)
    app.command("list")(list_command)
    return app


def add_command(email: _Email, done_by: By, reason: Why) -> None:
    """Makes a registered user an operator; the trail has who did it, and why.

    Exits with 2 when nobody has registered with this e-mail, or its shard does not answer.
    """
    done = _change(UserAct.MAKE_OPERATOR, email, done_by=done_by, reason=reason)
    if done.act is None:
        print(f"{done.user.email}: an operator already, and nothing was changed")
    else:
        print(f"{done.user.email}: an operator, with the next token: log in again")


def remove_command(email: _Email, done_by: By, reason: Why) -> None:
    """Makes an operator a user like others; the trail has who did it, and why.

    Exits with 2 when nobody has registered with this e-mail, or its shard does not answer.
    """
    done = _change(UserAct.REMOVE_OPERATOR, email, done_by=done_by, reason=reason)
    if done.act is None:
        print(f"{done.user.email}: no operator, and nothing was changed")
    else:
        print(
            f"{done.user.email}: no operator any more; acts nothing from now on, and reads no more"
            " than its own when its token has ended"
        )


def list_command(as_json: AsJson = False) -> None:
    """Lists the operators of all shards, by e-mail."""
    operators = asyncio.run(_list_all(find_system()))
    if as_json:
        print(json.dumps([_as_json(user) for user in operators], indent=2))
        return
    for user in operators:
        print(f"{user.email}  {user.id}  {user.status}")
    if not operators:
        print("No operators. `holdfast operator add EMAIL` makes one.")


def _change(act: UserAct, email: str, *, done_by: str, reason: str) -> UserChanged:
    return asyncio.run(
        _change_on(find_system(), act, normalise_email(email), done_by=done_by, reason=reason)
    )


async def _change_on(
    system: System, act: UserAct, email: str, *, done_by: str, reason: str
) -> UserChanged:
    async with open_map(system, options=PATIENT) as shards:
        user = await _find(shards, email)
        if user is None:
            raise CommandError(
                f"nobody has registered with the e-mail {email!r}: register it with"
                " `holdfast register`, and run this again"
            )
        order = UserOrder(act=act, user_id=user.id, done_by=done_by, reason=reason, traceparent="")
        return await change_user(shards.of_id(user.id), order)


async def _find(shards: ShardMap, email: str) -> User | None:
    """The user with this e-mail; asks as the owner of its bucket, so that none means none."""
    bucket = email_bucket(email, shards.buckets)
    async with shards.of_bucket(bucket).transaction([bucket]) as conn:
        return await read_user_by_email(conn, email=email)


async def _list_all(system: System) -> list[User]:
    async def list_one(shard: Shard) -> list[User]:
        async with shard.connection() as conn:
            return await list_operators(conn)

    listed = await on_each(system.shards, list_one, options=PATIENT)
    return sorted((user for users in listed for user in users), key=lambda user: user.email)


def _as_json(user: User) -> Json:
    return {
        "id": str(user.id),
        "email": user.email,
        "name": user.name,
        "status": user.status.value,
        "created_at": user.created_at.isoformat(),
    }
