-- name: read_book
-- One row at least: the clock is read here, after the locks, once for the whole transaction.
SELECT clock.now, a.user_id, a.currency, a.balance, a.held, a.seq, a.head_hash, a.last_at, a.version
FROM (SELECT app_now() AS now OFFSET 0) AS clock
LEFT JOIN (
    unnest($1::uuid[], $2::text[]) AS asked (user_id, currency)
    JOIN accounts AS a USING (user_id, currency)
) ON true

-- name: write_book
-- The version says that nobody changed an account since it was read under its user's lock.
WITH account AS (
    INSERT INTO accounts
        (user_id, currency, bucket, balance, held, seq, head_hash, last_at, version)
    SELECT * FROM unnest(
        $1::uuid[], $2::text[], $3::integer[], $4::numeric[], $5::numeric[], $6::bigint[],
        $7::bytea[], $8::timestamptz[], $9::bigint[])
    ON CONFLICT (user_id, currency) DO UPDATE SET
        balance = excluded.balance,
        held = excluded.held,
        seq = excluded.seq,
        head_hash = excluded.head_hash,
        last_at = excluded.last_at,
        version = excluded.version
    WHERE accounts.version = excluded.version - 1
    RETURNING 1
),
entry AS (
    INSERT INTO entries
        (user_id, currency, seq, bucket, kind, contra, amount, balance_after, transfer_id,
         movement_id, counterparty_id, at, prev_hash, hash)
    SELECT * FROM unnest(
        $10::uuid[], $11::text[], $12::bigint[], $13::integer[], $14::text[], $15::text[],
        $16::numeric[], $17::numeric[], $18::uuid[], $19::uuid[], $20::uuid[],
        $21::timestamptz[], $22::bytea[], $23::bytea[])
    RETURNING 1
),
teller AS (
    UPDATE users SET event_sequence = told.sequence
    FROM unnest($24::uuid[], $25::bigint[]) AS told (id, sequence)
    WHERE users.id = told.id
    RETURNING 1
),
event AS (
    INSERT INTO outbox (bucket, user_id, sequence, type, data, traceparent, created_at)
    SELECT bucket, user_id, sequence, type, data::jsonb, traceparent, $32::timestamptz
    FROM unnest(
        $26::integer[], $27::uuid[], $28::bigint[], $29::text[], $30::text[], $31::text[])
        AS told (bucket, user_id, sequence, type, data, traceparent)
    RETURNING 1
)
SELECT
    (SELECT count(*) FROM account) AS accounts,
    (SELECT count(*) FROM entry) AS entries,
    (SELECT count(*) FROM teller) AS users,
    (SELECT count(*) FROM event) AS events
