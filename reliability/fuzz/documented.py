"""Requests that schemathesis makes: drawn from the document, and broken in a place or more."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, TypeAlias

import requests
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import APIOperation, Case, GenerationMode
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.specs.openapi.checks import negative_data_rejection

from reliability.fuzz.shot import Shot
from shards.records import record

Asked: TypeAlias = APIOperation[Any, Any, Any, Any]
Sent: TypeAlias = Case[Any]

# A part of the path that is wrong is a 404, whatever else is wrong: most cases have good ones.
_GOOD_PATHS = 0.8


@record
class Documented:
    """Requests to one operation; the same ones for the same seed.

    Attributes:
        operation: of the document.
        gateway: the address.
        there: what parts of the path may be, by name.
        token: of who asks.
    """

    operation: Asked
    gateway: str
    there: Mapping[str, str]
    token: str

    def each(self, do: Callable[[Shot], None], *, cases: int, seed_: int) -> None:
        """Does something with about so many requests; with none where nothing can be broken."""
        names = {parameter.name for parameter in self.operation.path_parameters}
        good = {name: self.there[name] for name in names}
        rest = (self.operation.query, self.operation.headers, self.operation.body)
        with_good_paths = round(cases * _GOOD_PATHS) if good and any(rest) else 0
        done = self._run(do, cases=with_good_paths, paths=good, seed_=seed_) if good else 0
        if done < cases:
            self._run(do, cases=cases - done, paths=None, seed_=seed_)

    def _run(
        self,
        do: Callable[[Shot], None],
        *,
        cases: int,
        paths: Mapping[str, str] | None,
        seed_: int,
    ) -> int:
        done = 0
        strategy = self.operation.as_strategy(
            generation_mode=GenerationMode.NEGATIVE,
            path_parameters=dict(paths) if paths is not None else None,
            headers={"Authorization": f"Bearer {self.token}"},
        )

        @seed(seed_)
        @settings(
            max_examples=max(cases, 1),
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(strategy)
        def run(case: Sent) -> None:
            nonlocal done
            if _is_hostile(case):
                done += 1
                do(self._shot(case))

        with suppress(Unsatisfiable):
            run()
        return done

    def _shot(self, case: Sent) -> Shot:
        terms = case.as_transport_kwargs(base_url=self.gateway)
        return Shot(
            label=self.operation.label,
            request=requests.Request(**terms).prepare(),
            is_excused=lambda response: _is_fine_as_sent(case, response),
        )


def _is_hostile(case: Sent) -> bool:
    """Now and then nothing is broken in what was drawn."""
    meta = case.meta
    return meta is not None and any(
        component.mode is GenerationMode.NEGATIVE for component in meta.components.values()
    )


def _is_fine_as_sent(case: Sent, response: requests.Response) -> bool:
    try:
        case.validate_response(response, checks=[negative_data_rejection])
    except (Failure, FailureGroup):
        return False
    return True
