"""One run: every operation is sent its share, and the rows are looked at after each."""

import asyncio
import random
import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import requests
import schemathesis
from schemathesis.core.result import Ok

from reliability.fuzz.cast import Cast
from reliability.fuzz.contract import Contract, UndocumentedAnswerError
from reliability.fuzz.documented import Asked, Documented
from reliability.fuzz.rows import digest
from reliability.fuzz.shot import Shot, refuses_an_item
from reliability.fuzz.twisted import Twister
from shards.records import record

_ANSWER_S = 20.0
_FINDINGS_MAX = 50
# What schemathesis makes takes ten times as long as what we twist.
_DOCUMENTED = 0.4
# Each round draws what the one before was short of, for the same request counts once.
_ROUNDS_MAX = 10
# An operation that has few things to break is left when it has no new ones.
_STALE_MAX: Final = 2_000


@record
class Terms:
    """What a run is to be.

    Attributes:
        gateway: its address.
        dsns: of its shards.
        cases: hostile requests in all, at least, each another one.
        seed: the same one sends the same requests to the same document.
    """

    gateway: str
    dsns: Sequence[str]
    cases: int
    seed: int


@dataclass(slots=True, kw_only=True)
class Fuzzed:
    """What came of a run.

    Attributes:
        statuses: how often each status was the answer to a hostile request.
        harmless: requests that did not break the document as they were sent.
        findings: what must not be, each with the request that shows it.
        silent: operations that have nothing a request could break.
    """

    statuses: Counter[int] = field(default_factory=Counter)
    harmless: int = 0
    findings: list[str] = field(default_factory=list)
    silent: list[str] = field(default_factory=list)

    @property
    def sent(self) -> int:
        """Requests that were answered."""
        return self.statuses.total()

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
        self._document = session.get(f"{terms.gateway}/openapi.json", timeout=_ANSWER_S).json()
        self._contract = Contract(self._document)
        self._outcome = Fuzzed()
        self._known: set[tuple[object, ...]] = set()

    def run(self) -> Fuzzed:
        """Sends at least as many as the terms say; blocks until all are answered."""
        with warnings.catch_warnings():
            # What schemathesis would do with a document that is larger than ours.
            warnings.simplefilter("ignore")
            schema = schemathesis.openapi.from_dict(self._document)
            operations: list[Asked] = [
                result.ok() for result in schema.get_all_operations() if isinstance(result, Ok)
            ]
            for number, operation in enumerate(operations, 1):
                missing = self._terms.cases - self._outcome.sent
                self._fuzz(operation, cases=-(-missing // (len(operations) - number + 1)))
                self._say(
                    f"{number}/{len(operations)} {operation.label}: {self._outcome.sent:,} sent,"
                    f" {self._outcome.refused:,} refused, {len(self._outcome.findings)} findings"
                )
        return self._outcome

    def _fuzz(self, operation: Asked, *, cases: int) -> None:
        before = asyncio.run(digest(self._terms.dsns))
        first = self._outcome.sent
        self._send_documented(operation, cases=round(cases * _DOCUMENTED))
        self._send_twisted(operation, cases=cases - (self._outcome.sent - first))
        if self._outcome.sent == first:
            self._outcome.silent.append(operation.label)
        after = asyncio.run(digest(self._terms.dsns))
        changed = [name for (name, was), (_, is_) in zip(before, after, strict=True) if was != is_]
        if changed:
            self._outcome.note(f"{operation.label}: rows changed in {', '.join(changed)}")

    def _send_documented(self, operation: Asked, *, cases: int) -> None:
        made = Documented(
            operation=operation,
            gateway=self._terms.gateway,
            there=self._cast.there,
            token=self._token(operation),
        )
        wanted = self._outcome.sent + cases
        for round_ in range(_ROUNDS_MAX):
            missing = wanted - self._outcome.sent
            if missing <= 0:
                return
            had = self._outcome.sent
            made.each(self._send, cases=missing, seed_=self._terms.seed + round_)
            if self._outcome.sent == had:
                return

    def _send_twisted(self, operation: Asked, *, cases: int) -> None:
        twister = Twister(
            operation.label,
            self._told(operation),
            self._document,
            gateway=self._terms.gateway,
            there=self._cast.there,
            token=self._token(operation),
            rng=random.Random(f"{self._terms.seed} {operation.label}"),  # noqa: S311
        )
        wanted, stale = self._outcome.sent + cases, 0
        for shot in twister.shots():
            if self._outcome.sent >= wanted or stale > _STALE_MAX:
                return
            had = self._outcome.sent
            self._send(shot)
            stale = 0 if self._outcome.sent > had else stale + 1

    def _token(self, operation: Asked) -> str:
        told = self._told(operation)
        return self._cast.asks(told["operationId"], tag=told["tags"][0])

    @staticmethod
    def _told(operation: Asked) -> dict[str, Any]:
        told: dict[str, Any] = operation.definition.raw
        return told

    def _send(self, shot: Shot) -> None:
        if shot.identity in self._known:
            return
        self._known.add(shot.identity)
        outcome = self._outcome
        try:
            response = self._session.send(shot.request, timeout=_ANSWER_S)
        except requests.RequestException as error:
            outcome.note(f"no answer: {error!r}: {shot.told()}")
            return
        outcome.statuses[response.status_code] += 1
        if response.status_code >= 500:
            outcome.note(f"{response.status_code} {response.text}: {shot.told()}")
        if response.status_code < 400:
            self._look_at_taken(shot, response)
        self._compare(shot, response)

    def _look_at_taken(self, shot: Shot, response: requests.Response) -> None:
        if refuses_an_item(response):
            return
        if shot.is_excused(response):
            # It was not hostile after all: another one is sent instead.
            self._outcome.statuses[response.status_code] -= 1
            self._outcome.harmless += 1
            return
        self._outcome.note(f"{response.status_code}, and should be refused: {shot.told()}")

    def _compare(self, shot: Shot, response: requests.Response) -> None:
        request = shot.request
        is_json = "json" in response.headers.get("Content-Type", "")
        try:
            self._contract.check(
                request.method or "",
                request.path_url,
                status=response.status_code,
                headers=response.headers,
                body=response.json() if is_json else None,
            )
        except (UndocumentedAnswerError, ValueError) as error:
            self._outcome.note(f"{error}: {shot.told()}")
