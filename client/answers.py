"""What an answer says of itself, beside its body."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RawAnswer:
    """An answer as it came; names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def retry_after_s(self) -> float | None:
        """After how many seconds the gateway wants to be asked again; None where it does not say.

        A date, which the gateway never sends, counts as nothing said.
        """
        told = self.headers.get("retry-after", "")
        return float(told) if told.isascii() and told.isdecimal() else None


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerHead:
    """Of which answer something was read.

    Attributes:
        status: of HTTP: 201 says of a transfer that was waited for that it is over.
        replayed: whether this is the first answer again, to a key that was there before.
        trace_id: what a person who looks into it needs.
        attempts: how often the request was sent.
        key: the idempotency key that was sent; None where there is none.
    """

    status: int
    replayed: bool
    trace_id: str
    attempts: int
    key: str | None


def head_of(raw: RawAnswer, *, attempts: int, key: str | None) -> AnswerHead:
    """What this answer says of itself."""
    return AnswerHead(
        status=raw.status,
        replayed=raw.headers.get("idempotency-replayed") == "true",
        trace_id=raw.headers.get("x-trace-id", ""),
        attempts=attempts,
        key=key,
    )
