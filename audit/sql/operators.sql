-- name: user_status
-- says: A user's status is what the last act on it says, and open without one.
-- examines: users operator_acts
SELECT
    ARRAY[u.id::text] AS ids,
    format('%s, the last act on it is %s', u.status, coalesce(last.act, 'none')) AS detail
FROM users AS u
LEFT JOIN (
    SELECT DISTINCT ON (target_id) target_id, act
    FROM operator_acts
    WHERE act IN ('user.freeze', 'user.unfreeze', 'user.close')
    ORDER BY target_id, seq DESC
) AS last ON last.target_id = u.id
WHERE u.status <> CASE last.act
    WHEN 'user.freeze' THEN 'frozen'
    WHEN 'user.close' THEN 'closed'
    ELSE 'open'
END

-- name: user_role
-- says: A user is an operator if the last act on its role made it one, and only then.
-- examines: users operator_acts
SELECT
    ARRAY[u.id::text] AS ids,
    format('%s, the last act on its role is %s', u.role, coalesce(last.act, 'none')) AS detail
FROM users AS u
LEFT JOIN (
    SELECT DISTINCT ON (target_id) target_id, act
    FROM operator_acts
    WHERE act IN ('user.make_operator', 'user.remove_operator')
    ORDER BY target_id, seq DESC
) AS last ON last.target_id = u.id
WHERE u.role <> CASE last.act WHEN 'user.make_operator' THEN 'operator' ELSE 'user' END

-- name: user_closed
-- says: A closed user has no money, and nothing under way that could come back.
-- examines: users accounts transfers
SELECT
    ARRAY[u.id::text] AS ids,
    format('closed, with %s accounts that are not empty and %s open transfers',
        coalesce(kept.accounts, 0), coalesce(sent.transfers, 0)) AS detail
FROM users AS u
LEFT JOIN (
    SELECT user_id, count(*) AS accounts
    FROM accounts
    WHERE balance <> 0 OR held <> 0
    GROUP BY user_id
) AS kept ON kept.user_id = u.id
LEFT JOIN (
    SELECT payer_id, count(*) AS transfers
    FROM transfers
    WHERE status IN ('held', 'debited')
    GROUP BY payer_id
) AS sent ON sent.payer_id = u.id
WHERE u.status = 'closed' AND (kept.accounts > 0 OR sent.transfers > 0)

-- name: act_of_user
-- says: An act on a user has its user, and changes what the one before it left; nothing opens a closed one.
-- examines: operator_acts users
SELECT
    ARRAY[a.target_id::text, a.seq::text] AS ids,
    CASE
        WHEN u.id IS NULL THEN format('%s by %s of a user that is not here', a.act, a.done_by)
        ELSE format('%s from %L, it was %L before', a.act, a.detail, a.before)
    END AS detail
FROM (
    SELECT
        acts.target_id, acts.seq, acts.act, acts.done_by, acts.detail, makes.after,
        lag(makes.after, 1, makes.at_first) OVER (
            PARTITION BY acts.target_id, makes.at_first ORDER BY acts.seq) AS before
    FROM operator_acts AS acts
    LEFT JOIN (VALUES
        ('user.freeze', 'open', 'frozen'),
        ('user.unfreeze', 'open', 'open'),
        ('user.close', 'open', 'closed'),
        ('user.make_operator', 'user', 'operator'),
        ('user.remove_operator', 'user', 'user')
    ) AS makes (act, at_first, after) ON makes.act = acts.act
    WHERE acts.act LIKE 'user.%'
) AS a
LEFT JOIN users AS u ON u.id = a.target_id
WHERE u.id IS NULL
    OR a.after IS NULL
    OR a.before IN ('closed', a.after)
    OR a.detail <> a.before || ' to ' || a.after

-- name: currency_acts
-- says: A currency is as the last act on it says; without one, it is one of every system, as it began.
-- examines: currencies operator_acts
-- An act on a currency has an id of its own, and names the currency first. All of one are in one
-- bucket, that of its code.
SELECT
    ARRAY[coalesce(c.code, acts.code)] AS ids,
    format('%s; the last of %s acts on it, with %s that made it, says %s',
        coalesce(format('%s decimals, enabled is %s, named %L', c.decimals, c.enabled, c.name),
            'not here'),
        coalesce(acts.total, 0), coalesce(acts.made, 0), acts.last) AS detail
FROM currencies AS c
FULL JOIN (
    SELECT
        code,
        count(*) AS total,
        count(*) FILTER (WHERE act = 'currency.create') AS made,
        (array_agg(act ORDER BY seq))[1] AS first_act,
        (array_agg(said ORDER BY seq DESC))[1] AS last
    FROM (
        SELECT
            act, seq,
            substring(detail FROM '^[A-Z0-9]+') AS code,
            regexp_replace(
                detail, '^[A-Z0-9]+(, (name|enabled|name and enabled) changed)?: ', '') AS said
        FROM operator_acts
        WHERE act LIKE 'currency.%'
    ) AS each
    GROUP BY code
) AS acts ON acts.code = c.code
LEFT JOIN (VALUES
    ('USD', 'US Dollar'), ('EUR', 'Euro'), ('GBP', 'Pound Sterling'), ('JPY', 'Yen'),
    ('KWD', 'Kuwaiti Dinar'), ('BTC', 'Bitcoin'), ('USDC', 'USD Coin'), ('ETH', 'Ether')
) AS known (code, name) ON known.code = c.code
WHERE c.code IS NULL
    OR coalesce(acts.made, 0) <> CASE WHEN known.code IS NULL THEN 1 ELSE 0 END
    OR (acts.made > 0 AND acts.first_act <> 'currency.create')
    OR CASE
        WHEN acts.code IS NULL THEN NOT c.enabled OR c.name <> known.name
        ELSE acts.last <> format('%s decimals, %s, named %s',
            c.decimals, CASE WHEN c.enabled THEN 'enabled' ELSE 'disabled' END, c.name)
    END

-- name: act_of_row
-- says: An act on a movement, a refund or a hold has its row, by who did the act, and is the only one on it.
-- examines: operator_acts movements transfers holds
-- Not the other way round: movements of operators have acts since a later release, and who voided a
-- hold is told by its act alone.
SELECT
    ARRAY[a.target_id::text, a.seq::text] AS ids,
    format('%s by %s, one of %s acts on it, %s',
        a.act, a.done_by, a.times,
        CASE WHEN r.id IS NULL THEN 'and no such row of theirs' ELSE 'which has its row' END
    ) AS detail
FROM (
    SELECT target_id, seq, act, done_by, count(*) OVER (PARTITION BY target_id) AS times
    FROM operator_acts
    WHERE split_part(act, '.', 1) IN ('movement', 'transfer', 'hold')
) AS a
LEFT JOIN (
    SELECT
        id, caller,
        CASE kind WHEN 'deposit' THEN 'movement.deposit' ELSE 'movement.withdraw' END AS act
    FROM movements
    UNION ALL
    SELECT id, caller, 'transfer.refund' FROM transfers WHERE refund_of IS NOT NULL
    UNION ALL
    SELECT id, NULL, 'hold.void' FROM holds WHERE status = 'voided'
) AS r ON r.id = a.target_id AND r.act = a.act AND coalesce(r.caller = a.done_by, true)
WHERE r.id IS NULL OR a.times <> 1
