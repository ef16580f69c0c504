-- name: read_refundable
-- Of the payee's own shard, which tries the refund.
SELECT transfer_id, payee_id, amount - refunded_amount AS refundable
FROM verdicts
WHERE transfer_id = ANY($1::uuid[]) AND verdict = 'credited'

-- name: change_refunded
-- The CHECK of the table keeps it within the amount, whoever decided.
UPDATE verdicts SET refunded_amount = refunded_amount + new.change
FROM unnest($1::uuid[], $2::numeric[]) AS new (transfer_id, change)
WHERE verdicts.transfer_id = new.transfer_id
RETURNING 1

-- name: read_refunds
-- What has come back to the payer, of the payer's own shard.
SELECT refund_of, transfer_id, amount
FROM verdicts
WHERE refund_of = ANY($1::uuid[]) AND verdict = 'credited'
ORDER BY created_at, transfer_id
