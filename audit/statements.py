"""The audit's SQL: `.sql` files of named blocks, whose first comments say what each checks."""

import re
from dataclasses import dataclass
from functools import cache
from importlib import resources

_NAME = re.compile(r"^-- name: ([a-z_]+)\n", re.MULTILINE)
_SAYS = re.compile(r"^-- says: (.+)$", re.MULTILINE)
_EXAMINES = re.compile(r"^-- examines: (.+)$", re.MULTILINE)

_LOCAL = (
    "accounts", "entries", "transfers", "holds", "verdicts", "movements", "rows", "events",
    "currencies", "dead_letters", "operators",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalCheck:
    """An invariant within one shard; `sql` selects (ids, detail) of each row that breaks it."""

    name: str
    says: str
    examines: tuple[str, ...]
    sql: str


def load_blocks(subject: str, *, package: str = "audit") -> dict[str, str]:
    """The blocks of `<package>/sql/<subject>.sql` by name."""
    text = resources.files(package).joinpath("sql", f"{subject}.sql").read_text("utf-8")
    pieces = _NAME.split(text)[1:]
    return {name: body.strip() for name, body in zip(pieces[::2], pieces[1::2], strict=True)}


@cache
def local_checks() -> tuple[LocalCheck, ...]:
    """Every local check, in the order of the report."""
    return tuple(
        _check(name, body) for subject in _LOCAL for name, body in load_blocks(subject).items()
    )


def _check(name: str, body: str) -> LocalCheck:
    says, examines = _SAYS.search(body), _EXAMINES.search(body)
    if says is None or examines is None:
        raise ValueError(f"{name} does not say what it checks")
    return LocalCheck(name=name, says=says[1], examines=tuple(examines[1].split()), sql=body)
