"""The client of one gateway: what needs no token, and the sessions of users."""

from contextlib import AsyncExitStack
from typing import Self

from client import operations
from client.calls import Caller
from client.errors import ConflictError, SignInError
from client.models import Currency, Readiness, Token, User
from client.pages import page_of
from client.requests import make
from client.retries import Clock, Retries
from client.scope import Scope
from client.session import Session
from client.transport import Transport

_ONCE = Retries(attempts=1)


class Holdfast:
    """Holdfast's API at one address: `async with Holdfast("http://127.0.0.1:8080") as holdfast`.

    Every call raises `ProblemError`, `NoAnswerError` or `UnexpectedAnswerError` (`client.errors`).
    What is told "later", or has no answer, is sent again with the same key, within the bounds.

    Args:
        url: of a gateway, or of what balances between several.
        retries: the bounds of repeats.
        answer_s: how long one answer may take, besides what is waited for.
        connect_s: how long a connection may take to be made.
        connections: how many are open at once, one for each transfer that is followed among them;
            0 for any number.
        transport: carries the requests; None for aiohttp.
        clock: time, pauses and chance.

    Attributes:
        url: the same, without a slash at the end.

    Raises:
        ValueError: this is no URL of HTTP.
    """

    def __init__(  # noqa: PLR0913 - options by name, each with a good default
        self,
        url: str,
        *,
        retries: Retries | None = None,
        answer_s: float = 15.0,
        connect_s: float = 5.0,
        connections: int = 100,
        transport: Transport | None = None,
        clock: Clock | None = None,
    ) -> None:
        if not url.startswith(("http://", "https://")):
            raise ValueError(f"{url!r} is no URL of a gateway, such as http://127.0.0.1:8080")
        self.url = url.rstrip("/")
        self._retries = retries or Retries()
        self._answer_s = answer_s
        self._connect_s = connect_s
        self._connections = connections
        self._transport = transport
        self._clock = clock or Clock()
        self._caller: Caller | None = None
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        transport = self._transport
        if transport is None:
            # Here, since who only reads the client's records need not wait for aiohttp.
            from client.aiohttp_transport import AiohttpTransport  # noqa: PLC0415

            transport = await self._stack.enter_async_context(
                AiohttpTransport.opened(
                    self.url, connections=self._connections, connect_s=self._connect_s
                )
            )
        self._caller = Caller(
            transport, retries=self._retries, clock=self._clock, answer_s=self._answer_s
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        self._caller = None
        await self._stack.aclose()

    @property
    def repeats(self) -> int:
        """How many requests had to be sent again so far."""
        return self._open.repeats

    async def is_alive(self) -> bool:
        """Whether the process answers; asked once."""
        sent = await self._open.sent(make(operations.HEALTH), retries=_ONCE)
        return sent.raw is not None and sent.raw.status == 200

    async def ready(self) -> Readiness:
        """What the gateway can reach; asked once, and told although nothing can be done."""
        request = make(operations.READY)
        return await self._open.call(request, Readiness.read, good=(200, 503), retries=_ONCE)

    async def currencies(self) -> tuple[Currency, ...]:
        """All currencies."""
        request = make(operations.LIST_CURRENCIES)
        return tuple((await self._open.call(request, page_of(Currency.read))).data)

    async def currency(self, code: str) -> Currency:
        """One currency."""
        return await self._open.call(make(operations.GET_CURRENCY, {"code": code}), Currency.read)

    async def register(self, email: str, password: str, *, name: str | None = None) -> User:
        """A new user.

        It has no key: where an answer was lost and the e-mail is taken now, a login with this
        password tells whether it was taken by this very call; then this is the user that it made.

        Raises:
            ConflictError: the e-mail is in use by somebody else (`email_taken`).
        """
        body: dict[str, object] = {"email": email, "password": password}
        if name is not None:
            body["name"] = name
        try:
            return await self._open.call(make(operations.REGISTER, body=body), User.read)
        except ConflictError as error:
            if error.code != "email_taken" or error.answer.attempts == 1:
                raise
            try:
                return await (await self.login(email, password)).me()
            except SignInError:
                raise error from None

    async def token(self, email: str, password: str) -> Token:
        """An access token.

        Raises:
            SignInError: e-mail or password is wrong (`invalid_credentials`).
        """
        body: dict[str, object] = {"email": email, "password": password}
        return await self._open.call(make(operations.LOGIN, body=body), Token.read)

    async def login(self, email: str, password: str) -> Session:
        """The session of this user; raises as `token`."""
        return await self.resume((await self.token(email, password)).access_token)

    async def resume(self, token: str) -> Session:
        """The session of a token that was kept; asks whose it is.

        Raises:
            SignInError: it has ended, or is none.
        """
        user = await self._open.call(make(operations.ME).by(token), User.read)
        return self.session(user.id, token)

    def session(self, user_id: str, token: str) -> Session:
        """The session of a token whose user is known; nothing is asked."""
        return Session(Scope(self._open, token, user_id))

    @property
    def _open(self) -> Caller:
        if self._caller is None:
            raise RuntimeError("use `async with Holdfast(url) as holdfast`")
        return self._caller
