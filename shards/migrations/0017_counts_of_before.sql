-- What rows of before did not count. It reads transfers, movements and holds once, and keeps the rows
-- that it writes until it is done: who reads goes on, who writes them waits, and is told to repeat. On
-- a shard with many accounts run it when little is asked for. Apart from 0016, whose locks would stop
-- readers as well.
UPDATE verdicts SET refund_count = refunds.count
FROM (
    SELECT refund_of, count(*) AS count
    FROM transfers
    WHERE refund_of IS NOT NULL AND status IN ('held', 'debited', 'completed')
    GROUP BY refund_of
) AS refunds
WHERE verdicts.transfer_id = refunds.refund_of;

UPDATE holds SET capture_count = captures.count
FROM (
    SELECT hold_id, count(*) AS count
    FROM transfers
    WHERE hold_id IS NOT NULL AND status <> 'rejected'
    GROUP BY hold_id
) AS captures
WHERE holds.id = captures.hold_id;

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
