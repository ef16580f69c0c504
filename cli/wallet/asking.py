"""Asks a gateway: the work of a command, with its login, and every failure as one line."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import TypeVar

from cli.errors import CommandError
from cli.wallet.gateway import Target, find_login, stored_logins
from cli.wallet.refusals import as_command_error
from client import ClientError, Holdfast, Retries, Session

T = TypeVar("T")
# A person looks on: what is away is told in a few seconds, and what is busy is given some.
_PATIENCE = Retries(attempts=5, within_s=20.0)


class StoppedError(CommandError):
    """Ctrl-C; exits as a shell says of SIGINT."""

    exit_code = 130


def ask(
    work: Callable[[Holdfast], Awaitable[T]],
    target: Target,
    *,
    login: str = "",
    key: str = "",
    stopped: Callable[[], str] = str,
) -> T:
    """What `work` returns of this gateway.

    Args:
        work: the calls.
        target: the gateway.
        login: the e-mail of the login that is used, for what is told of a failure.
        key: the idempotency key that is used, likewise.
        stopped: says what goes on after Ctrl-C; empty for nothing that is known.

    Raises:
        CommandError: the gateway refused (`SaidNoError`) or did not answer, or Ctrl-C.
    """

    async def run() -> T:
        async with Holdfast(target.url, retries=_PATIENCE) as holdfast:
            return await work(holdfast)

    try:
        return asyncio.run(run())
    except ClientError as error:
        raise as_command_error(error, target, login=login, key=key) from error
    except KeyboardInterrupt:
        sent = f"it may have been sent: the same command with --key {key} finds out" if key else ""
        raise StoppedError("; ".join(filter(None, ("stopped", stopped() or sent)))) from None


def ask_as(
    work: Callable[[Session], Awaitable[T]],
    *,
    email: str,
    gateway: str,
    key: str = "",
    stopped: Callable[[], str] = str,
) -> T:
    """What `work` returns of the session of a stored login, which is then the last one used.

    Raises:
        CommandError: as `ask`, or there is no such login.
    """
    logins = stored_logins()
    target, login = find_login(logins, email=email, gateway=gateway)
    logins.use(login)
    if not email and sys.stderr.isatty():
        print(f"(as {login.email})", file=sys.stderr)
    return ask(
        lambda holdfast: work(holdfast.session(login.user_id, login.token)),
        target,
        login=login.email,
        key=key,
        stopped=stopped,
    )
