-- name: read_refundable
-- Of the payee's own shard, which tries the refund.
SELECT transfer_id, payee_id, amount - refunded_amount AS refundable, refund_count
FROM verdicts
WHERE transfer_id = ANY($1::uuid[]) AND verdict = 'credited'

-- name: change_refunded
-- The CHECK of the table keeps it within the amount, whoever decided.
UPDATE verdicts SET
    refunded_amount = refunded_amount + change.amount,
    refund_count = refund_count + change.count
FROM unnest($1::uuid[], $2::numeric[], $3::integer[]) AS change (transfer_id, amount, count)
WHERE verdicts.transfer_id = change.transfer_id
RETURNING 1

-- name: read_refunds
-- What has come back to the payer, of the payer's own shard.
SELECT refund_of, transfer_id, amount
FROM verdicts
WHERE refund_of = ANY($1::uuid[]) AND verdict = 'credited'
ORDER BY created_at, transfer_id
