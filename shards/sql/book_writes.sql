-- name: insert_accounts
-- One that somebody else has opened since it was read is not written, and so missing in the count.
INSERT INTO accounts
    (user_id, currency, balance, held, seq, head_hash, last_at, version, spent, spent_day, bucket)
SELECT * FROM unnest(
    $1::uuid[], $2::text[], $3::numeric[], $4::numeric[], $5::bigint[], $6::bytea[],
    $7::timestamptz[], $8::bigint[], $9::numeric[], $10::date[], $11::integer[])
ON CONFLICT (user_id, currency) DO NOTHING
RETURNING 1

-- name: update_accounts
-- The version says that nobody changed an account since it was read. Not an upsert: that locks each
-- row in a step of its own.
UPDATE accounts SET
    balance = new.balance,
    held = new.held,
    seq = new.seq,
    head_hash = new.head_hash,
    last_at = new.last_at,
    version = new.version,
    spent = new.spent,
    spent_day = new.spent_day
FROM unnest(
    $1::uuid[], $2::text[], $3::numeric[], $4::numeric[], $5::bigint[], $6::bytea[],
    $7::timestamptz[], $8::bigint[], $9::numeric[], $10::date[])
    AS new (user_id, currency, balance, held, seq, head_hash, last_at, version, spent, spent_day)
WHERE accounts.user_id = new.user_id
    AND accounts.currency = new.currency
    AND accounts.version = new.version - 1
RETURNING 1

-- name: insert_entries
INSERT INTO entries
    (user_id, currency, seq, bucket, kind, contra, amount, balance_after, transfer_id,
     movement_id, counterparty_id, at, prev_hash, hash)
SELECT * FROM unnest(
    $1::uuid[], $2::text[], $3::bigint[], $4::integer[], $5::text[], $6::text[], $7::numeric[],
    $8::numeric[], $9::uuid[], $10::uuid[], $11::uuid[], $12::timestamptz[], $13::bytea[],
    $14::bytea[])
RETURNING 1

-- name: write_sequences
UPDATE users SET event_sequence = told.sequence
FROM unnest($1::uuid[], $2::bigint[]) AS told (id, sequence)
WHERE users.id = told.id
RETURNING 1

-- name: insert_events
INSERT INTO outbox (bucket, user_id, sequence, type, data, traceparent, created_at)
SELECT bucket, user_id, sequence, type, data::jsonb, traceparent, $7::timestamptz
FROM unnest($1::integer[], $2::uuid[], $3::bigint[], $4::text[], $5::text[], $6::text[])
    AS told (bucket, user_id, sequence, type, data, traceparent)
RETURNING 1
