-- Everything a shard holds. Columns are named as in the HTTP API; amounts are minor units.
-- Rows that deduplicate (transfers, movements, verdicts, entries) are never deleted: a replay that
-- comes after its row is gone would move the money again.

-- The only clock of the system. A test replaces it in its scratch database.
CREATE FUNCTION app_now() RETURNS timestamptz
    LANGUAGE sql VOLATILE
    AS 'SELECT clock_timestamp()';

-- One row: which shard this database is, and the number of buckets the system was made with.
CREATE TABLE system (
    only_row    boolean     NOT NULL DEFAULT true,
    shard       text        NOT NULL,
    buckets     integer     NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT app_now(),
    CONSTRAINT system_pkey PRIMARY KEY (only_row),
    CONSTRAINT system_one_row CHECK (only_row),
    CONSTRAINT system_buckets_range CHECK (buckets BETWEEN 1 AND 4096)
);

-- The buckets that live here. A move of a bucket raises its epoch.
CREATE TABLE buckets (
    bucket  integer NOT NULL,
    epoch   bigint  NOT NULL DEFAULT 1,
    state   text    NOT NULL DEFAULT 'owned',
    CONSTRAINT buckets_pkey PRIMARY KEY (bucket),
    CONSTRAINT buckets_state CHECK (state IN ('owned', 'moving', 'gone'))
);

CREATE TABLE currencies (
    code        text        NOT NULL,
    name        text        NOT NULL,
    decimals    integer     NOT NULL,
    enabled     boolean     NOT NULL DEFAULT true,
    created_at  timestamptz NOT NULL DEFAULT app_now(),
    CONSTRAINT currencies_pkey PRIMARY KEY (code),
    CONSTRAINT currencies_code CHECK (code ~ '^[A-Z0-9]{3,10}$'),
    CONSTRAINT currencies_decimals CHECK (decimals BETWEEN 0 AND 18)
);

-- Updated at every event: room on the page keeps those updates off the indexes (HOT).
CREATE TABLE users (
    id              uuid        NOT NULL,
    bucket          integer     NOT NULL,
    email           text        NOT NULL,
    name            text,
    password_hash   text        NOT NULL,
    role            text        NOT NULL,
    status          text        NOT NULL,
    event_sequence  bigint      NOT NULL,
    created_at      timestamptz NOT NULL,
    CONSTRAINT users_pkey PRIMARY KEY (id),
    CONSTRAINT users_email_key UNIQUE (email),
    CONSTRAINT users_role CHECK (role IN ('user', 'operator')),
    CONSTRAINT users_status CHECK (status IN ('open', 'frozen', 'closed'))
) WITH (fillfactor = 70);

CREATE TABLE accounts (
    user_id     uuid           NOT NULL,
    currency    text           NOT NULL,
    bucket      integer        NOT NULL,
    balance     numeric(38, 0) NOT NULL,
    held        numeric(38, 0) NOT NULL,
    seq         bigint         NOT NULL,
    head_hash   bytea          NOT NULL,
    last_at     timestamptz,
    version     bigint         NOT NULL,
    CONSTRAINT accounts_pkey PRIMARY KEY (user_id, currency),
    CONSTRAINT accounts_user_fkey FOREIGN KEY (user_id) REFERENCES users (id),
    -- The upper bound also keeps NaN out, which is greater than every number.
    CONSTRAINT accounts_held_within_balance CHECK (
        0 <= held AND held <= balance AND balance < 1e38)
) WITH (fillfactor = 50);

-- The frozen-balance record of the try, and the memory of the saga. No foreign key to users: the
-- step has locked that row already, and the check would be made for every row of a batch.
CREATE TABLE transfers (
    id               uuid           NOT NULL,
    bucket           integer        NOT NULL,
    payer_id         uuid           NOT NULL,
    payee_id         uuid,
    currency         text           NOT NULL,
    amount           numeric(38, 0) NOT NULL,
    status           text           NOT NULL,
    reason           text,
    caller           text           NOT NULL,
    idempotency_key  text           NOT NULL,
    fingerprint      bytea          NOT NULL,
    metadata         jsonb,
    traceparent      text           NOT NULL,
    attempts         integer        NOT NULL,
    next_attempt_at  timestamptz,
    created_at       timestamptz    NOT NULL,
    expires_at       timestamptz    NOT NULL,
    debited_at       timestamptz,
    ended_at         timestamptz,
    CONSTRAINT transfers_pkey PRIMARY KEY (id),
    CONSTRAINT transfers_key UNIQUE (payer_id, caller, idempotency_key),
    CONSTRAINT transfers_amount_range CHECK (0 < amount AND amount < 1e27),
    CONSTRAINT transfers_status CHECK (
        status IN ('held', 'debited', 'completed', 'cancelled', 'refunded', 'rejected')),
    CONSTRAINT transfers_payee_known CHECK (payee_id IS NOT NULL OR status = 'rejected'),
    CONSTRAINT transfers_not_to_self CHECK (payee_id <> payer_id),
    -- What is not over is due some day; what is over never is.
    CONSTRAINT transfers_due_while_open CHECK (
        (status IN ('held', 'debited')) = (next_attempt_at IS NOT NULL)),
    CONSTRAINT transfers_ended_when_over CHECK (
        (status IN ('held', 'debited')) = (ended_at IS NULL)),
    CONSTRAINT transfers_debited_when_debited CHECK (
        (status IN ('debited', 'completed', 'refunded')) = (debited_at IS NOT NULL)),
    CONSTRAINT transfers_reason_when_not_completed CHECK (
        (status IN ('cancelled', 'refunded', 'rejected')) = (reason IS NOT NULL))
);
CREATE INDEX transfers_by_payer ON transfers (payer_id, created_at DESC, id DESC);
-- Redrive asks for what is due in the buckets it drives; rows that are over are not in it.
CREATE INDEX transfers_due ON transfers (bucket, next_attempt_at)
    WHERE next_attempt_at IS NOT NULL;

-- The payee's shard's final word. One key for both verdicts: two keys would allow both.
CREATE TABLE verdicts (
    transfer_id      uuid           NOT NULL,
    bucket           integer        NOT NULL,
    payer_id         uuid           NOT NULL,
    payee_id         uuid           NOT NULL,
    currency         text           NOT NULL,
    amount           numeric(38, 0) NOT NULL,
    verdict          text           NOT NULL,
    reason           text,
    refunded_amount  numeric(38, 0) NOT NULL DEFAULT 0,
    created_at       timestamptz    NOT NULL,
    CONSTRAINT verdicts_pkey PRIMARY KEY (transfer_id),
    CONSTRAINT verdicts_verdict CHECK (verdict IN ('credited', 'refused')),
    CONSTRAINT verdicts_reason_when_refused CHECK ((verdict = 'refused') = (reason IS NOT NULL)),
    CONSTRAINT verdicts_amount_range CHECK (0 < amount AND amount < 1e27),
    CONSTRAINT verdicts_refunded_within_amount CHECK (
        0 <= refunded_amount AND refunded_amount <= amount)
);
CREATE INDEX verdicts_by_payee ON verdicts (payee_id, created_at DESC, transfer_id DESC);

-- Deposits and withdrawals, the refused ones too: a refusal answers its key for ever.
CREATE TABLE movements (
    id               uuid           NOT NULL,
    bucket           integer        NOT NULL,
    user_id          uuid           NOT NULL,
    kind             text           NOT NULL,
    currency         text           NOT NULL,
    amount           numeric(38, 0) NOT NULL,
    status           text           NOT NULL,
    reason           text,
    caller           text           NOT NULL,
    idempotency_key  text           NOT NULL,
    fingerprint      bytea          NOT NULL,
    metadata         jsonb,
    balance_before   numeric(38, 0),
    balance_after    numeric(38, 0),
    hash             bytea,
    created_at       timestamptz    NOT NULL,
    CONSTRAINT movements_pkey PRIMARY KEY (id),
    CONSTRAINT movements_key UNIQUE (user_id, caller, idempotency_key),
    CONSTRAINT movements_kind CHECK (kind IN ('deposit', 'withdrawal')),
    CONSTRAINT movements_amount_range CHECK (0 < amount AND amount < 1e27),
    CONSTRAINT movements_status CHECK (status IN ('completed', 'rejected')),
    CONSTRAINT movements_reason_when_rejected CHECK (
        (status = 'rejected') = (reason IS NOT NULL)),
    CONSTRAINT movements_entry_when_completed CHECK (
        (status = 'completed') = (hash IS NOT NULL)
        AND (status = 'completed') = (balance_before IS NOT NULL)
        AND (status = 'completed') = (balance_after IS NOT NULL))
);

-- The ledger: append-only. The other side of every row is the shard's system account in `contra`.
CREATE TABLE entries (
    user_id          uuid           NOT NULL,
    currency         text           NOT NULL,
    seq              bigint         NOT NULL,
    bucket           integer        NOT NULL,
    kind             text           NOT NULL,
    contra           text           NOT NULL,
    amount           numeric(38, 0) NOT NULL,
    balance_after    numeric(38, 0) NOT NULL,
    transfer_id      uuid,
    movement_id      uuid,
    counterparty_id  uuid,
    at               timestamptz    NOT NULL,
    prev_hash        bytea          NOT NULL,
    hash             bytea          NOT NULL,
    CONSTRAINT entries_pkey PRIMARY KEY (user_id, currency, seq),
    -- One leg of each kind per transfer: the debit, the credit or the return happens once.
    CONSTRAINT entries_leg_key UNIQUE (transfer_id, kind),
    CONSTRAINT entries_movement_key UNIQUE (movement_id),
    CONSTRAINT entries_kind CHECK (
        (kind IN ('deposit', 'withdrawal') AND contra = 'external'
            AND movement_id IS NOT NULL AND transfer_id IS NULL AND counterparty_id IS NULL)
        OR (kind IN ('transfer_out', 'transfer_in', 'transfer_return') AND contra = 'in_transit'
            AND movement_id IS NULL AND transfer_id IS NOT NULL AND counterparty_id IS NOT NULL)),
    CONSTRAINT entries_sign CHECK (
        amount <> 0 AND (amount < 0) = (kind IN ('withdrawal', 'transfer_out'))),
    CONSTRAINT entries_amount_range CHECK (-1e27 < amount AND amount < 1e27),
    CONSTRAINT entries_balance_range CHECK (0 <= balance_after AND balance_after < 1e38)
);
CREATE INDEX entries_by_time ON entries (user_id, at DESC, currency DESC, seq DESC);

-- Public events, written in the transaction that makes them true; `sequence` is the user's.
CREATE TABLE outbox (
    id           bigint      NOT NULL GENERATED ALWAYS AS IDENTITY,
    bucket       integer     NOT NULL,
    user_id      uuid        NOT NULL,
    sequence     bigint      NOT NULL,
    type         text        NOT NULL,
    data         jsonb       NOT NULL,
    traceparent  text        NOT NULL,
    created_at   timestamptz NOT NULL,
    CONSTRAINT outbox_pkey PRIMARY KEY (id),
    CONSTRAINT outbox_sequence_key UNIQUE (user_id, sequence)
);

-- Messages set aside for a person. They decide nothing and stop nothing.
CREATE TABLE dead_letters (
    id            uuid        NOT NULL,
    bucket        integer     NOT NULL,
    topic         text        NOT NULL,
    partition     integer     NOT NULL,
    position      bigint      NOT NULL,
    key           bytea,
    value         bytea,
    value_sha256  bytea       NOT NULL,
    headers       jsonb       NOT NULL,
    reason        text        NOT NULL,
    detail        text        NOT NULL,
    transfer_id   uuid,
    status        text        NOT NULL DEFAULT 'open',
    created_at    timestamptz NOT NULL,
    CONSTRAINT dead_letters_pkey PRIMARY KEY (id),
    -- The hash is in the key because a topic that is made anew uses the same positions again.
    CONSTRAINT dead_letters_message_key UNIQUE (topic, partition, position, value_sha256),
    CONSTRAINT dead_letters_status CHECK (status IN ('open', 'redriven', 'discarded'))
);
CREATE INDEX dead_letters_open ON dead_letters (created_at DESC, id DESC) WHERE status = 'open';
