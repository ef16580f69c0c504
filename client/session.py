"""What a user does, with a token."""

from dataclasses import replace

from client import operations
from client.entries import Entries
from client.holds import Holds
from client.models import User
from client.operator import Operator
from client.requests import make
from client.scope import Scope
from client.transfers import Transfers
from client.wallets import Wallets


class Session:
    """A user who has logged in: the calls that need a token.

    It holds nothing open, may be shared by tasks, and ends with its token (`SignInError` then).

    Attributes:
        user_id: whose wallet the calls are about.
        token: who asks; keep it to go on later, with `Holdfast.session`.
        wallet: balances, deposits, withdrawals, limits.
        transfers: transfers, batches, refunds.
        holds: holds and their captures.
        entries: the ledger of the wallet.
        operator: what only operators may do.
    """

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self.user_id = scope.user_id
        self.token = scope.token
        self.wallet = Wallets(scope)
        self.transfers = Transfers(scope)
        self.holds = Holds(scope)
        self.entries = Entries(scope)
        self.operator = Operator(scope)

    async def me(self) -> User:
        """The user of the token."""
        return await self._scope.call(make(operations.ME), User.read)

    def of(self, user_id: str) -> "Session":
        """The same token, about another wallet: what operators read and do there."""
        return Session(replace(self._scope, user_id=user_id))
