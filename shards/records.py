"""Records that are made by the thousand."""

from dataclasses import dataclass
from typing import TypeVar, dataclass_transform

_T = TypeVar("_T")


@dataclass_transform(kw_only_default=True, frozen_default=True)
def record(cls: type[_T]) -> type[_T]:
    """A frozen dataclass with slots, whose fields are given by name: frozen to the type checker.

    At run time nothing keeps it so: making a frozen dataclass takes longer (6.0 instead of 3.6 µs
    with 18 fields), and rows and messages are most of what a step makes.
    """
    return dataclass(slots=True, kw_only=True, unsafe_hash=True)(cls)
