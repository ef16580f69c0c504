"""What can go wrong in a command, told in one line that says what to do next."""

import asyncpg
from pydantic import ValidationError
from pydantic_settings import SettingsError

from config.settings import UnknownSettingError, invalid_settings
from messaging.errors import MessagingError
from shards.errors import BucketNotHereError, SchemaError, ShardAwayError, ShardTransientError

EXIT_NOT_DONE = 2


class CommandError(Exception):
    """A command cannot go on; the text says what to do.

    Attributes:
        exit_code: with which the command ends; 2 is "not done".
    """

    exit_code = EXIT_NOT_DONE


# What is told with its own words, and nothing to add.
_TOLD = (
    CommandError,
    UnknownSettingError,
    SchemaError,
    MessagingError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    OSError,
)


# The first that fits: subclasses before what they are.
_ADVICE: tuple[tuple[type[Exception] | tuple[type[Exception], ...], str], ...] = (
    (SettingsError, "lists and maps are written as JSON"),
    (
        ShardAwayError,
        (
            "is the database running? `make run` starts one for development,"
            " HOLDFAST_SHARDS names others"
        ),
    ),
    (BucketNotHereError, "compare HOLDFAST_SHARDS with the table `buckets` of that shard"),
    (ShardTransientError, "run the command again"),
    ((asyncpg.UndefinedTableError, asyncpg.UndefinedColumnError), "run `holdfast migrate`"),
)


def explain(error: BaseException) -> str | None:
    """The line for an error that a person can do something about; None for a bug."""
    if isinstance(error, ExceptionGroup):
        told = [explain(inner) for inner in error.exceptions]
        return None if None in told else told[0]
    if isinstance(error, ValidationError):
        return invalid_settings(error)
    advice = _advice(error)
    if advice is None:
        return _one_line(error) if isinstance(error, _TOLD) else None
    return f"{_one_line(error)}; {advice}"


def exit_code_of(error: BaseException) -> int:
    """With what a command ends that such an error has ended."""
    return error.exit_code if isinstance(error, CommandError) else EXIT_NOT_DONE


def _advice(error: BaseException) -> str | None:
    return next((advice for kinds, advice in _ADVICE if isinstance(error, kinds)), None)


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__
