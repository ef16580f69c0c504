-- name: key_once
-- says: A wallet and caller use an idempotency key once, across transfers, movements and holds.
-- examines: transfers movements holds
SELECT
    array_agg(id::text ORDER BY id) AS ids,
    format('key %L of caller %s on wallet %s, used %s times',
        idempotency_key, caller, wallet_id, count(*)) AS detail
FROM (
    SELECT payer_id AS wallet_id, caller, idempotency_key, id FROM transfers
    UNION ALL
    SELECT user_id, caller, idempotency_key, id FROM movements
    UNION ALL
    SELECT payer_id, caller, idempotency_key, id FROM holds
) AS used
GROUP BY wallet_id, caller, idempotency_key
HAVING count(*) > 1

-- name: bucket_of_id
-- says: A row's bucket is the one in the ids of its owner and of itself.
-- examines: users accounts transfers verdicts movements holds entries outbox dead_letters operator_acts
-- An id carries its bucket in the 12 bits after the version: UUIDv8, bits 64 to 75.
SELECT
    ARRAY[kind, id] AS ids,
    format('%s row in bucket %s, its id carries %s', kind, bucket, carried) AS detail
FROM (
    SELECT
        kind, id, bucket,
        (get_byte(uuid_send(carrier), 6) & 15) << 8 | get_byte(uuid_send(carrier), 7) AS carried
    FROM (
        SELECT 'users' AS kind, id::text, bucket, id AS carrier FROM users
        UNION ALL
        SELECT 'accounts', user_id || ' ' || currency, bucket, user_id FROM accounts
        UNION ALL
        SELECT 'transfers', id::text, bucket, id FROM transfers
        UNION ALL
        SELECT 'transfers', id::text, bucket, payer_id FROM transfers
        UNION ALL
        SELECT 'verdicts', transfer_id::text, bucket, payee_id FROM verdicts
        UNION ALL
        SELECT 'movements', id::text, bucket, id FROM movements
        UNION ALL
        SELECT 'movements', id::text, bucket, user_id FROM movements
        UNION ALL
        SELECT 'holds', id::text, bucket, id FROM holds
        UNION ALL
        SELECT 'holds', id::text, bucket, payer_id FROM holds
        UNION ALL
        SELECT 'entries', user_id || ' ' || currency || ' ' || seq, bucket, user_id FROM entries
        UNION ALL
        SELECT 'outbox', user_id || ' ' || sequence, bucket, user_id FROM outbox
        UNION ALL
        SELECT 'dead_letters', id::text, bucket, id FROM dead_letters
        UNION ALL
        SELECT 'operator_acts', target_id::text, bucket, target_id FROM operator_acts
    ) AS row_
) AS read
WHERE bucket <> carried

-- name: bucket_here
-- says: Every row is in a bucket that its shard owns.
-- examines: users accounts transfers verdicts movements holds entries outbox dead_letters operator_acts
SELECT
    ARRAY[kind, id] AS ids,
    format('%s row in bucket %s, which this shard does not own', kind, bucket) AS detail
FROM (
    SELECT 'users' AS kind, id::text, bucket FROM users
    UNION ALL
    SELECT 'accounts', user_id || ' ' || currency, bucket FROM accounts
    UNION ALL
    SELECT 'transfers', id::text, bucket FROM transfers
    UNION ALL
    SELECT 'verdicts', transfer_id::text, bucket FROM verdicts
    UNION ALL
    SELECT 'movements', id::text, bucket FROM movements
    UNION ALL
    SELECT 'holds', id::text, bucket FROM holds
    UNION ALL
    SELECT 'entries', user_id || ' ' || currency || ' ' || seq, bucket FROM entries
    UNION ALL
    SELECT 'outbox', user_id || ' ' || sequence, bucket FROM outbox
    UNION ALL
    SELECT 'dead_letters', id::text, bucket FROM dead_letters
    UNION ALL
    SELECT 'operator_acts', target_id::text, bucket FROM operator_acts
) AS row_
WHERE NOT EXISTS (
    SELECT FROM buckets WHERE buckets.bucket = row_.bucket AND buckets.state <> 'gone')

-- name: event_sequence
-- says: A user's events in the outbox are numbered without a gap, up to the user's last number.
-- examines: outbox users
-- Events may be deleted from the front once they are published.
SELECT
    ARRAY[o.user_id::text] AS ids,
    CASE
        WHEN u.id IS NULL THEN 'events of a user that is not here'
        ELSE format('%s events numbered %s to %s (%s numbers), the user has told %s',
            o.events, o.lowest, o.highest, o.numbers, u.event_sequence)
    END AS detail
FROM (
    SELECT
        user_id,
        count(*) AS events,
        count(DISTINCT sequence) AS numbers,
        min(sequence) AS lowest,
        max(sequence) AS highest
    FROM outbox
    GROUP BY user_id
) AS o
LEFT JOIN users AS u ON u.id = o.user_id
WHERE u.id IS NULL
    OR o.lowest < 1
    OR o.highest <> u.event_sequence
    OR o.events <> o.numbers
    OR o.numbers <> o.highest - o.lowest + 1

-- name: email_bucket
-- says: A user's e-mail is in its one spelling, and its hash gives the user's bucket.
-- examines: users
-- The first 64 bits of the SHA-256 of the e-mail, modulo the number of buckets.
SELECT
    ARRAY[id::text] AS ids,
    format('in bucket %s, its e-mail %L hashes to bucket %s', bucket, email, hashed) AS detail
FROM (
    SELECT
        id, bucket, email,
        mod(('x' || left(digest, 8))::bit(32)::bigint::numeric * 4294967296
            + ('x' || substr(digest, 9, 8))::bit(32)::bigint, buckets) AS hashed
    FROM system
    CROSS JOIN (
        SELECT id, bucket, email, encode(sha256(convert_to(email, 'UTF8')), 'hex') AS digest
        FROM users
    ) AS digested
) AS placed
WHERE bucket <> hashed OR email IS NOT NFC NORMALIZED OR email ~ '[A-Z]'
