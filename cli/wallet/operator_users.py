"""`holdfast operator freeze`, `unfreeze`, `close`, `show`, `limit`: users, over HTTP."""

from typing import Annotated

import typer

from cli.options import AsJson, Why
from cli.wallet.asking import ask_as
from cli.wallet.options import As, Currency, Gateway, Reason
from cli.wallet.shown import json_of, print_facts, print_json, print_table, when
from cli.wallet.users import User as UserArgument
from cli.wallet.users import user_id_of
from client import Limit, Session, User, Wallet

_NO_LIMIT = "none"


def freeze_command(
    user: UserArgument,
    *,
    reason: Why,
    email: As = "",
    gateway: Gateway = "",
    as_json: AsJson = False,
) -> None:
    """Freezes a user, who then only receives.

    Exits with 1 when there is no such user, or the gateway refuses.
    """

    async def freeze(session: Session) -> User:
        return await session.operator.freeze(await user_id_of(session, user), reason=reason)

    _print_user(ask_as(freeze, email=email, gateway=gateway), as_json=as_json)


def unfreeze_command(
    user: UserArgument,
    *,
    reason: Why,
    email: As = "",
    gateway: Gateway = "",
    as_json: AsJson = False,
) -> None:
    """Ends the freeze of a user.

    Exits with 1 when there is no such user, or the gateway refuses.
    """

    async def unfreeze(session: Session) -> User:
        return await session.operator.unfreeze(await user_id_of(session, user), reason=reason)

    _print_user(ask_as(unfreeze, email=email, gateway=gateway), as_json=as_json)


def close_command(
    user: UserArgument,
    *,
    reason: Why,
    email: As = "",
    gateway: Gateway = "",
    as_json: AsJson = False,
) -> None:
    """Closes an empty wallet, for good.

    Exits with 1 when there is something in it, or no such user.
    """

    async def close(session: Session) -> User:
        return await session.operator.close(await user_id_of(session, user), reason=reason)

    _print_user(ask_as(close, email=email, gateway=gateway), as_json=as_json)


def limit_command(  # noqa: PLR0913 - options of a command, by name
    user: UserArgument,
    currency: Currency,
    daily: Annotated[
        str, typer.Argument(metavar="DAILY", help="What may be spent in a UTC day, or `none`.")
    ],
    *,
    reason: Reason = "",
    email: As = "",
    gateway: Gateway = "",
    as_json: AsJson = False,
) -> None:
    """Sets how much of an account may be spent in a UTC day, or that there is no limit.

    Exits with 1 when there is no such user, or the gateway refuses.
    """

    async def limit(session: Session) -> Limit:
        wallet = session.of(await user_id_of(session, user)).wallet
        amount = None if daily == _NO_LIMIT else daily
        return await wallet.set_limit(currency, daily=amount, reason=reason or None)

    limited = ask_as(limit, email=email, gateway=gateway)
    if as_json:
        print_json(json_of(limited))
        return
    print_facts(
        [
            ("user", limited.user_id),
            ("currency", limited.currency),
            ("daily", limited.daily or "no limit"),
            ("spent today", limited.spent),
            ("remaining", limited.remaining or "no limit"),
        ]
    )


def show_command(
    user: UserArgument, *, email: As = "", gateway: Gateway = "", as_json: AsJson = False
) -> None:
    """Shows a user and what is in its wallet; by e-mail, also its name and status.

    Exits with 1 when there is no such user.
    """

    async def show(session: Session) -> tuple[User | None, Wallet]:
        found = await session.operator.find_users(user) if "@" in user else ()
        user_id = found[0].id if found else await user_id_of(session, user)
        return (found[0] if found else None), await session.of(user_id).wallet.get()

    shown, wallet = ask_as(show, email=email, gateway=gateway)
    if as_json:
        print_json({"user": json_of(shown) if shown else None, "wallet": json_of(wallet)})
        return
    print_facts(_facts(shown) if shown else [("id", wallet.user_id)])
    print()
    rows = [
        (one.currency, one.balance, one.held, one.available) for one in wallet.accounts.values()
    ]
    print_table(("currency", ">balance", ">held", ">available"), rows)


def _print_user(user: User, *, as_json: bool) -> None:
    if as_json:
        print_json(json_of(user))
    else:
        print_facts(_facts(user))


def _facts(user: User) -> list[tuple[str, str]]:
    return [
        ("id", user.id),
        ("e-mail", user.email),
        ("name", user.name or ""),
        ("status", user.status),
        ("registered", f"{when(user.created_at)} UTC"),
    ]
