-- name: event_of_row
-- says: An event says what its row says: parties, currency, amount, status and reason, or its act.
-- examines: outbox transfers verdicts movements holds users operator_acts
-- Of a status that the transfer has left, the reason was NULL. The amounts in events are text.
SELECT
    ARRAY[o.user_id::text, o.sequence::text] AS ids,
    format('%s: %s, the row says %s', o.type, o.data, row_.data) AS detail
FROM outbox AS o
LEFT JOIN (
    SELECT
        'transfer.' || told.status AS type, payer_id AS user_id, id::text AS id,
        jsonb_build_object(
            'transfer_id', id, 'payer_id', payer_id, 'payee_id', payee_id, 'currency', currency,
            'amount_minor', amount::text, 'status', told.status,
            'reason', CASE WHEN told.status = transfers.status THEN reason END)
            || CASE WHEN hold_id IS NULL THEN '{}' ELSE jsonb_build_object('hold_id', hold_id) END
            || CASE
                WHEN refund_of IS NULL THEN '{}'
                ELSE jsonb_build_object('refund_of', refund_of)
            END AS data
    FROM transfers, LATERAL (
        SELECT status
        UNION
        SELECT 'held' WHERE status <> 'rejected' AND hold_id IS NULL
        UNION
        SELECT 'debited' WHERE status IN ('completed', 'refunded')
    ) AS told (status)
    UNION ALL
    SELECT
        'transfer.credited', payee_id, transfer_id::text,
        jsonb_build_object(
            'transfer_id', transfer_id, 'payer_id', payer_id, 'payee_id', payee_id,
            'currency', currency, 'amount_minor', amount::text, 'status', verdict,
            'reason', reason)
            || CASE
                WHEN refund_of IS NULL THEN '{}'
                ELSE jsonb_build_object('refund_of', refund_of)
            END
    FROM verdicts
    WHERE verdict = 'credited'
    UNION ALL
    SELECT
        'hold.' || told.status, payer_id, id::text,
        jsonb_build_object(
            'hold_id', id, 'payer_id', payer_id, 'payee_id', payee_id, 'currency', currency,
            'amount_minor', amount::text,
            'captured_minor', CASE told.status WHEN 'open' THEN '0' ELSE captured::text END,
            'status', told.status, 'reason', reason)
    FROM holds, LATERAL (
        SELECT status
        UNION
        SELECT 'open' WHERE status <> 'rejected'
    ) AS told (status)
    UNION ALL
    SELECT
        CASE kind WHEN 'deposit' THEN 'movement.deposited' ELSE 'movement.withdrawn' END,
        user_id, id::text,
        jsonb_build_object(
            'movement_id', id, 'user_id', user_id, 'currency', currency,
            'amount_minor', amount::text, 'balance_after_minor', balance_after::text)
    FROM movements
    WHERE status = 'completed'
    UNION ALL
    SELECT
        'movement.rejected', user_id, id::text,
        jsonb_build_object(
            'movement_id', id, 'user_id', user_id, 'currency', currency,
            'amount_minor', amount::text, 'reason', reason)
    FROM movements
    WHERE status = 'rejected'
    UNION ALL
    SELECT
        'user.created', id, id::text, jsonb_build_object('user_id', id, 'email', email)
    FROM users
    UNION ALL
    SELECT
        tells.type, target_id, seq::text,
        jsonb_build_object('user_id', target_id, 'act_seq', seq, tells.field, tells.value)
    FROM operator_acts
    JOIN (VALUES
        ('user.freeze', 'user.frozen', 'status', 'frozen'),
        ('user.unfreeze', 'user.unfrozen', 'status', 'open'),
        ('user.close', 'user.closed', 'status', 'closed'),
        ('user.make_operator', 'user.made_operator', 'role', 'operator'),
        ('user.remove_operator', 'user.removed_operator', 'role', 'user')
    ) AS tells (act, type, field, value) ON tells.act = operator_acts.act
) AS row_
    ON row_.type = o.type
    AND row_.user_id = o.user_id
    AND row_.id = coalesce(
        o.data ->> 'transfer_id', o.data ->> 'movement_id', o.data ->> 'hold_id',
        o.data ->> 'act_seq', o.data ->> 'user_id')
-- What is told of limits is compared with the account and the trail.
WHERE o.data IS DISTINCT FROM row_.data AND o.type <> 'account.limit_set'

-- name: event_once
-- says: Each status of a transfer and a hold, each credit, each movement and each act on a user is told once.
-- examines: outbox transfers verdicts movements holds operator_acts
-- Never twice; and not left out, unless events of the user have been deleted from the front.
WITH told AS (
    SELECT
        user_id, type,
        coalesce(
            data ->> 'transfer_id', data ->> 'movement_id', data ->> 'hold_id',
            data ->> 'act_seq') AS id,
        count(*) AS times
    FROM outbox
    WHERE type NOT IN ('user.created', 'account.limit_set')
    GROUP BY
        user_id, type,
        coalesce(
            data ->> 'transfer_id', data ->> 'movement_id', data ->> 'hold_id',
            data ->> 'act_seq')
),
due AS (
    SELECT payer_id AS user_id, 'transfer.' || ends.status AS type, id::text AS id
    FROM transfers, LATERAL (
        SELECT status
        UNION
        SELECT 'held' WHERE status <> 'rejected' AND hold_id IS NULL
        UNION
        SELECT 'debited' WHERE status IN ('completed', 'refunded')
    ) AS ends (status)
    UNION ALL
    SELECT payee_id, 'transfer.credited', transfer_id::text
    FROM verdicts
    WHERE verdict = 'credited'
    UNION ALL
    SELECT payer_id, 'hold.' || ends.status, id::text
    FROM holds, LATERAL (
        SELECT status
        UNION
        SELECT 'open' WHERE status <> 'rejected'
    ) AS ends (status)
    UNION ALL
    SELECT
        user_id,
        CASE
            WHEN status = 'rejected' THEN 'movement.rejected'
            WHEN kind = 'deposit' THEN 'movement.deposited'
            ELSE 'movement.withdrawn'
        END,
        id::text
    FROM movements
    UNION ALL
    SELECT
        target_id,
        CASE act
            WHEN 'user.freeze' THEN 'user.frozen'
            WHEN 'user.unfreeze' THEN 'user.unfrozen'
            WHEN 'user.close' THEN 'user.closed'
            WHEN 'user.make_operator' THEN 'user.made_operator'
            WHEN 'user.remove_operator' THEN 'user.removed_operator'
        END,
        seq::text
    FROM operator_acts
    WHERE act LIKE 'user.%'
)
SELECT
    ARRAY[due.user_id::text, due.id] AS ids,
    format('%s told %s times', due.type, coalesce(told.times, 0)) AS detail
FROM due
LEFT JOIN told ON told.user_id = due.user_id AND told.type = due.type AND told.id = due.id
LEFT JOIN (
    SELECT u.id AS user_id, coalesce(min(o.sequence), u.event_sequence + 1) > 1 AS cut
    FROM users AS u
    LEFT JOIN outbox AS o ON o.user_id = u.id
    GROUP BY u.id, u.event_sequence
) AS events ON events.user_id = due.user_id
WHERE told.times > 1
    OR (told.times IS NULL AND events.cut IS NOT TRUE)
