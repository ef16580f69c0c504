"""POST /users, POST /auth/login, GET /me."""

from typing import Final

from aiohttp import hdrs, web

from gateway import parameters
from gateway.auth import authenticate, require_operator
from gateway.client_address import ClientAddresses
from gateway.json_body import read_json
from gateway.operations import BodyOperation, Operation, Route, Shown, Tag, Who
from gateway.pages import page_response
from gateway.passwords import Passwords
from gateway.present import show_user
from gateway.problems import Problem
from gateway.query import parse_no_query, parse_users_query
from gateway.rate_limits import admit, admit_login
from gateway.refusals import WRITE
from gateway.schemas import LoginBody, UserBody, parse_body
from gateway.tokens import Role, Tokens
from gateway.tracing import trace_of
from gateway.views import TokenView, UserView, json_response
from sagas.events import USER_CREATED, user_data
from shards.book import open_book
from shards.errors import CommitUnknownError
from shards.ids import IdSource, email_bucket
from shards.router import ShardMap
from shards.users import (
    LockedUser,
    User,
    UserStatus,
    insert_user,
    read_user,
    read_user_by_email,
)
from shards.writes import write_together

REGISTER: Final = BodyOperation(
    method=hdrs.METH_POST,
    path="/v1/users",
    name="register",
    tag=Tag.USERS,
    who=Who.ANYONE,
    body=UserBody,
    shown={201: Shown(says="The user.", view=UserView)},
    refusals=("email_taken", *WRITE),
)
FIND: Final = Operation(
    method=hdrs.METH_GET,
    path="/v1/users",
    name="find_users",
    tag=Tag.OPERATORS,
    who=Who.OPERATOR,
    query=parameters.USERS,
    shown={200: Shown(says="Who has it, if anybody.", view=UserView, is_page=True)},
    refusals=("operator_only",),
)
LOGIN: Final = BodyOperation(
    method=hdrs.METH_POST,
    path="/v1/auth/login",
    name="login",
    tag=Tag.USERS,
    who=Who.ANYONE,
    body=LoginBody,
    shown={200: Shown(says="A token.", view=TokenView)},
    refusals=("invalid_credentials",),
)
ME: Final = Operation(
    method=hdrs.METH_GET,
    path="/v1/me",
    name="get_me",
    tag=Tag.USERS,
    who=Who.USER,
    shown={200: Shown(says="Who sends this.", view=UserView)},
)


class UserRoutes:
    """Who is who."""

    def __init__(
        self,
        *,
        shards: ShardMap,
        tokens: Tokens,
        passwords: Passwords,
        clients: ClientAddresses,
        ids: IdSource,
    ) -> None:
        self._shards = shards
        self._tokens = tokens
        self._passwords = passwords
        self._clients = clients
        self._ids = ids

    def table(self) -> list[Route]:
        """Each operation, and what does it."""
        return [
            REGISTER.route(self.register),
            FIND.route(self.find),
            LOGIN.route(self.login),
            ME.route(self.me),
        ]

    async def register(self, request: web.Request) -> web.Response:
        """201 with the user; 409 when the e-mail is taken."""
        await admit(request)
        sent = await read_json(request)
        parse_no_query(request.query)
        body = parse_body(REGISTER.body, sent)
        password_hash = await self._passwords.hash(
            body.password, address=self._clients.of_request(request)
        )
        user = await self._create(request, body, password_hash)
        return json_response(show_user(user), status=201)

    async def find(self, request: web.Request) -> web.Response:
        """The user with this e-mail, as a list of one or none."""
        require_operator(authenticate(request, self._tokens))
        await admit(request)
        user = await self._find(parse_users_query(request.query))
        return page_response(request, [show_user(user)] if user is not None else [], None)

    async def login(self, request: web.Request) -> web.Response:
        """200 with a token; a wrong e-mail and a wrong password answer alike."""
        await admit(request)
        sent = await read_json(request)
        parse_no_query(request.query)
        body = parse_body(LOGIN.body, sent)
        await admit_login(request, body.email)
        user = await self._find(body.email) if body.email is not None else None
        stored = user.password_hash if user is not None else None
        matches = await self._passwords.verify(
            stored, body.password, address=self._clients.of_request(request)
        )
        if user is None or not matches:
            raise Problem("invalid_credentials")
        token = self._tokens.mint(user.id, Role(user.role))
        return json_response(TokenView(access_token=token, expires_in=self._tokens.ttl_s))

    async def me(self, request: web.Request) -> web.Response:
        """200 with the sender."""
        principal = authenticate(request, self._tokens)
        user = None
        if self._shards.knows(principal.user_id):
            async with self._shards.of_id(principal.user_id).connection() as conn:
                user = await read_user(conn, id_=principal.user_id)
        if user is None:
            raise Problem("invalid_token", "The token's user does not exist.")
        await admit(request)
        parse_no_query(request.query)
        return json_response(show_user(user))

    async def _create(self, request: web.Request, body: UserBody, password_hash: str) -> User:
        """One local transaction: the e-mail's uniqueness, the user, and its first event."""
        bucket = email_bucket(body.email, self._shards.buckets)
        user_id = self._ids.new_id(bucket)
        try:
            async with self._shards.of_bucket(bucket).transaction([bucket]) as conn:
                user = await insert_user(
                    conn,
                    id_=user_id,
                    email=body.email,
                    name=body.name,
                    password_hash=password_hash,
                )
                new = {user.id: LockedUser(user.id, UserStatus.OPEN, 0)}
                book = await open_book(conn, new)
                book.tell(
                    USER_CREATED,
                    user_id=user.id,
                    data=user_data(user),
                    traceparent=trace_of(request).traceparent,
                )
                await write_together(conn, book.writes())
        except CommitUnknownError:
            # The e-mail is the key: if it is there under our id, this request did it.
            found = await self._find(body.email)
            if found is None or found.id != user_id:
                raise
            return found
        return user

    async def _find(self, email: str) -> User | None:
        async with self._shards.of_email(email).connection() as conn:
            return await read_user_by_email(conn, email=email)
