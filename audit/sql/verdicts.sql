-- name: verdict_shape
-- says: A verdict is credited or refused, gives a reason if refused, and is of a positive amount.
-- examines: verdicts
SELECT
    ARRAY[transfer_id::text] AS ids,
    format('%s of %s, reason %s, refunded %s', verdict, amount, reason, refunded_amount) AS detail
FROM verdicts
WHERE verdict NOT IN ('credited', 'refused')
    OR (verdict = 'refused') <> (reason IS NOT NULL)
    OR amount <= 0 OR amount = 'NaN'
    OR refunded_amount < 0 OR refunded_amount > amount

-- name: verdict_once
-- says: No transfer has two verdicts.
-- examines: verdicts
SELECT
    ARRAY[transfer_id::text] AS ids,
    format('verdicts: %s', string_agg(verdict, ', ')) AS detail
FROM verdicts
GROUP BY transfer_id
HAVING count(*) > 1

-- name: verdict_entries
-- says: A credited verdict has exactly one credit entry, a refused one has none.
-- examines: verdicts entries
WITH credit AS (
    SELECT transfer_id, count(*) AS entries
    FROM entries
    WHERE kind = 'transfer_in'
    GROUP BY transfer_id
)
SELECT
    ARRAY[v.transfer_id::text] AS ids,
    format('%s with %s credit entries', v.verdict, coalesce(c.entries, 0)) AS detail
FROM verdicts AS v
LEFT JOIN credit AS c ON c.transfer_id = v.transfer_id
WHERE coalesce(c.entries, 0) <> CASE WHEN v.verdict = 'credited' THEN 1 ELSE 0 END

-- name: credit_of_verdict
-- says: A credit entry has its credited verdict: same payer, payee, currency and amount.
-- examines: entries verdicts
SELECT
    ARRAY[e.transfer_id::text, e.user_id::text, e.currency, e.seq::text] AS ids,
    CASE
        WHEN v.transfer_id IS NULL THEN 'credit without a credited verdict'
        ELSE format('credit of %s %s from %s to %s, the verdict is on %s %s from %s to %s',
            e.amount, e.currency, e.counterparty_id, e.user_id,
            v.amount, v.currency, v.payer_id, v.payee_id)
    END AS detail
FROM entries AS e
LEFT JOIN verdicts AS v ON v.transfer_id = e.transfer_id AND v.verdict = 'credited'
WHERE e.kind = 'transfer_in'
    AND (
        v.transfer_id IS NULL
        OR (e.user_id, e.counterparty_id, e.currency, e.amount)
            IS DISTINCT FROM (v.payee_id, v.payer_id, v.currency, v.amount))

-- name: verdict_reason
-- says: A refused verdict gives a reason of the payee's side.
-- examines: verdicts
SELECT ARRAY[transfer_id::text] AS ids, format('%s because of %s', verdict, reason) AS detail
FROM verdicts
WHERE reason NOT IN ('unknown_payee', 'payee_closed', 'balance_limit')

-- name: verdict_refunds
-- says: What is refunded of a credit is what its refunds that are under way or completed come to, and so many.
-- examines: verdicts transfers
WITH refund AS (
    SELECT refund_of, sum(amount) AS amount, count(*) AS count
    FROM transfers
    WHERE refund_of IS NOT NULL AND status IN ('held', 'debited', 'completed')
    GROUP BY refund_of
)
SELECT
    ARRAY[v.transfer_id::text] AS ids,
    format('%s of %s refunded by %s, its refunds: %s by %s',
        v.refunded_amount, v.amount, v.refund_count, coalesce(r.amount, 0), coalesce(r.count, 0))
        AS detail
FROM verdicts AS v
LEFT JOIN refund AS r ON r.refund_of = v.transfer_id
WHERE (v.refunded_amount, v.refund_count)
    IS DISTINCT FROM (coalesce(r.amount, 0), coalesce(r.count, 0))

-- name: refund_of_credit
-- says: A refund is of a credited transfer in its currency: from its payee, to its payer.
-- examines: transfers verdicts
SELECT
    ARRAY[t.id::text, t.refund_of::text] AS ids,
    CASE
        WHEN v.transfer_id IS NULL THEN 'refund of a transfer that is not credited here'
        ELSE format('refund in %s from %s to %s of a transfer in %s from %s to %s',
            t.currency, t.payer_id, t.payee_id, v.currency, v.payer_id, v.payee_id)
    END AS detail
FROM transfers AS t
LEFT JOIN verdicts AS v ON v.transfer_id = t.refund_of AND v.verdict = 'credited'
WHERE t.refund_of IS NOT NULL
    AND (
        v.transfer_id IS NULL
        OR (t.payer_id, t.payee_id, t.currency)
            IS DISTINCT FROM (v.payee_id, v.payer_id, v.currency))

-- name: refund_of_debit
-- says: What has come back of a transfer has come to its payer, and is no more than its amount.
-- examines: verdicts transfers
SELECT
    ARRAY[v.refund_of::text] AS ids,
    format('%s came back in %s to %s from %s, the transfer is %s: %s %s from %s to %s',
        sum(v.amount), v.currency, v.payee_id, v.payer_id,
        t.status, t.amount, t.currency, t.payer_id, t.payee_id) AS detail
FROM verdicts AS v
LEFT JOIN transfers AS t ON t.id = v.refund_of
WHERE v.refund_of IS NOT NULL AND v.verdict = 'credited'
GROUP BY
    v.refund_of, v.currency, v.payee_id, v.payer_id,
    t.status, t.amount, t.currency, t.payer_id, t.payee_id
HAVING (t.payer_id, t.payee_id, t.currency) IS DISTINCT FROM (v.payee_id, v.payer_id, v.currency)
    OR t.status NOT IN ('debited', 'completed')
    OR sum(v.amount) > t.amount
