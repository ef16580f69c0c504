-- name: stream_verdicts
-- Effects: verdicts of one kind, with the bucket of the shard that must have the transfer.
SELECT
    (get_byte(uuid_send(transfer_id), 6) & 15) << 8 | get_byte(uuid_send(transfer_id), 7) AS bucket,
    transfer_id AS id, payer_id, payee_id, currency, amount::text, reason, refund_of
FROM verdicts
WHERE verdict = $1

-- name: stream_transfers
-- Effects: transfers of one status, with the bucket of the shard that must have the verdict.
SELECT
    (get_byte(uuid_send(payee_id), 6) & 15) << 8 | get_byte(uuid_send(payee_id), 7) AS bucket,
    id, payer_id, payee_id, currency, amount::text, reason, refund_of
FROM transfers
WHERE status = $1 AND payee_id IS NOT NULL

-- name: find_missing_transfers
-- Causes: the transfer of each verdict, in one of two statuses ($8), of the same refund ($7).
-- The reason ($6) is compared in the other direction: while debited, the transfer has none yet.
SELECT
    ARRAY[v.id::text] AS ids,
    CASE
        WHEN t.id IS NULL THEN format('%s %s from %s to %s: no such transfer on its shard',
            v.amount, v.currency, v.payer_id, v.payee_id)
        ELSE format('%s %s from %s to %s: the transfer is %s, %s %s from %s to %s',
            v.amount, v.currency, v.payer_id, v.payee_id,
            t.status, t.amount, t.currency, t.payer_id, t.payee_id)
    END AS detail
FROM unnest(
    $1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[]::numeric[], $6::text[], $7::uuid[])
    AS v (id, payer_id, payee_id, currency, amount, reason, refund_of)
LEFT JOIN transfers AS t ON t.id = v.id
WHERE t.id IS NULL
    OR (t.payer_id, t.payee_id, t.currency, t.amount, t.refund_of)
        IS DISTINCT FROM (v.payer_id, v.payee_id, v.currency, v.amount, v.refund_of)
    OR t.status <> ALL ($8::text[])

-- name: find_missing_verdicts
-- Causes: the verdict on each ended transfer, of one kind ($8), for the same reason ($6), of the same
-- refund ($7).
SELECT
    ARRAY[t.id::text] AS ids,
    CASE
        WHEN v.transfer_id IS NULL THEN format('%s %s from %s to %s: no verdict on its shard',
            t.amount, t.currency, t.payer_id, t.payee_id)
        ELSE format('%s %s from %s to %s, reason %s: the verdict is %s, %s %s from %s to %s, reason %s',
            t.amount, t.currency, t.payer_id, t.payee_id, t.reason,
            v.verdict, v.amount, v.currency, v.payer_id, v.payee_id, v.reason)
    END AS detail
FROM unnest(
    $1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[]::numeric[], $6::text[], $7::uuid[])
    AS t (id, payer_id, payee_id, currency, amount, reason, refund_of)
LEFT JOIN verdicts AS v ON v.transfer_id = t.id
WHERE v.transfer_id IS NULL
    OR (v.payer_id, v.payee_id, v.currency, v.amount, v.reason, v.refund_of)
        IS DISTINCT FROM (t.payer_id, t.payee_id, t.currency, t.amount, t.reason, t.refund_of)
    OR v.verdict <> ALL ($8::text[])

-- name: find_credited
-- Which of these transfers have arrived; the rest is still in transit.
SELECT transfer_id FROM verdicts WHERE transfer_id = ANY($1::uuid[]) AND verdict = 'credited'
