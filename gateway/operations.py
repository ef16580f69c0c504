"""What an operation of the API is, as data: routes, checks and the document are made from it.

A route is an operation and the handler that does it. The handler reads its body with the
operation's own model and its query by the operation's own parameters, so the document cannot say
anything else than what is checked.
"""

from collections.abc import Awaitable, Callable, Mapping
from enum import StrEnum
from typing import Any, Generic, TypeVar

from aiohttp import hdrs, web
from pydantic import BaseModel

from gateway.parameters import Parameter
from shards.records import record

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
_BodyT = TypeVar("_BodyT", bound=BaseModel)


class Tag(StrEnum):
    """What an operation is about; the document is grouped by it."""

    USERS = "Users"
    WALLETS = "Wallets"
    MOVEMENTS = "Deposits and withdrawals"
    TRANSFERS = "Transfers"
    HOLDS = "Holds"
    LEDGER = "Ledger"
    CURRENCIES = "Currencies"
    OPERATORS = "Operators"
    HEALTH = "Health"
    DOCUMENTATION = "Documentation"


class Who(StrEnum):
    """Who may ask. All but anyone need a bearer token."""

    ANYONE = "anyone"
    USER = "user"
    OWNER = "owner"
    OWNER_OR_OPERATOR = "owner or operator"
    PARTY = "payer or payee"
    PARTY_OR_OPERATOR = "payer, payee or operator"
    PAYER = "payer"
    PAYEE_OR_OPERATOR = "payee or operator"
    OPERATOR = "operator"


@record
class Shown:
    """An answer that is no problem.

    Attributes:
        says: what it tells, as a sentence.
        view: a record of `gateway.views`; None for an answer that is no JSON of ours.
        is_page: whether it is a page of such views.
        media: its content type; None for an answer without a body.
        locates: whether `Location` says where it is from now on.
        headers: others that it may have.
    """

    says: str
    view: Any = None
    is_page: bool = False
    media: str | None = "application/json"
    locates: bool = False
    headers: tuple[str, ...] = ()


@record
class Operation:
    """What can be asked for at one method and path.

    Attributes:
        name: in snake_case; unique, and the operation's id in the document.
        path: with the names of `gateway.path_ids` in braces.
        shown: the answers that are no problem, by status.
        refusals: the codes of `gateway.problems` that it has beside those that follow from the
            rest of it.
        query: the parameters that it takes.
        has_key: whether it needs an `Idempotency-Key`.
        can_wait: whether it heeds `Prefer: wait=N`.
        resumes: whether it heeds `Last-Event-ID`.
        is_counted: whether it takes of the allowance of who asks.
        allow_head: whether a HEAD is answered, too.
    """

    method: str
    path: str
    name: str
    tag: Tag
    who: Who
    shown: Mapping[int, Shown]
    refusals: tuple[str, ...] = ()
    query: tuple[Parameter, ...] = ()
    has_key: bool = False
    can_wait: bool = False
    resumes: bool = False
    is_counted: bool = True
    allow_head: bool = True

    def route(self, handler: Handler) -> "Route":
        """This operation, done by that handler."""
        return Route(operation=self, handler=handler)


@record
class BodyOperation(Operation, Generic[_BodyT]):
    """An operation whose request has a body.

    Attributes:
        body: the model that it is read with.
        may_be_empty: whether no body at all is as good as an empty object.
    """

    body: type[_BodyT]
    may_be_empty: bool = False


@record
class Route:
    """An operation and what does it; the handler's docstring tells what it does."""

    operation: Operation
    handler: Handler

    @property
    def method(self) -> str:
        """The HTTP method."""
        return self.operation.method

    @property
    def path(self) -> str:
        """The path, with names in braces."""
        return self.operation.path

    @property
    def definition(self) -> web.RouteDef:
        """For aiohttp's router."""
        has_head = self.method == hdrs.METH_GET
        options = {"allow_head": self.operation.allow_head} if has_head else {}
        return web.RouteDef(self.method, self.path, self.handler, options)
