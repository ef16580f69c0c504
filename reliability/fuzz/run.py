"""One run: every operation is sent its share, and the rows are looked at after each."""

import asyncio
import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import requests
import schemathesis
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from reliability.fuzz.cast import Cast
from reliability.fuzz.requests_of import Asked, Hostile, Sent
from reliability.fuzz.rows import digest
from shards.records import record

_ANSWER_S = 20.0
_FINDINGS_MAX = 50
# Each draws what the one before was short of.
_ROUNDS_MAX = 10
# Of an item of a batch that is wrong only the item is refused: the batch is answered with 207.
_ITEM_BY_ITEM: Final = frozenset({"create_transfers"})
_CONFORMS = (
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    response_headers_conformance,
)


@record
class Terms:
    """What a run is to be.

    Attributes:
        gateway: its address.
        dsns: of its shards.
        cases: hostile requests in all, at least.
        seed: the same one sends the same requests to the same document.
    """

    gateway: str
    dsns: Sequence[str]
    cases: int
    seed: int


@dataclass(slots=True, kw_only=True)
class Outcome:
    """What came of a run.

    Attributes:
        sent: hostile requests.
        statuses: how often each status was the answer.
        findings: what must not be, each with the request that shows it.
        silent: operations that have nothing a request could break.
    """

    sent: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    findings: list[str] = field(default_factory=list)
    silent: list[str] = field(default_factory=list)

    @property
    def refused(self) -> int:
        """Requests that were answered with a 4xx."""
        return sum(count for status, count in self.statuses.items() if 400 <= status < 500)

    @property
    def failed(self) -> int:
        """Requests that were answered with a 5xx."""
        return sum(count for status, count in self.statuses.items() if status >= 500)

    def note(self, finding: str) -> None:
        """Notes what must not be; the first ones are enough."""
        if len(self.findings) < _FINDINGS_MAX:
            self.findings.append(finding)


class Fuzzer:
    """Sends hostile requests.

    Args:
        session: to send them with.
        terms: what the run is to be.
        cast: who asks, and for what.
        say: told after each operation.
    """

    def __init__(
        self,
        session: requests.Session,
        terms: Terms,
        cast: Cast,
        *,
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._session = session
        self._terms = terms
        self._cast = cast
        self._say = say
        self._outcome = Outcome()

    def run(self) -> Outcome:
        """Sends at least as many as the terms say; blocks until all are answered."""
        answer = self._session.get(f"{self._terms.gateway}/openapi.json", timeout=_ANSWER_S)
        schema = schemathesis.openapi.from_dict(answer.json())
        operations: list[Asked] = [
            result.ok() for result in schema.get_all_operations() if isinstance(result, Ok)
        ]
        with warnings.catch_warnings():
            # What schemathesis would do with a document that is larger than ours.
            warnings.simplefilter("ignore")
            fuzzed = [one for one in operations if self._has_something_to_break(one)]
            share = -(-self._terms.cases // len(fuzzed))
            for number, operation in enumerate(fuzzed, 1):
                self._fuzz(operation, cases=share)
                self._say(
                    f"{number}/{len(fuzzed)} {operation.label}: {self._outcome.sent:,} sent,"
                    f" {self._outcome.refused:,} refused, {len(self._outcome.findings)} findings"
                )
        return self._outcome

    def _has_something_to_break(self, operation: Asked) -> bool:
        made: list[Sent] = []
        self._hostile(operation, seed=self._terms.seed).each(made.append, cases=5)
        if not made:
            self._outcome.silent.append(operation.label)
        return bool(made)

    def _fuzz(self, operation: Asked, *, cases: int) -> None:
        before = asyncio.run(digest(self._terms.dsns))
        wanted = self._outcome.sent + cases
        for round_ in range(_ROUNDS_MAX):
            missing = wanted - self._outcome.sent
            if missing <= 0:
                break
            seed = self._terms.seed + round_
            self._hostile(operation, seed=seed).each(self._send, cases=missing)
        after = asyncio.run(digest(self._terms.dsns))
        changed = [name for (name, was), (_, is_) in zip(before, after, strict=True) if was != is_]
        if changed:
            self._outcome.note(f"{operation.label}: rows changed in {', '.join(changed)}")

    def _hostile(self, operation: Asked, *, seed: int) -> Hostile:
        definition = operation.definition.raw
        who = self._cast.asks(definition["operationId"], tag=definition["tags"][0])
        return Hostile(
            operation=operation,
            there=self._cast.there,
            headers={"Authorization": f"Bearer {who.token}"},
            seed=seed,
        )

    def _send(self, case: Sent) -> None:
        outcome = self._outcome
        outcome.sent += 1
        try:
            response = case.call(
                base_url=self._terms.gateway, session=self._session, timeout=_ANSWER_S
            )
        except requests.RequestException as error:
            outcome.note(f"{case.operation.label}: no answer: {error!r}")
            return
        outcome.statuses[response.status_code] += 1
        if response.status_code >= 500:
            outcome.note(f"{response.status_code}: {case.as_curl_command()}")
        checks: list[Any] = list(_CONFORMS)
        if case.operation.definition.raw["operationId"] not in _ITEM_BY_ITEM:
            checks.append(negative_data_rejection)
        try:
            case.validate_response(response, checks=checks)
        except Failure as error:
            outcome.note(_told(case, response.status_code, error))
        except FailureGroup as group:
            outcome.note(_told(case, response.status_code, *group.exceptions))


def _told(case: Sent, status: int, *errors: BaseException) -> str:
    said = "; ".join(" ".join(str(error).split()) for error in errors)
    return f"{case.operation.label} -> {status}: {said}: {case.as_curl_command()}"
