-- What the migrations add up to, for reading; a test compares it with a migrated database.
-- Written by `python -m tests.integration.schema_text`.

CREATE OR REPLACE FUNCTION public.app_now()
 RETURNS timestamp with time zone
 LANGUAGE sql
AS $function$SELECT clock_timestamp()$function$;

CREATE OR REPLACE FUNCTION public.claim_buckets(claimed integer[])
 RETURNS void
 LANGUAGE plpgsql
AS $function$
DECLARE
    foreign_bucket integer;
BEGIN
    PERFORM pg_advisory_xact_lock_shared(1212107844, bucket)
    FROM (SELECT unnest(claimed) AS bucket ORDER BY bucket) AS each;

    SELECT each.bucket INTO foreign_bucket
    FROM unnest(claimed) AS each (bucket)
    LEFT JOIN buckets ON buckets.bucket = each.bucket AND buckets.state = 'owned'
    WHERE buckets.bucket IS NULL
    LIMIT 1;

    IF FOUND THEN
        RAISE EXCEPTION 'bucket % is not owned here', foreign_bucket USING ERRCODE = 'HFB01';
    END IF;
END
$function$;

CREATE OR REPLACE FUNCTION public.refuse_change()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
    RAISE EXCEPTION '% of % is refused: rows are only ever added to it', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END
$function$;

CREATE OR REPLACE FUNCTION public.require_rows(part text, written bigint, expected bigint)
 RETURNS bigint
 LANGUAGE plpgsql
AS $function$
BEGIN
    IF written <> expected THEN
        RAISE EXCEPTION '% of % rows were written to %', written, expected, part
            USING ERRCODE = 'HFB02', DETAIL = part || ' ' || written;
    END IF;
    RETURN written;
END
$function$;

CREATE OR REPLACE FUNCTION public.tell_user_change()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
    PERFORM pg_notify('holdfast_user', NEW.id::text);
    RETURN NULL;
END
$function$;

CREATE TABLE accounts (
    user_id uuid NOT NULL,
    currency text NOT NULL,
    bucket integer NOT NULL,
    balance numeric(38,0) NOT NULL,
    held numeric(38,0) NOT NULL,
    seq bigint NOT NULL,
    head_hash bytea NOT NULL,
    last_at timestamp with time zone,
    version bigint NOT NULL,
    daily_limit numeric(38,0),
    spent numeric(38,0) NOT NULL DEFAULT 0,
    spent_day date,
    CONSTRAINT accounts_pkey PRIMARY KEY (user_id, currency),
    CONSTRAINT accounts_held_within_balance CHECK (0::numeric <= held AND held <= balance AND balance < '100000000000000000000000000000000000000'::numeric),
    CONSTRAINT accounts_spending CHECK (0::numeric <= spent AND spent < '100000000000000000000000000000000000000'::numeric AND (daily_limit IS NULL OR 0::numeric <= daily_limit AND daily_limit < '100000000000000000000000000000000000000'::numeric)) NOT VALID,
    CONSTRAINT accounts_user_fkey FOREIGN KEY (user_id) REFERENCES users(id)
) WITH (fillfactor=50);

CREATE TABLE buckets (
    bucket integer NOT NULL,
    epoch bigint NOT NULL DEFAULT 1,
    state text NOT NULL DEFAULT 'owned'::text,
    CONSTRAINT buckets_pkey PRIMARY KEY (bucket),
    CONSTRAINT buckets_state CHECK (state = ANY (ARRAY['owned'::text, 'moving'::text, 'gone'::text]))
);

CREATE TABLE currencies (
    code text NOT NULL,
    name text NOT NULL,
    decimals integer NOT NULL,
    enabled boolean NOT NULL DEFAULT true,
    created_at timestamp with time zone NOT NULL DEFAULT app_now(),
    CONSTRAINT currencies_pkey PRIMARY KEY (code),
    CONSTRAINT currencies_code CHECK (code ~ '^[A-Z0-9]{3,10}$'::text),
    CONSTRAINT currencies_decimals CHECK (decimals >= 0 AND decimals <= 18)
);

CREATE TABLE dead_letters (
    id uuid NOT NULL,
    bucket integer NOT NULL,
    topic text NOT NULL,
    partition integer NOT NULL,
    position bigint NOT NULL,
    key bytea,
    value bytea,
    value_sha256 bytea NOT NULL,
    headers jsonb NOT NULL,
    reason text NOT NULL,
    detail text NOT NULL,
    transfer_id uuid,
    status text NOT NULL DEFAULT 'open'::text,
    created_at timestamp with time zone NOT NULL,
    reason_class text,
    step text,
    trace_id text,
    attempts integer NOT NULL DEFAULT 1,
    last_at timestamp with time zone,
    act_seq bigint,
    CONSTRAINT dead_letters_pkey PRIMARY KEY (id),
    CONSTRAINT dead_letters_act_when_decided CHECK ((status = 'open'::text) = (act_seq IS NULL)),
    CONSTRAINT dead_letters_attempts CHECK (attempts >= 1),
    CONSTRAINT dead_letters_reason_class CHECK (reason_class = ANY (ARRAY['poison'::text, 'impossible'::text, 'bug'::text])),
    CONSTRAINT dead_letters_status CHECK (status = ANY (ARRAY['open'::text, 'redriven'::text, 'discarded'::text])),
    CONSTRAINT dead_letters_act_fkey FOREIGN KEY (bucket, act_seq) REFERENCES operator_acts(bucket, seq),
    CONSTRAINT dead_letters_message_key UNIQUE (topic, partition, "position", value_sha256)
);
CREATE INDEX dead_letters_by_time ON public.dead_letters USING btree (created_at DESC, id DESC);
CREATE INDEX dead_letters_open ON public.dead_letters USING btree (created_at DESC, id DESC) WHERE (status = 'open'::text);
CREATE INDEX dead_letters_open_by_transfer ON public.dead_letters USING btree (transfer_id) WHERE ((status = 'open'::text) AND (transfer_id IS NOT NULL));

CREATE TABLE entries (
    user_id uuid NOT NULL,
    currency text NOT NULL,
    seq bigint NOT NULL,
    bucket integer NOT NULL,
    kind text NOT NULL,
    contra text NOT NULL,
    amount numeric(38,0) NOT NULL,
    balance_after numeric(38,0) NOT NULL,
    transfer_id uuid,
    movement_id uuid,
    counterparty_id uuid,
    at timestamp with time zone NOT NULL,
    prev_hash bytea NOT NULL,
    hash bytea NOT NULL,
    CONSTRAINT entries_pkey PRIMARY KEY (user_id, currency, seq),
    CONSTRAINT entries_amount_range CHECK ('-1000000000000000000000000000'::numeric < amount AND amount < '1000000000000000000000000000'::numeric),
    CONSTRAINT entries_balance_range CHECK (0::numeric <= balance_after AND balance_after < '100000000000000000000000000000000000000'::numeric),
    CONSTRAINT entries_kind CHECK ((kind = ANY (ARRAY['deposit'::text, 'withdrawal'::text])) AND contra = 'external'::text AND movement_id IS NOT NULL AND transfer_id IS NULL AND counterparty_id IS NULL OR (kind = ANY (ARRAY['transfer_out'::text, 'transfer_in'::text, 'transfer_return'::text])) AND contra = 'in_transit'::text AND movement_id IS NULL AND transfer_id IS NOT NULL AND counterparty_id IS NOT NULL),
    CONSTRAINT entries_sign CHECK (amount <> 0::numeric AND (amount < 0::numeric) = (kind = ANY (ARRAY['withdrawal'::text, 'transfer_out'::text]))),
    CONSTRAINT entries_leg_key UNIQUE (transfer_id, kind)
);
CREATE INDEX entries_by_hash ON public.entries USING hash (hash);
CREATE INDEX entries_by_time ON public.entries USING btree (user_id, at DESC, currency DESC, seq DESC);
CREATE UNIQUE INDEX entries_movement_key ON public.entries USING btree (movement_id) WHERE (movement_id IS NOT NULL);

CREATE TABLE holds (
    id uuid NOT NULL,
    bucket integer NOT NULL,
    payer_id uuid NOT NULL,
    payee_id uuid,
    currency text NOT NULL,
    amount numeric(38,0) NOT NULL,
    captured numeric(38,0) NOT NULL,
    status text NOT NULL,
    reason text,
    caller text NOT NULL,
    idempotency_key text NOT NULL,
    fingerprint bytea NOT NULL,
    metadata jsonb,
    traceparent text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    ended_at timestamp with time zone,
    capture_count integer NOT NULL DEFAULT 0,
    CONSTRAINT holds_pkey PRIMARY KEY (id),
    CONSTRAINT holds_amount_range CHECK (0::numeric < amount AND amount < '1000000000000000000000000000'::numeric),
    CONSTRAINT holds_capture_count CHECK (0 <= capture_count) NOT VALID,
    CONSTRAINT holds_captured_fits_status CHECK (
CASE status
    WHEN 'open'::text THEN captured < amount
    WHEN 'captured'::text THEN captured > 0::numeric
    WHEN 'rejected'::text THEN captured = 0::numeric
    ELSE captured < amount
END),
    CONSTRAINT holds_captured_within_amount CHECK (0::numeric <= captured AND captured <= amount),
    CONSTRAINT holds_ended_when_over CHECK ((status = 'open'::text) = (ended_at IS NULL)),
    CONSTRAINT holds_not_to_self CHECK (payee_id <> payer_id),
    CONSTRAINT holds_payee_known CHECK (payee_id IS NOT NULL OR status = 'rejected'::text),
    CONSTRAINT holds_reason_when_rejected CHECK ((status = 'rejected'::text) = (reason IS NOT NULL)),
    CONSTRAINT holds_status CHECK (status = ANY (ARRAY['open'::text, 'captured'::text, 'voided'::text, 'expired'::text, 'rejected'::text])),
    CONSTRAINT holds_key UNIQUE (payer_id, caller, idempotency_key)
) WITH (fillfactor=80);
CREATE INDEX holds_by_payer ON public.holds USING btree (payer_id, created_at, id) WHERE (status <> 'rejected'::text);
CREATE INDEX holds_due ON public.holds USING btree (bucket, expires_at) WHERE (status = 'open'::text);
CREATE INDEX holds_open_by_payer ON public.holds USING btree (payer_id) WHERE (ended_at IS NULL);

CREATE TABLE movements (
    id uuid NOT NULL,
    bucket integer NOT NULL,
    user_id uuid NOT NULL,
    kind text NOT NULL,
    currency text NOT NULL,
    amount numeric(38,0) NOT NULL,
    status text NOT NULL,
    reason text,
    caller text NOT NULL,
    idempotency_key text NOT NULL,
    fingerprint bytea NOT NULL,
    metadata jsonb,
    balance_before numeric(38,0),
    balance_after numeric(38,0),
    hash bytea,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT movements_pkey PRIMARY KEY (id),
    CONSTRAINT movements_amount_range CHECK (0::numeric < amount AND amount < '1000000000000000000000000000'::numeric),
    CONSTRAINT movements_entry_when_completed CHECK ((status = 'completed'::text) = (hash IS NOT NULL) AND (status = 'completed'::text) = (balance_before IS NOT NULL) AND (status = 'completed'::text) = (balance_after IS NOT NULL)),
    CONSTRAINT movements_kind CHECK (kind = ANY (ARRAY['deposit'::text, 'withdrawal'::text])),
    CONSTRAINT movements_reason_when_rejected CHECK ((status = 'rejected'::text) = (reason IS NOT NULL)),
    CONSTRAINT movements_status CHECK (status = ANY (ARRAY['completed'::text, 'rejected'::text])),
    CONSTRAINT movements_key UNIQUE (user_id, caller, idempotency_key)
);

CREATE TABLE operator_acts (
    bucket integer NOT NULL,
    seq bigint NOT NULL,
    act text NOT NULL,
    target_id uuid NOT NULL,
    done_by text NOT NULL,
    reason text NOT NULL,
    detail text NOT NULL,
    at timestamp with time zone NOT NULL,
    prev_hash bytea NOT NULL,
    hash bytea NOT NULL,
    CONSTRAINT operator_acts_pkey PRIMARY KEY (bucket, seq),
    CONSTRAINT operator_acts_act CHECK (act ~ '^[a-z_]+\.[a-z_]+$'::text),
    CONSTRAINT operator_acts_detail CHECK (detail !~ '[[:cntrl:]]'::text),
    CONSTRAINT operator_acts_done_by CHECK (btrim(done_by) <> ''::text AND done_by !~ '[[:cntrl:]]'::text),
    CONSTRAINT operator_acts_reason CHECK (btrim(reason) <> ''::text AND reason !~ '[[:cntrl:]]'::text),
    CONSTRAINT operator_acts_seq CHECK (seq >= 1)
);
CREATE INDEX operator_acts_by_target ON public.operator_acts USING btree (target_id);
CREATE INDEX operator_acts_by_time ON public.operator_acts USING btree (at DESC, bucket DESC, seq DESC);
CREATE TRIGGER operator_acts_only_added_to BEFORE DELETE OR UPDATE OR TRUNCATE ON operator_acts FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE outbox (
    id bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
    bucket integer NOT NULL,
    user_id uuid NOT NULL,
    sequence bigint NOT NULL,
    type text NOT NULL,
    data jsonb NOT NULL,
    traceparent text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT outbox_sequence_key PRIMARY KEY (user_id, sequence)
);

CREATE TABLE schema_migrations (
    version integer NOT NULL,
    name text NOT NULL,
    sha256 text NOT NULL,
    applied_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT schema_migrations_pkey PRIMARY KEY (version)
);

CREATE TABLE system (
    only_row boolean NOT NULL DEFAULT true,
    shard text NOT NULL,
    buckets integer NOT NULL,
    created_at timestamp with time zone NOT NULL DEFAULT app_now(),
    CONSTRAINT system_pkey PRIMARY KEY (only_row),
    CONSTRAINT system_buckets_range CHECK (buckets >= 1 AND buckets <= 4096),
    CONSTRAINT system_one_row CHECK (only_row)
);

CREATE TABLE transfers (
    id uuid NOT NULL,
    bucket integer NOT NULL,
    payer_id uuid NOT NULL,
    payee_id uuid,
    currency text NOT NULL,
    amount numeric(38,0) NOT NULL,
    status text NOT NULL,
    reason text,
    caller text NOT NULL,
    idempotency_key text NOT NULL,
    fingerprint bytea NOT NULL,
    metadata jsonb,
    traceparent text NOT NULL,
    attempts integer NOT NULL,
    next_attempt_at timestamp with time zone,
    created_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    debited_at timestamp with time zone,
    ended_at timestamp with time zone,
    hold_id uuid,
    refund_of uuid,
    spent_on date,
    CONSTRAINT transfers_pkey PRIMARY KEY (id),
    CONSTRAINT transfers_amount_range CHECK (0::numeric < amount AND amount < '1000000000000000000000000000'::numeric),
    CONSTRAINT transfers_debited_when_debited CHECK ((status = ANY (ARRAY['debited'::text, 'completed'::text, 'refunded'::text])) = (debited_at IS NOT NULL)),
    CONSTRAINT transfers_due_while_open CHECK ((status = ANY (ARRAY['held'::text, 'debited'::text])) = (next_attempt_at IS NOT NULL)),
    CONSTRAINT transfers_ended_when_over CHECK ((status = ANY (ARRAY['held'::text, 'debited'::text])) = (ended_at IS NULL)),
    CONSTRAINT transfers_not_to_self CHECK (payee_id <> payer_id),
    CONSTRAINT transfers_one_origin CHECK (hold_id IS NULL OR refund_of IS NULL) NOT VALID,
    CONSTRAINT transfers_payee_known CHECK (payee_id IS NOT NULL OR status = 'rejected'::text),
    CONSTRAINT transfers_reason_when_not_completed CHECK ((status = ANY (ARRAY['cancelled'::text, 'refunded'::text, 'rejected'::text])) = (reason IS NOT NULL)),
    CONSTRAINT transfers_status CHECK (status = ANY (ARRAY['held'::text, 'debited'::text, 'completed'::text, 'cancelled'::text, 'refunded'::text, 'rejected'::text])),
    CONSTRAINT transfers_key UNIQUE (payer_id, caller, idempotency_key)
) WITH (fillfactor=80);
CREATE INDEX transfers_by_payer ON public.transfers USING btree (payer_id, created_at DESC, id DESC) WHERE (created_at > '-infinity'::timestamp with time zone);
CREATE INDEX transfers_due ON public.transfers USING btree (bucket, next_attempt_at) WHERE (next_attempt_at IS NOT NULL);
CREATE INDEX transfers_open_by_payer ON public.transfers USING btree (payer_id) WHERE (next_attempt_at IS NOT NULL);

CREATE TABLE users (
    id uuid NOT NULL,
    bucket integer NOT NULL,
    email text NOT NULL,
    name text,
    password_hash text NOT NULL,
    role text NOT NULL,
    status text NOT NULL,
    event_sequence bigint NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT users_pkey PRIMARY KEY (id),
    CONSTRAINT users_role CHECK (role = ANY (ARRAY['user'::text, 'operator'::text])),
    CONSTRAINT users_status CHECK (status = ANY (ARRAY['open'::text, 'frozen'::text, 'closed'::text])),
    CONSTRAINT users_email_key UNIQUE (email)
) WITH (fillfactor=70);
CREATE INDEX users_operators ON public.users USING btree (email) WHERE (role = 'operator'::text);
CREATE TRIGGER users_tell_change AFTER UPDATE OF status ON users FOR EACH ROW WHEN (old.status IS DISTINCT FROM new.status) EXECUTE FUNCTION tell_user_change();

CREATE TABLE verdicts (
    transfer_id uuid NOT NULL,
    bucket integer NOT NULL,
    payer_id uuid NOT NULL,
    payee_id uuid NOT NULL,
    currency text NOT NULL,
    amount numeric(38,0) NOT NULL,
    verdict text NOT NULL,
    reason text,
    refunded_amount numeric(38,0) NOT NULL DEFAULT 0,
    created_at timestamp with time zone NOT NULL,
    refund_of uuid,
    refund_count integer NOT NULL DEFAULT 0,
    CONSTRAINT verdicts_pkey PRIMARY KEY (transfer_id),
    CONSTRAINT verdicts_amount_range CHECK (0::numeric < amount AND amount < '1000000000000000000000000000'::numeric),
    CONSTRAINT verdicts_reason_when_refused CHECK ((verdict = 'refused'::text) = (reason IS NOT NULL)),
    CONSTRAINT verdicts_refund_count CHECK (0 <= refund_count) NOT VALID,
    CONSTRAINT verdicts_refunded_within_amount CHECK (0::numeric <= refunded_amount AND refunded_amount <= amount),
    CONSTRAINT verdicts_verdict CHECK (verdict = ANY (ARRAY['credited'::text, 'refused'::text]))
);
CREATE INDEX verdicts_by_payee ON public.verdicts USING btree (payee_id, created_at DESC, transfer_id DESC);
CREATE INDEX verdicts_of_refunds ON public.verdicts USING btree (refund_of) WHERE (refund_of IS NOT NULL);
