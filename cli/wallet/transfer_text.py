"""A transfer as commands print it, and what a command ends with that waited for one."""

import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

import typer

from cli.errors import CommandError
from cli.text import printable
from cli.wallet.shown import as_json as shown_as_json
from cli.wallet.shown import exactly_when, keyed, print_facts, print_json, when
from client import (
    AnswerHead,
    NoAnswerError,
    NotOverError,
    Session,
    Transfer,
    TransferStatus,
    TryLaterError,
)

WAIT_S = 30.0
EXIT_SAID_NO = 1


class NotOverYetError(CommandError):
    """What was waited for goes on by itself; exits with 2."""


def replay_note(answer: AnswerHead) -> str:
    """What stands behind an answer that was given before."""
    return "  (replayed: this key had it before, and nothing moved again)" * answer.replayed


@dataclass(slots=True, kw_only=True)
class Made:
    """A transfer that a command makes, or that its key had made before.

    Attributes:
        key: under which it is made.
        first: as the request was answered; None before that.
        now: as it is by now.
    """

    key: str
    first: Transfer | None = None
    now: Transfer | None = None

    async def follow_up(self, session: Session, *, wait: bool) -> None:
        """Waits for the end of what was made, if it is waited for; not for ever."""
        assert self.first is not None
        self.now = self.first
        if wait and not self.first.is_over:
            # It was made, whatever becomes of the wait: that is what there is to tell.
            with suppress(NotOverError, NoAnswerError, TryLaterError):
                self.now = await session.transfers.wait(self.first.id, within_s=WAIT_S)

    def stopped(self) -> str:
        """What goes on when the command is stopped here; empty before anything is known."""
        if self.first is None:
            return ""
        return f"it goes on by itself: holdfast transfer {self.first.id} --follow"


def print_made(made: Made, *, waited: bool, as_json: bool) -> None:
    """Prints it, and ends the command with what became of it, if that was waited for.

    Raises:
        typer.Exit: with 1, when it ended otherwise than completed.
        NotOverYetError: it is not over.
    """
    assert made.first is not None
    assert made.now is not None
    answer = made.first.answer
    if as_json:
        print_json(shown_as_json(made.now) | keyed(answer))
    else:
        print_transfer(made.now, note=replay_note(answer))
        print_facts([("key", made.key)])
    if waited:
        end_with(made.now)


def end_with(transfer: Transfer) -> None:
    """Ends the command with what became of a transfer; raises as `print_made`."""
    if not transfer.is_over:
        raise NotOverYetError(
            f"the transfer is {transfer.status} so far, and goes on by itself:"
            f" holdfast transfer {transfer.id} --follow"
        )
    if transfer.status is not TransferStatus.COMPLETED:
        why = f" ({transfer.reason})" if transfer.reason else ""
        said = printable(f"holdfast: the transfer was {transfer.status}{why}, not completed")
        print(said, file=sys.stderr)
        raise typer.Exit(EXIT_SAID_NO)


def print_transfer(transfer: Transfer, *, note: str = "", with_times: bool = True) -> None:
    """All of a transfer; the times of its statuses may have been told."""
    print_facts([("transfer", transfer.id + note), *_facts(transfer)])
    if with_times:
        print_facts(_timeline(transfer))


def _facts(transfer: Transfer) -> Iterator[tuple[str, str]]:
    said = [
        ("status", transfer.status),
        ("reason", transfer.reason),
        ("amount", f"{transfer.amount} {transfer.currency}"),
        ("payer", transfer.payer_id),
        ("payee", transfer.payee_id or "nobody"),
        ("of hold", transfer.hold_id),
        ("refund of", transfer.refund_of),
    ]
    yield from ((name, text) for name, text in said if text)
    if transfer.refunds:
        yield "given back", f"{transfer.amount_refunded} {transfer.currency}"
    yield from (("refund", refund) for refund in transfer.refunds)
    yield from (("metadata", f"{name}={text}") for name, text in transfer.metadata.items())
    if not transfer.is_over:
        yield "expires", f"{when(transfer.expires_at)} UTC"


def _timeline(transfer: Transfer) -> Iterator[tuple[str, str]]:
    for reached in transfer.timeline:
        yield reached.status, f"{exactly_when(reached.at)} UTC{_after(transfer, reached.at)}"


def _after(transfer: Transfer, at: datetime) -> str:
    """How long after the first status this one came."""
    since = (at - transfer.timeline[0].at).total_seconds()
    return f"  +{since:.3f} s" if since else ""
