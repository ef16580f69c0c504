"""An operator for one run: registered over HTTP, made by the command, unmade at the end."""

import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from client import ClientError, Holdfast
from postman.errors import NoOperatorError, PostmanError

# The commands of `holdfast` that make operators and unmake them.
GROUP = "operator"
_WHO_AND_WHY = ("--by", "make postman", "--reason", "a run of the Postman collection")
_COMMAND_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """Who logs in as one."""

    email: str
    password: str = field(repr=False)


async def register(gateway: str) -> Operator:
    """A new user, who is no operator yet.

    Raises:
        PostmanError: the gateway does not register anybody.
    """
    who = Operator(
        email=f"postman-{secrets.token_hex(6)}@example.com", password=secrets.token_urlsafe()
    )
    try:
        async with Holdfast(gateway) as holdfast:
            await holdfast.register(who.email, who.password, name="Operator of the collection")
    except ClientError as error:
        raise PostmanError(f"{gateway} registers nobody: {error}") from error
    return who


@contextmanager
def acting(who: Operator) -> Iterator[None]:
    """This user is an operator inside, on the system that `holdfast` finds from here.

    Raises:
        NoOperatorError: the command cannot make one, and what it said.
        PostmanError: inside all went well, and then it could not unmake it.
    """
    said = _holdfast("add", who)
    if said is not None:
        raise NoOperatorError(f"no operator could be made: {said}")
    try:
        yield
    finally:
        left = _holdfast("remove", who)
    if left is not None:
        raise PostmanError(f"{who.email} is an operator still: {left}")


def _holdfast(verb: str, who: Operator) -> str | None:
    """None when it is done, else what the command said."""
    command = (sys.executable, "-m", "cli.main", GROUP, verb, who.email, *_WHO_AND_WHY)
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_COMMAND_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"`holdfast {GROUP} {verb}` did not end in {_COMMAND_S:.0f} s"
    return None if done.returncode == 0 else done.stdout.strip()
