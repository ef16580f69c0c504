-- name: read_transfers
SELECT
    id, payer_id, payee_id, currency, amount, status, reason, caller, idempotency_key, fingerprint,
    metadata, traceparent, attempts, next_attempt_at, created_at, expires_at, debited_at, ended_at,
    hold_id, refund_of, spent_on
FROM transfers
WHERE id = ANY($1::uuid[])

-- name: insert_transfers
INSERT INTO transfers
    (id, bucket, payer_id, payee_id, currency, amount, status, reason, caller, idempotency_key,
     fingerprint, metadata, traceparent, attempts, next_attempt_at, created_at, expires_at,
     debited_at, ended_at, hold_id, refund_of, spent_on)
SELECT
    id, bucket, payer_id, payee_id, currency, amount, status, reason, caller, idempotency_key,
    fingerprint, metadata::jsonb, traceparent, 0, next_attempt_at, created_at, expires_at,
    debited_at, ended_at, hold_id, refund_of, spent_on
FROM unnest(
    $1::uuid[], $2::integer[], $3::uuid[], $4::uuid[], $5::text[], $6::numeric[], $7::text[],
    $8::text[], $9::text[], $10::text[], $11::bytea[], $12::text[], $13::text[],
    $14::timestamptz[], $15::timestamptz[], $16::timestamptz[], $17::timestamptz[],
    $18::timestamptz[], $19::uuid[], $20::uuid[], $21::date[])
    AS new (id, bucket, payer_id, payee_id, currency, amount, status, reason, caller,
            idempotency_key, fingerprint, metadata, traceparent, next_attempt_at, created_at,
            expires_at, debited_at, ended_at, hold_id, refund_of, spent_on)
RETURNING 1

-- name: change_statuses
UPDATE transfers SET
    status = new.after,
    reason = new.reason,
    attempts = 0,
    next_attempt_at = new.next_attempt_at,
    debited_at = CASE WHEN new.after = 'debited' THEN new.at ELSE transfers.debited_at END,
    ended_at = CASE WHEN new.next_attempt_at IS NULL THEN new.at END
FROM unnest(
    $1::uuid[], $2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::timestamptz[])
    AS new (id, before, after, reason, at, next_attempt_at)
WHERE transfers.id = new.id AND transfers.status = new.before
RETURNING 1

-- name: make_due
UPDATE transfers SET next_attempt_at = app_now()
WHERE id = $1 AND next_attempt_at IS NOT NULL
RETURNING id

-- name: claim_due
-- No user lock: it moves no money and waits for nobody. The wait doubles with each attempt and is
-- capped; jitter takes up to half of it away, the same for all rows of a claim: shards and claims
-- come back spread, not the rows of one.
WITH clock AS MATERIALIZED (SELECT app_now() AS now),
due AS (
    SELECT t.id
    FROM transfers AS t, clock
    WHERE t.bucket = ANY($1::integer[])
        -- Nothing is planned later than this but by a clock that was ahead and is put right.
        AND (t.next_attempt_at <= clock.now
            OR t.next_attempt_at > clock.now + 2 * greatest($3::interval, $4::interval))
    ORDER BY t.next_attempt_at
    LIMIT $2
    FOR NO KEY UPDATE OF t SKIP LOCKED
)
UPDATE transfers AS t SET
    attempts = t.attempts + 1,
    next_attempt_at = clock.now
        + least($3::interval * 2 ^ least(t.attempts, 16), $4::interval)
        * (1 - $5::double precision / 2)
FROM due, clock
WHERE t.id = due.id
RETURNING
    t.id, t.payer_id, t.payee_id, t.currency, t.amount, t.status, t.reason, t.caller,
    t.idempotency_key, t.fingerprint, t.metadata, t.traceparent, t.attempts, t.next_attempt_at,
    t.created_at, t.expires_at, t.debited_at, t.ended_at, t.hold_id, t.refund_of, t.spent_on,
    t.expires_at <= clock.now AS expired

-- name: read_in_flight
-- Of what is open, $1 rows and no more: then there is too much, however old. A transfer that was set
-- aside waits for a person: it says nothing of the others.
SELECT
    app_now() - min(t.created_at) FILTER (
        WHERE t.status = 'held'
            AND NOT EXISTS (
                SELECT FROM dead_letters AS d WHERE d.transfer_id = t.id AND d.status = 'open')
    ) AS oldest_held,
    count(*) AS open
FROM (
    SELECT id, status, created_at
    FROM transfers
    WHERE next_attempt_at IS NOT NULL
    LIMIT $1
) AS t
