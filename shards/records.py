"""Records that are made by the thousand."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar, dataclass_transform, overload

_T = TypeVar("_T")


@overload
def record(cls: type[_T], /) -> type[_T]: ...
@overload
def record(*, kw_only: bool) -> Callable[[type[_T]], type[_T]]: ...
@dataclass_transform(kw_only_default=True, frozen_default=True)
def record(
    cls: type[_T] | None = None, /, *, kw_only: bool = True
) -> type[_T] | Callable[[type[_T]], type[_T]]:
    """A frozen dataclass with slots, whose fields are given by name: frozen to the type checker.

    At run time nothing keeps it so: making a frozen dataclass takes longer (6.0 instead of 3.6 µs
    with 18 fields), and rows and messages are most of what a step makes.

    Args:
        cls: the class, where the decorator is used without arguments.
        kw_only: whether fields must be given by name; one or two need none.
    """
    make = dataclass(slots=True, kw_only=kw_only, unsafe_hash=True)
    return make if cls is None else make(cls)
