-- Spending limits per account and UTC day. What is spent is counted with or without a limit, so that
-- one that is set at noon knows the morning. Tries, holds and withdrawals count on the day they are
-- made; what is cancelled, released or returned is given back to that day, while it lasts.
ALTER TABLE accounts
    ADD COLUMN daily_limit numeric(38, 0),
    ADD COLUMN spent       numeric(38, 0) NOT NULL DEFAULT 0,
    -- The day that `spent` is of; never an earlier one than before.
    ADD COLUMN spent_day   date,
    ADD CONSTRAINT accounts_spending CHECK (
        0 <= spent AND spent < 1e38
        AND (daily_limit IS NULL OR (0 <= daily_limit AND daily_limit < 1e38))) NOT VALID;
-- The day that a capture counts on: that of its hold. Others count on the day they were created.
ALTER TABLE transfers ADD COLUMN spent_on date;

-- What today has been spent before there was a count; it reads today's rows of each payer.
UPDATE accounts SET spent = today.spent, spent_day = today.day
FROM (
    SELECT user_id, currency, day, sum(amount) AS spent
    FROM (SELECT (app_now() AT TIME ZONE 'UTC')::date AS day OFFSET 0) AS clock,
        LATERAL (
            SELECT payer_id AS user_id, currency, amount
            FROM transfers
            WHERE created_at >= day::timestamp AT TIME ZONE 'UTC'
                AND status IN ('held', 'debited', 'completed')
            UNION ALL
            SELECT user_id, currency, amount
            FROM movements
            WHERE created_at >= day::timestamp AT TIME ZONE 'UTC'
                AND kind = 'withdrawal' AND status = 'completed'
        ) AS each
    GROUP BY user_id, currency, day
) AS today
WHERE accounts.user_id = today.user_id AND accounts.currency = today.currency;
