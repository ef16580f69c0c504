"""The composition root of the gateway: what is made from what, and in which order it ends."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import asdict, replace
from datetime import timedelta

import structlog
from aiohttp import web

from config.sections import LimitSettings
from config.settings import Settings
from config.wiring import key_ring, open_shards, random_ids, timing, topic_names, wall_clock
from gateway.client_address import ClientAddresses
from gateway.clients import ClientLimits, GuardedRunner
from gateway.currencies import Currencies
from gateway.ended import EndedNotices
from gateway.errors import translate
from gateway.in_flight import InFlightLimits, InFlightWatch
from gateway.json_body import BODY_BYTES_MAX, BODY_SECONDS
from gateway.known_users import KnownUsers
from gateway.lanes import AskingOptions, GatewayLanes
from gateway.listening import Listening
from gateway.middleware import install
from gateway.passwords import Passwords
from gateway.rate_limits import RateLimits, install_rate_limits, rates_of
from gateway.route_table import routes_of
from gateway.routes.health import HealthRoutes
from gateway.tokens import Tokens
from gateway.wake_ups import WakeUps
from messaging.bounded import BoundedSender
from messaging.envelope import Packing
from messaging.sender import KafkaSender
from sagas.asking import Patience
from sagas.backoff import Backoff
from sagas.lane_options import LaneOptions, crowding
from sagas.messages import Message
from shards.check import check_shards, check_when_back
from shards.errors import CommitUnknownError, ShardAwayError
from shards.ids import IdSource
from shards.movements import MovementKind
from telemetry.listener import InternalListener, Readiness
from telemetry.metrics import registry_of

_log = structlog.stdlib.get_logger(__name__)

# A request whose shard is away is answered after so many attempts: the client repeats it.
_ATTEMPTS = 3
_LANE_CAPACITY = 5_000
# A whole batch and some more: one user's batches never leave the others without a place.
_LANE_OF_USER = 1_250
# A request waits no longer for a shard that hangs; one that reads can be asked again at once.
_WRITE_S = 8.0
_READ_S = 3.0
# A read is short and often alone: what is saved by gathering is most of it.
_READS_LINGER_MS = 8.0
_READS_REST = 6.0
# A stop has 4 s in all before the supervisor kills.
_DRAIN_S = 0.5
_SEND_S = 1.0
# For Kafka, threads, logs, and clients who are told that there are too many.
_OWN_FILES = 150


class Gateway:
    """All that the routes stand on. `start` opens it, `close` ends it."""

    def __init__(self, settings: Settings, ids: IdSource) -> None:
        self.settings = settings
        self.ids = ids
        self.shards = open_shards(settings)
        self.tokens = Tokens(
            settings.auth.jwt_secret.get_secret_value(),
            ttl_s=settings.auth.token_ttl_s,
            clock=wall_clock(settings),
        )
        self.passwords = Passwords(
            threads=settings.gateway.hash_threads,
            queue=settings.gateway.hash_queue,
            per_address=settings.gateway.hash_queue_of_address,
        )
        self.clients = ClientAddresses(settings.limits.trusted_proxies)
        self.rate_limits = (
            _rate_limits(settings.limits, clients=self.clients) if settings.limits.enabled else None
        )
        self.currencies = Currencies(self.shards)
        self.backoff = Backoff(first_s=0.05, cap_s=2.0, jitter=ids.jitter)
        self.lanes = GatewayLanes(
            self.shards,
            steps=AskingOptions(
                lane=self._lane_options(self.backoff, linger_ms=settings.lanes.try_linger_ms),
                patience=Patience(answer_s=_WRITE_S, error=CommitUnknownError),
                user_max=_LANE_OF_USER,
            ),
            reads=AskingOptions(
                lane=replace(
                    self._lane_options(self.backoff, linger_ms=_READS_LINGER_MS), rest=_READS_REST
                ),
                patience=Patience(answer_s=_READ_S, error=ShardAwayError),
                # What is read is the same whoever asks.
                user_max=None,
            ),
            timing=timing(settings),
            open_per_payer=settings.transfers.open_per_payer,
        )
        self.in_flight = InFlightWatch(
            self.shards,
            limits=InFlightLimits(
                oldest_held=timedelta(seconds=settings.transfers.oldest_held_s),
                open_max=settings.transfers.open_per_shard,
            ),
            every_s=settings.transfers.watch_s,
        )
        self.notices = EndedNotices(self.shards)
        self.known_users = KnownUsers(self.shards)
        self._listening = Listening(
            self.shards, (self.notices, self.known_users), backoff=self.backoff
        )
        self.sender = KafkaSender(bootstrap=settings.kafka_bootstrap, client_id="holdfast-gateway")
        self._bounded: BoundedSender[Message] = BoundedSender(
            self.sender,
            pack=Packing(
                keys=key_ring(settings),
                names=topic_names(settings),
                shard_of=self.shards.of_bucket,
            ).pack,
            capacity=settings.gateway.send_queue,
        )
        self.wake_ups = WakeUps(self._bounded)
        self.health = HealthRoutes(shards=self.shards, sender=self.sender)
        self.admin = InternalListener(
            port=settings.gateway.admin_port,
            ready=self._readiness,
            registry=registry_of(lanes=self.lanes.all, messages=self._messages),
        )
        self._late_check: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Opens everything; shards and Kafka may be away.

        Raises:
            SchemaError: a database is not the shard it is taken for.
            OSError: the internal listener's port is taken.
        """
        await self.admin.start()
        unsafe = self.settings.postgres.allow_unsafe
        away = await check_shards(self.shards, allow_unsafe=unsafe)
        self._late_check = asyncio.create_task(
            check_when_back(away, buckets=self.shards.buckets, allow_unsafe=unsafe)
        )
        await self.sender.start()
        await self._bounded.start()
        if self.rate_limits is not None:
            await self.rate_limits.start()
        self.lanes.start()
        self._listening.start()
        self.in_flight.start()

    async def watch(self) -> None:
        """Runs for ever, unless a shard that was away comes back as the wrong one.

        Raises:
            SchemaError: that; the process is to end.
        """
        if self._late_check is not None:
            await asyncio.shield(self._late_check)
        await asyncio.Event().wait()

    async def close(self) -> None:
        """Ends everything, in the order in which it is needed."""
        if self._late_check is not None:
            self._late_check.cancel()
        await self.in_flight.close()
        await self._listening.close()
        await self.lanes.close(within_s=_DRAIN_S)
        await self._bounded.close(within_s=_SEND_S)
        await self.sender.close()
        self.passwords.close()
        if self.rate_limits is not None:
            await self.rate_limits.close()
        await self.shards.close()
        await self.admin.close()

    async def _readiness(self) -> Readiness:
        view = await self.health.readiness()
        return Readiness(view.is_ready, asdict(view))

    def _messages(self) -> dict[str, int]:
        return {"sent": self._bounded.sent, "dropped": self._bounded.dropped}

    @property
    def left_to_operators(self) -> frozenset[MovementKind]:
        """What the owner of a wallet may not do with it."""
        made_by = {
            MovementKind.DEPOSIT: self.settings.movements.deposits_by,
            MovementKind.WITHDRAWAL: self.settings.movements.withdrawals_by,
        }
        return frozenset(kind for kind, who in made_by.items() if who == "operator")

    def _lane_options(self, backoff: Backoff, *, linger_ms: float) -> LaneOptions:
        return LaneOptions(
            capacity=_LANE_CAPACITY,
            batch_max=self.settings.lanes.batch_max,
            linger_s=linger_ms / 1000,
            crowd=lambda: crowding(lanes=len(self.shards.shards)),
            attempts=_ATTEMPTS,
            backoff=backoff,
        )


def _rate_limits(settings: LimitSettings, *, clients: ClientAddresses) -> RateLimits:
    return RateLimits(
        rates_of(
            per_user=settings.per_user,
            user_burst=settings.user_burst,
            per_address=settings.per_address,
            address_burst=settings.address_burst,
            login_per_min=settings.login_per_min,
        ),
        clients=clients,
        redis=settings.redis.get_secret_value() or None,
    )


GATEWAY = web.AppKey("gateway", Gateway)


def create_app(settings: Settings, *, ids: IdSource | None = None) -> web.Application:
    """The gateway as an aiohttp application; opens nothing until it starts.

    Args:
        settings: of this process.
        ids: where ids and jitter come from; random by default.

    Raises:
        WeakSecretError, ValueError: a secret is missing or too short.
    """
    gateway = Gateway(settings, ids or random_ids(settings))
    # A packed body is refused (415): aiohttp would unpack it first, and stumble over the rest.
    app = web.Application(client_max_size=BODY_BYTES_MAX, handler_args={"auto_decompress": False})
    app[GATEWAY] = gateway
    app[BODY_SECONDS] = settings.clients.body_s
    install(app, translate=translate)
    if gateway.rate_limits is not None:
        install_rate_limits(app, gateway.rate_limits)
    app.add_routes([route.definition for route in routes_of(gateway)])

    async def lifetime(_app: web.Application) -> AsyncIterator[None]:
        await gateway.start()
        yield
        await gateway.close()

    async def release_waiters(_app: web.Application) -> None:
        gateway.notices.release()

    app.cleanup_ctx.append(lifetime)
    app.on_shutdown.append(release_waiters)
    return app


def create_runner(
    app: web.Application, *, shutdown_timeout: float, files_max: int
) -> GuardedRunner:
    """Serves what `create_app` made, within the bounds that its settings have for clients.

    Args:
        app: of `create_app`.
        shutdown_timeout: how long requests under way may go on at a stop.
        files_max: what this process may have open. Clients never get the last of it: without a
            file for a shard, nobody is served.
    """
    settings = app[GATEWAY].settings
    clients = settings.clients
    own_files = _OWN_FILES + len(settings.shard_settings) * (settings.postgres.pool_size + 1)
    connections = max(min(clients.connections, files_max - own_files), 1)
    if connections < clients.connections:
        _log.warning("gateway.few_files", files_max=files_max, connections=connections)
    # Where there are files for less, an address has as much less of it.
    of_address = clients.connections_of_address * connections // clients.connections
    limits = ClientLimits(
        connections=connections,
        of_address=max(of_address, 1),
        unsent_bytes=clients.unsent_bytes,
        unsent_of_address=clients.unsent_bytes_of_address,
        head_s=clients.head_s,
        idle_s=clients.idle_s,
        send_s=clients.send_s,
        line_bytes=clients.line_bytes,
        head_bytes=clients.head_bytes,
        fields=clients.fields,
    )
    return GuardedRunner(
        app,
        limits=limits,
        clients=app[GATEWAY].clients,
        shutdown_timeout=shutdown_timeout,
    )
