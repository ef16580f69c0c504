-- name: find_keys
WITH asked AS (
    SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[]) AS a (wallet_id, caller, key)
)
SELECT asked.wallet_id, t.caller, t.idempotency_key, 'transfer' AS owner, t.id, t.fingerprint
FROM asked
JOIN transfers AS t
    ON t.payer_id = asked.wallet_id AND t.caller = asked.caller AND t.idempotency_key = asked.key
UNION ALL
SELECT asked.wallet_id, m.caller, m.idempotency_key, 'movement', m.id, m.fingerprint
FROM asked
JOIN movements AS m
    ON m.user_id = asked.wallet_id AND m.caller = asked.caller AND m.idempotency_key = asked.key
