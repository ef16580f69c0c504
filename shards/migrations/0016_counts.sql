-- Two counts that rows before did not have.

-- How many refunds of a credit are under way or completed: so few that whoever reads a transfer can be
-- shown them all.
ALTER TABLE verdicts
    ADD COLUMN refund_count integer NOT NULL DEFAULT 0,
    ADD CONSTRAINT verdicts_refund_count CHECK (0 <= refund_count) NOT VALID;
UPDATE verdicts SET refund_count = refunds.count
FROM (
    SELECT refund_of, count(*) AS count
    FROM transfers
    WHERE refund_of IS NOT NULL AND status IN ('held', 'debited', 'completed')
    GROUP BY refund_of
) AS refunds
WHERE verdicts.transfer_id = refunds.refund_of;

-- Who has spent has a day of spending, also where all of it was before there was a count: an account
-- without one has never spent anything, which the audit can hold against its rows.
UPDATE accounts SET spent_day = clock.today
FROM (SELECT (app_now() AT TIME ZONE 'UTC')::date AS today) AS clock
WHERE spent_day IS NULL AND (user_id, currency) IN (
    SELECT payer_id, currency FROM transfers
    UNION
    SELECT user_id, currency FROM movements WHERE kind = 'withdrawal'
    UNION
    SELECT payer_id, currency FROM holds
);
