"""docs/client.md says what the client has: its calls, its errors, its bounds."""

import inspect
import re
from pathlib import Path

import client
from client import ClientError, Holdfast, Retries, Session
from tests.unit.client_rig import Script, problem, session_of
from tests.unit.test_docs import rows

PAGE = (Path(__file__).parents[2] / "docs/client.md").read_text("utf-8")


def calls_of(kind: type) -> set[str]:
    """The public methods of a class."""
    functions = inspect.getmembers(kind, inspect.isfunction)
    return {name for name, _ in functions if not name.startswith("_")}


def test_every_call_is_told():
    told = {owner: set(re.findall(r"\w+", calls)) for owner, calls in rows(PAGE, "of", "calls")}
    parts = {
        f"Session.{name}": type(part)
        for name, part in vars(session_of(Script(problem(404, "not_found")))).items()
        if not name.startswith("_") and not isinstance(part, str)
    }

    kinds: dict[str, type] = {"Holdfast": Holdfast, "Session": Session, **parts}
    assert told == {name: calls_of(kind) for name, kind in kinds.items()}


def test_every_error_is_told_and_can_be_imported():
    def with_subclasses(kind: type[ClientError]) -> set[str]:
        return {kind.__name__}.union(*map(with_subclasses, kind.__subclasses__()))

    told = {error for error, _ in rows(PAGE, "error", "when")}

    assert told == with_subclasses(ClientError)
    assert told <= set(client.__all__)


def test_the_bounds_that_are_told_are_the_codes():
    (attempts, within_s) = re.findall(r"Retries\(attempts=(\d+), within_s=(\d+)\)", PAGE)[0]

    assert Retries() == Retries(attempts=int(attempts), within_s=float(within_s))
