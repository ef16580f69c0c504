"""What a client asks for, as the history tells it and as it goes over the wire."""

from dataclasses import dataclass
from itertools import count

from reliability.chaos.load.answers import spelled
from reliability.chaos.load.asking import Ask
from reliability.chaos.load.cast import CURRENCY, Member
from reliability.history import (
    AskBalance,
    AskHold,
    AskLimit,
    AskMovement,
    AskOfHold,
    AskOfTransfer,
    AskPart,
    AskTransfer,
    Kind,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Deal:
    """A hold or a transfer that was accepted; `amount` is minor units."""

    id: str
    payer: Member
    payee: Member
    amount: int


class Requests:
    """Makes requests, each with a key of its own where it has one.

    Args:
        tag: what the keys of a run have in common.
    """

    def __init__(self, tag: str) -> None:
        self._tag = tag
        self._keys = count(1)

    def movement(self, kind: Kind, member: Member, amount: int) -> Ask:
        """A deposit or a withdrawal."""
        key = self._key("m")
        return Ask(
            told=AskMovement(kind=kind, user=member.id, currency=CURRENCY, amount=amount, key=key),
            by=member,
            method="POST",
            path=f"{member.wallet}/{kind}s",
            json={"currency": CURRENCY, "amount": spelled(amount)},
            key=key,
        )

    def transfer(
        self,
        payer: Member,
        payee: str,
        amount: int,
        *,
        expires_in_s: int | None = None,
        tag: str | None = None,
    ) -> Ask:
        """A transfer to a user id, of a user or of nobody."""
        key = self._key("t")
        told = AskTransfer(
            payer=payer.id,
            payee=payee,
            currency=CURRENCY,
            amount=amount,
            key=key,
            expires_in_s=expires_in_s,
            tag=tag,
        )
        return _payment(told, by=payer, path=f"{payer.wallet}/transfers")

    def hold(
        self, payer: Member, payee: str, amount: int, *, expires_in_s: int | None = None
    ) -> Ask:
        """A hold."""
        key = self._key("h")
        told = AskHold(
            payer=payer.id,
            payee=payee,
            currency=CURRENCY,
            amount=amount,
            key=key,
            expires_in_s=expires_in_s,
        )
        return _payment(told, by=payer, path=f"{payer.wallet}/holds")

    def part(
        self,
        kind: Kind,
        of: Deal,
        *,
        by: Member,
        amount: int | None = None,
        final: bool | None = None,
    ) -> Ask:
        """A capture of a hold or a refund of a transfer; no amount is all that is left."""
        key = self._key("p")
        is_refund = kind is Kind.REFUND
        told = AskPart(
            kind=kind,
            part_of=of.id,
            user=by.id,
            payer=of.payee.id if is_refund else of.payer.id,
            payee=of.payer.id if is_refund else of.payee.id,
            currency=CURRENCY,
            key=key,
            amount=amount,
            final=final,
        )
        json: dict[str, object] = {}
        if amount is not None:
            json["amount"] = spelled(amount)
        if final is not None:
            json["final"] = final
        path = f"/v1/transfers/{of.id}/refunds" if is_refund else f"/v1/holds/{of.id}/capture"
        return Ask(told=told, by=by, method="POST", path=path, json=json, key=key)

    def void(self, hold: str, *, by: Member) -> Ask:
        """A void by the payee, or by an operator."""
        told = AskOfHold(kind=Kind.VOID, hold=hold, user=by.id)
        return Ask(told=told, by=by, method="POST", path=f"/v1/holds/{hold}/void")

    def read_hold(self, hold: str, *, by: Member) -> Ask:
        """A hold as it is."""
        told = AskOfHold(kind=Kind.READ_HOLD, hold=hold, user=by.id)
        return Ask(told=told, by=by, method="GET", path=f"/v1/holds/{hold}")

    def cancel(self, transfer: str, *, by: Member) -> Ask:
        """A cancel by the payer."""
        told = AskOfTransfer(kind=Kind.CANCEL, transfer=transfer, user=by.id)
        return Ask(told=told, by=by, method="POST", path=f"/v1/transfers/{transfer}/cancel")

    def read_transfer(self, transfer: str, *, by: Member) -> Ask:
        """A transfer as it is."""
        told = AskOfTransfer(kind=Kind.READ_TRANSFER, transfer=transfer, user=by.id)
        return Ask(told=told, by=by, method="GET", path=f"/v1/transfers/{transfer}")

    def read_balance(self, member: Member) -> Ask:
        """The account that all pay from."""
        told = AskBalance(user=member.id, currency=CURRENCY)
        path = f"{member.wallet}/balances/{CURRENCY}"
        return Ask(told=told, by=member, method="GET", path=path)

    def limit(self, member: Member, daily: int | None, *, by: Member) -> Ask:
        """A spending limit by an operator; None takes it away."""
        told = AskLimit(user=member.id, currency=CURRENCY, operator=by.id, daily=daily)
        json: dict[str, object] = {"daily": None if daily is None else spelled(daily)}
        path = f"{member.wallet}/limits/{CURRENCY}"
        return Ask(told=told, by=by, method="PUT", path=path, json=json)

    def _key(self, kind: str) -> str:
        return f"{kind}-{self._tag}-{next(self._keys)}"


def _payment(told: AskTransfer | AskHold, *, by: Member, path: str) -> Ask:
    json: dict[str, object] = {
        "to": told.payee,
        "currency": told.currency,
        "amount": spelled(told.amount),
    }
    if told.expires_in_s is not None:
        json["expires_in_s"] = told.expires_in_s
    return Ask(told=told, by=by, method="POST", path=path, json=json, key=told.key)
