"""Corruptions of a shop's books, each with the check that must find it (see `audit_cases`)."""

from tests.integration.audit_cases import Case

SHOP_CASES = (
    Case(
        check="account_held",
        sql="UPDATE holds SET status = 'voided', ended_at = now() WHERE id = '{hold_open}'",
        id="booker",
    ),
    Case(
        check="account_held",
        sql="UPDATE holds SET captured = captured - 1 WHERE id = '{hold_open}'",
        id="booker",
    ),
    Case(
        check="account_held",
        sql="UPDATE holds SET status = 'open', ended_at = NULL WHERE id = '{hold_voided}'",
        id="booker",
    ),
    Case(
        check="account_spent",
        sql="UPDATE accounts SET spent = spent + 1 WHERE user_id = '{booker}'",
        id="booker",
    ),
    Case(
        check="account_spent",
        sql="UPDATE accounts SET spent_day = spent_day - 1 WHERE user_id = '{booker}'",
        id="booker",
    ),
    Case(
        check="account_spent",
        sql="UPDATE accounts SET spent_day = spent_day + 1 WHERE user_id = '{booker}'",
        id="booker",
    ),
    Case(
        check="account_spent",
        sql="UPDATE accounts SET spent = 0, spent_day = NULL WHERE user_id = '{booker}'",
        id="booker",
    ),
    Case(
        check="account_spent",
        sql="UPDATE holds SET captured = captured + 1 WHERE id = '{hold_captured}'",
        id="booker",
    ),
    Case(
        check="account_spent",
        sql="UPDATE holds SET amount = amount + 1 WHERE id = '{hold_open}'",
        id="booker",
    ),
    Case(
        check="account_spent",
        sql="UPDATE transfers SET status = 'refunded', reason = 'payee_closed'"
        " WHERE id = '{capture}'",
        id="booker",
    ),
    Case(
        check="account_spent",
        sql="UPDATE transfers SET status = 'cancelled', reason = 'expired' WHERE id = '{held}'",
        id="payer",
    ),
    Case(
        check="account_spent",
        sql="UPDATE movements SET status = 'rejected'"
        " WHERE user_id = '{payer}' AND kind = 'withdrawal'",
        id="payer",
    ),
    Case(
        check="account_limit",
        sql="UPDATE accounts SET daily_limit = daily_limit + 1 WHERE user_id = '{booker}'",
        id="booker",
    ),
    Case(
        check="account_limit",
        sql="UPDATE accounts SET daily_limit = NULL WHERE user_id = '{booker}'",
        id="booker",
    ),
    Case(
        check="account_limit",
        sql="""UPDATE outbox SET data = jsonb_set(data, '{{act_seq}}', '2')
        WHERE user_id = '{booker}' AND type = 'account.limit_set'""",
        id="booker",
    ),
    Case(
        check="account_limit",
        sql="UPDATE accounts SET daily_limit = 5 WHERE user_id = '{shop}'",
        id="shop",
        shard=1,
    ),
    Case(
        check="hold_shape",
        sql="UPDATE holds SET status = 'frozen' WHERE id = '{hold_open}'",
        id="hold_open",
    ),
    Case(
        check="hold_shape",
        sql="UPDATE holds SET captured = amount + 1 WHERE id = '{hold_captured}'",
        id="hold_captured",
    ),
    Case(
        check="hold_shape",
        sql="UPDATE holds SET ended_at = NULL WHERE id = '{hold_voided}'",
        id="hold_voided",
    ),
    Case(
        check="hold_shape",
        sql="UPDATE holds SET captured = 0 WHERE id = '{hold_captured}'",
        id="hold_captured",
    ),
    Case(
        check="hold_shape",
        sql="UPDATE holds SET captured = amount WHERE id = '{hold_open}'",
        id="hold_open",
    ),
    Case(
        check="hold_shape",
        sql="UPDATE holds SET reason = 'limit_exceeded' WHERE id = '{hold_expired}'",
        id="hold_expired",
    ),
    Case(
        check="hold_shape",
        sql="UPDATE holds SET payee_id = payer_id WHERE id = '{hold_open}'",
        id="hold_open",
    ),
    Case(
        check="hold_captures",
        sql="UPDATE holds SET captured = captured + 1 WHERE id = '{hold_open}'",
        id="hold_open",
    ),
    Case(
        check="hold_captures",
        sql="DELETE FROM transfers WHERE id = '{last_capture}'",
        id="hold_captured",
    ),
    Case(
        check="hold_captures",
        sql="UPDATE transfers SET hold_id = '{hold_voided}' WHERE id = '{capture}'",
        id="hold_voided",
    ),
    Case(
        check="capture_of_hold",
        sql="DELETE FROM holds WHERE id = '{hold_open}'",
        id="capture",
    ),
    Case(
        check="hold_captures",
        sql="UPDATE holds SET capture_count = capture_count + 1 WHERE id = '{hold_open}'",
        id="hold_open",
    ),
    Case(
        check="capture_of_hold",
        sql="UPDATE holds SET payee_id = '{neighbour_id}' WHERE id = '{hold_open}'",
        id="capture",
    ),
    Case(
        check="capture_of_hold",
        sql="UPDATE holds SET currency = 'USD' WHERE id = '{hold_captured}'",
        id="last_capture",
    ),
    Case(
        check="capture_of_hold",
        sql="UPDATE transfers SET spent_on = spent_on - 1 WHERE id = '{capture}'",
        id="capture",
    ),
    Case(
        check="capture_of_hold",
        sql="UPDATE transfers SET status = 'held' WHERE id = '{capture}'",
        id="capture",
    ),
    Case(
        check="capture_of_hold",
        sql="UPDATE transfers SET hold_id = '{hold_rejected}' WHERE id = '{capture}'",
        id="hold_rejected",
    ),
    Case(
        check="hold_reason",
        sql="UPDATE holds SET reason = 'expired' WHERE id = '{hold_rejected}'",
        id="hold_rejected",
    ),
    Case(
        check="hold_reason",
        sql="UPDATE holds SET payee_id = NULL WHERE id = '{hold_rejected}'",
        id="hold_rejected",
    ),
    Case(
        check="hold_times",
        sql="UPDATE holds SET ended_at = created_at - interval '1 microsecond'"
        " WHERE id = '{hold_voided}'",
        id="hold_voided",
    ),
    Case(
        check="hold_times",
        sql="UPDATE holds SET created_at = created_at + interval '1 hour' WHERE id = '{hold_open}'",
        id="hold_open",
    ),
    Case(
        check="hold_times",
        sql="UPDATE holds SET ended_at = created_at WHERE id = '{hold_captured}'",
        id="hold_captured",
    ),
    Case(
        check="hold_times",
        sql="UPDATE holds SET ended_at = now() WHERE id = '{hold_rejected}'",
        id="hold_rejected",
    ),
    Case(
        check="hold_times",
        sql="UPDATE holds SET expires_at = ended_at + interval '1 second'"
        " WHERE id = '{hold_expired}'",
        id="hold_expired",
    ),
    Case(
        check="transfer_shape",
        sql="UPDATE transfers SET spent_on = NULL WHERE id = '{capture}'",
        id="capture",
    ),
    Case(
        check="transfer_shape",
        sql="UPDATE transfers SET refund_of = '{completed}' WHERE id = '{capture}'",
        id="capture",
    ),
    Case(
        check="verdict_refunds",
        sql="UPDATE verdicts SET refunded_amount = refunded_amount - 1"
        " WHERE transfer_id = '{capture}'",
        id="capture",
        shard=1,
    ),
    Case(
        check="verdict_refunds",
        sql="UPDATE verdicts SET refund_count = refund_count + 1 WHERE transfer_id = '{capture}'",
        id="capture",
        shard=1,
    ),
    Case(
        check="verdict_refunds",
        sql="UPDATE transfers SET status = 'cancelled', reason = 'expired'"
        " WHERE id = '{refund_held}'",
        id="capture",
        shard=1,
    ),
    Case(
        check="verdict_refunds",
        sql="DELETE FROM transfers WHERE id = '{refund}'",
        id="capture",
        shard=1,
    ),
    Case(
        check="refund_of_credit",
        sql="DELETE FROM verdicts WHERE transfer_id = '{capture}'",
        id="refund",
        shard=1,
    ),
    Case(
        check="refund_of_credit",
        sql="UPDATE transfers SET payee_id = '{neighbour_id}' WHERE id = '{refund_held}'",
        id="refund_held",
        shard=1,
    ),
    Case(
        check="refund_of_credit",
        sql="UPDATE transfers SET refund_of = '{completed}' WHERE id = '{refund_held}'",
        id="refund_held",
        shard=1,
    ),
    Case(
        check="refund_of_debit",
        sql="UPDATE verdicts SET amount = 31 WHERE transfer_id = '{refund}'",
        id="capture",
    ),
    Case(
        check="refund_of_debit",
        sql="DELETE FROM transfers WHERE id = '{capture}'",
        id="capture",
    ),
    Case(
        check="refund_of_debit",
        sql="UPDATE transfers SET status = 'refunded', reason = 'payee_closed'"
        " WHERE id = '{capture}'",
        id="capture",
    ),
    Case(
        check="refund_of_debit",
        sql="UPDATE transfers SET payee_id = '{neighbour_id}' WHERE id = '{capture}'",
        id="capture",
    ),
    Case(
        check="credit_has_debit",
        sql="UPDATE verdicts SET refund_of = '{last_capture}' WHERE transfer_id = '{refund}'",
        id="refund",
    ),
    Case(
        check="completed_has_credit",
        sql="UPDATE transfers SET refund_of = NULL WHERE id = '{refund}'",
        id="refund",
        shard=1,
    ),
    Case(
        check="key_once",
        sql="UPDATE holds SET idempotency_key = (SELECT idempotency_key FROM movements"
        " WHERE user_id = '{booker}') WHERE id = '{hold_open}'",
        id="hold_open",
    ),
    Case(
        check="key_once",
        sql="UPDATE holds SET (caller, idempotency_key) = (SELECT caller, idempotency_key"
        " FROM transfers WHERE id = '{capture}') WHERE id = '{hold_voided}'",
        id="hold_voided",
    ),
    Case(
        check="bucket_of_id",
        sql="UPDATE holds SET bucket = 2 WHERE id = '{hold_open}'",
        id="hold_open",
    ),
    Case(
        check="bucket_here",
        sql="UPDATE holds SET bucket = 1 WHERE id = '{hold_open}'",
        id="hold_open",
    ),
    Case(
        check="event_of_row",
        sql="""UPDATE outbox SET data = jsonb_set(data, '{{amount_minor}}', '"101"')
        WHERE data ->> 'hold_id' = '{hold_open}' AND type = 'hold.open'""",
        id="booker",
    ),
    Case(
        check="event_of_row",
        sql="""UPDATE outbox SET data = jsonb_set(data, '{{captured_minor}}', '"21"')
        WHERE data ->> 'hold_id' = '{hold_captured}' AND type = 'hold.captured'""",
        id="booker",
    ),
    Case(
        check="event_of_row",
        sql="UPDATE outbox SET type = 'hold.expired'"
        " WHERE data ->> 'hold_id' = '{hold_voided}' AND type = 'hold.voided'",
        id="booker",
    ),
    Case(
        check="event_of_row",
        sql="UPDATE outbox SET data = data - 'hold_id'"
        " WHERE data ->> 'transfer_id' = '{capture}' AND type = 'transfer.debited'",
        id="booker",
    ),
    Case(
        check="event_of_row",
        sql="UPDATE outbox SET data = data - 'refund_of'"
        " WHERE data ->> 'transfer_id' = '{refund_held}'",
        id="shop",
        shard=1,
    ),
    Case(
        check="event_of_row",
        sql="UPDATE outbox SET data = data - 'refund_of'"
        " WHERE data ->> 'transfer_id' = '{refund}' AND type = 'transfer.credited'",
        id="booker",
    ),
    Case(
        check="event_once",
        sql="DELETE FROM outbox"
        " WHERE data ->> 'hold_id' = '{hold_voided}' AND type = 'hold.voided'",
        id="hold_voided",
    ),
    Case(
        check="event_once",
        sql="DELETE FROM outbox WHERE data ->> 'hold_id' = '{hold_rejected}'",
        id="hold_rejected",
    ),
    Case(
        check="event_once",
        sql="UPDATE outbox SET type = 'hold.open'"
        " WHERE data ->> 'hold_id' = '{hold_expired}' AND type = 'hold.expired'",
        id="hold_expired",
    ),
)
