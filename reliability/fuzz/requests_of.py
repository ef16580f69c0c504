"""What is sent to one operation: cases that schemathesis makes from the document."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, TypeAlias

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import APIOperation, Case, GenerationMode

from shards.records import record

Asked: TypeAlias = APIOperation[Any, Any, Any, Any]
Sent: TypeAlias = Case[Any]

# A part of the path that is wrong is a 404, whatever else is wrong: most cases have good ones.
_GOOD_PATHS = 0.8


@record
class Hostile:
    """Cases of one operation that break its document; the same ones for the same seed.

    Attributes:
        operation: of the document.
        there: what parts of the path may be, by name.
        headers: those that every case has.
        seed: what they are drawn by.
    """

    operation: Asked
    there: Mapping[str, str]
    headers: Mapping[str, str]
    seed: int

    def each(self, do: Callable[[Sent], None], *, cases: int) -> None:
        """Does something with about so many cases; with none where nothing can be broken.

        Now and then schemathesis finds nothing to break in what it has drawn: that is left out.
        """
        names = {parameter.name for parameter in self.operation.path_parameters}
        good = {name: self.there[name] for name in names}
        with_good_paths = round(cases * _GOOD_PATHS) if good else 0
        done = self._run(do, cases=with_good_paths, paths=good) if with_good_paths else 0
        if done < cases:
            self._run(do, cases=cases - done, paths=None)

    def _run(
        self, do: Callable[[Sent], None], *, cases: int, paths: Mapping[str, str] | None
    ) -> int:
        done = 0
        strategy = self.operation.as_strategy(
            generation_mode=GenerationMode.NEGATIVE,
            path_parameters=dict(paths) if paths is not None else None,
            headers=dict(self.headers),
        )

        @seed(self.seed)
        @settings(
            max_examples=cases,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(strategy)
        def run(case: Sent) -> None:
            nonlocal done
            if _is_hostile(case):
                do(case)
                done += 1

        with suppress(Unsatisfiable):
            run()
        return done


def _is_hostile(case: Sent) -> bool:
    meta = case.meta
    return meta is not None and any(
        component.mode is GenerationMode.NEGATIVE for component in meta.components.values()
    )
