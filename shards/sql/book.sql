-- name: read_clock
-- After the locks, once for the whole transaction.
SELECT app_now() AS now

-- name: write_accounts
-- The version says that nobody changed an account since it was read under its user's lock.
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
