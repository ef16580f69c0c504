"""The sections of the settings: one class for each level of names.

`config.settings` puts them together and reads them.
"""

from ipaddress import IPv4Network, IPv6Network
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

Port = Annotated[int, Field(ge=0, le=65535)]
PositiveInt = Annotated[int, Field(ge=1)]
Seconds = Annotated[float, Field(gt=0)]
Milliseconds = Annotated[float, Field(ge=0)]


class Section(BaseModel):
    """One level of settings; a name that is not known is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class ShardSettings(Section):
    """One PostgreSQL database and the buckets that live on it."""

    name: str = Field(min_length=1, description="Name of the shard, as in logs and /ready.")
    dsn: str = Field(min_length=1, description="postgresql:// address of its database.")
    buckets: tuple[int, ...] = Field(description="Buckets that live on it.")


class GatewaySettings(Section):
    """The HTTP edge."""

    host: str = Field("127.0.0.1", description="Address the gateway listens on.")
    port: Port = Field(8080, description="Port the gateway listens on; 0 takes a free one.")
    url: str = Field(
        "",
        description="Where `holdfast` finds it; empty: that of `make run`, else of the last login.",
    )
    admin_port: Port = Field(
        0, description="Port of its internal listener (/health, /ready, /metrics); 0: a free one."
    )
    swagger_ui: str = Field(
        "",
        description="Jar of Swagger UI, for /docs; `make run` fetches one. Empty: no page.",
    )
    hash_threads: PositiveInt = Field(2, description="Threads that hash passwords.")
    hash_queue: PositiveInt = Field(64, description="Passwords that may wait for a thread.")
    hash_queue_of_address: PositiveInt = Field(
        32,
        description="Passwords of one address that may be hashed or wait.",
    )
    send_queue: PositiveInt = Field(
        10_000, description="Messages that may wait for Kafka; what is over is left to redrive."
    )


class ClientSettings(Section):
    """What the connections of clients may cost."""

    connections: PositiveInt = Field(
        10_000, description="Connections served at once; those over it are told 503, or closed."
    )
    connections_of_address: PositiveInt = Field(
        2_500,
        description="Connections of one address; of trusted proxies as many as there are.",
    )
    head_s: Seconds = Field(
        10.0, description="A connection or a request that has begun has its head sent in this time."
    )
    body_s: Seconds = Field(10.0, description="A body arrives in this time.")
    idle_s: Seconds = Field(75.0, description="A connection without a request is closed then.")
    send_s: Seconds = Field(30.0, description="A client fetches what waits for it in this time.")
    unsent_bytes: PositiveInt = Field(
        268_435_456,
        description="Of answers that clients are slow to fetch; who is over it is cut off.",
    )
    unsent_bytes_of_address: PositiveInt = Field(
        67_108_864, description="Of those, to one address; to trusted proxies as many as there are."
    )
    heartbeat_s: Seconds = Field(
        15.0, description="A stream of events that has nothing to tell says so this often."
    )
    stream_s: Seconds = Field(
        600.0, description="A stream of events ends then; its client goes on with another one."
    )
    line_bytes: PositiveInt = Field(8_190, description="The request line, and each header.")
    head_bytes: PositiveInt = Field(32_768, description="All headers together.")
    fields: PositiveInt = Field(100, description="Headers of a request.")


class KafkaSettings(Section):
    """The broker, and how its topics are made."""

    port: Port = Field(19092, description="Port of the broker that `make run` starts.")
    bootstrap: str = Field(
        "", description="host:port list of the brokers; empty means the one that `make run` starts."
    )
    replication_factor: PositiveInt = Field(1, description="Copies of each topic.")
    min_insync_replicas: PositiveInt = Field(1, description="Copies that must have a message.")
    topic_prefix: str = Field("wallet", description="First part of every topic name.")
    group: str = Field("holdfast", description="Consumer group of the workers.")


class PostgresSettings(Section):
    """The PostgreSQL server that `make run` starts."""

    port: Port = Field(15432, description="Port of the server that `make run` starts.")
    shards: PositiveInt = Field(4, description="Shard databases that `make run` creates.")
    pool_size: PositiveInt = Field(10, description="Connections a process opens to one shard.")
    statement_s: Seconds = Field(5.0, description="A transaction older than this is dropped.")
    lock_s: Seconds = Field(0.25, description="How long a statement waits for a row lock.")
    allow_unsafe: bool = Field(
        False, description="Accept fsync or synchronous_commit off (tests only)."
    )


class WorkerSettings(Section):
    """The Faust edge."""

    count: PositiveInt = Field(2, description="Worker processes that `make run` starts.")
    admin_port: Port = Field(
        0,
        description="Port of its internal listener (/health, /ready, /metrics); 0: a free one.",
    )
    session_timeout_s: Seconds = Field(
        10.0, description="A worker that is silent for so long loses its partitions."
    )
    commit_interval_s: Seconds = Field(0.5, description="How often offsets are committed.")
    lane_capacity: PositiveInt = Field(
        1_000, description="Messages a lane holds before its partitions are paused."
    )
    hands_over: bool = Field(
        True,
        description="Confirms that a worker would read itself go into its lanes, not over Kafka.",
    )


class LaneSettings(Section):
    """How requests and messages are gathered into one transaction."""

    batch_max: PositiveInt = Field(200, description="Items of one transaction at the most.")
    try_linger_ms: Milliseconds = Field(
        20.0, description="Longest rest between two batches of tries, with up to four shards."
    )
    step_linger_ms: Milliseconds = Field(
        30.0,
        description="Longest rest between two batches of steps: one worker, up to four shards.",
    )


class RedriveSettings(Section):
    """Doing again what a row's status implies."""

    first_after_s: Seconds = Field(10.0, description="Age at which a transfer is redriven first.")
    backoff_cap_s: Seconds = Field(20.0, description="Longest wait between two redrives.")
    poll_s: Seconds = Field(1.0, description="How often due rows are looked for.")


class AuthSettings(Section):
    """Tokens of users."""

    jwt_secret: SecretStr = Field(
        SecretStr(""), description="HS256 key, 32 bytes or more; `make run` makes one and keeps it."
    )
    token_ttl_s: PositiveInt = Field(86_400, description="Life of a token.")


class MessageSettings(Section):
    """Keys that sign what goes over Kafka."""

    keys: dict[str, SecretStr] = Field(
        default_factory=dict,
        description="JSON object of key id to secret; `make run` makes one and keeps it.",
    )
    signing_key: str = Field(
        "", description="Key id that signs; the other keys only verify. Empty: the first."
    )


class TransferSettings(Section):
    """Transfers: their defaults, and how many may be under way."""

    expires_in_s: Annotated[int, Field(ge=1, le=604_800)] = Field(
        86_400, description="Expiry of a transfer that names none."
    )
    open_per_payer: PositiveInt = Field(
        10_000,
        description="Transfers of one payer under way, and holds of one open; over either: 429.",
    )
    open_per_shard: PositiveInt = Field(
        1_000_000, description="Transfers of one shard that may be under way; over it: 429."
    )
    oldest_held_s: Seconds = Field(
        900.0, description="When one is held for longer, its shard takes no new ones: 429."
    )
    watch_s: Seconds = Field(2.0, description="How often a gateway looks for those two.")


class MovementSettings(Section):
    """Deposits and withdrawals: who makes them."""

    deposits_by: Literal["owner", "operator"] = Field(
        "owner", description="Who deposits: the owner of a wallet, or operators to any wallet."
    )
    withdrawals_by: Literal["owner", "operator"] = Field(
        "owner", description="Who withdraws: the owner of a wallet, or operators from any wallet."
    )


class LimitSettings(Section):
    """Rate limits: how often who may ask."""

    enabled: bool = Field(True, description="Rate limits on or off.")
    per_user: PositiveInt = Field(200, description="Requests of a user in a second.")
    user_burst: PositiveInt = Field(
        400, description="Requests of a user at once, after a rest; not less than in a second."
    )
    per_address: PositiveInt = Field(2_000, description="Requests from an address in a second.")
    address_burst: PositiveInt = Field(
        4_000, description="Requests from an address at once; not less than in a second."
    )
    login_per_min: PositiveInt = Field(
        20, description="Logins with one e-mail from one address in a minute."
    )
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...] = Field(
        (),
        description="JSON list of addresses and networks whose X-Forwarded-For counts.",
    )
    redis: SecretStr = Field(
        SecretStr(""),
        description="redis:// address where gateways count together; empty: each by itself.",
    )

    @model_validator(mode="after")
    def _a_burst_has_room_for_a_second(self) -> "LimitSettings":
        if self.user_burst < self.per_user or self.address_burst < self.per_address:
            raise ValueError(
                "HOLDFAST_LIMITS__USER_BURST and HOLDFAST_LIMITS__ADDRESS_BURST must not be less"
                " than HOLDFAST_LIMITS__PER_USER and HOLDFAST_LIMITS__PER_ADDRESS"
            )
        return self

    @model_validator(mode="after")
    def _redis_is_one_server(self) -> "LimitSettings":
        url = self.redis.get_secret_value()
        if url and not url.startswith(("redis://", "rediss://", "unix://")):
            raise ValueError(
                "HOLDFAST_LIMITS__REDIS must begin with redis://, rediss:// or unix://"
            )
        return self


class LogSettings(Section):
    """What processes write to standard error."""

    level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="Least level that is written."
    )
    format: Literal["json", "console"] = Field(
        "json", description="One JSON object a line, or text."
    )
