"""Corruptions of books that are in order, each with the check that must find it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """`sql` on a shard must be found by `check`, which must name `id` (a field of Books)."""

    check: str
    sql: str
    id: str
    shard: int = 0


CASES = (
    Case(
        check="account_balance",
        sql="UPDATE accounts SET balance = balance + 1 WHERE user_id = '{payer}'",
        id="payer",
    ),
    Case(
        check="account_balance",
        sql="""DELETE FROM entries WHERE transfer_id = '{completed}' AND kind = 'transfer_in'""",
        id="payee",
        shard=1,
    ),
    Case(
        check="account_head",
        sql="UPDATE accounts SET head_hash = sha256('') WHERE user_id = '{payer}'",
        id="payer",
    ),
    Case(
        check="account_head",
        sql="UPDATE accounts SET seq = seq + 1 WHERE user_id = '{payer}'",
        id="payer",
    ),
    Case(
        check="account_head",
        sql="UPDATE accounts SET last_at = last_at - interval '1 microsecond'"
        " WHERE user_id = '{payer}'",
        id="payer",
    ),
    Case(
        check="account_held",
        sql="UPDATE accounts SET held = held + 1 WHERE user_id = '{payer}'",
        id="payer",
    ),
    Case(
        check="account_held",
        sql="UPDATE transfers SET status = 'cancelled', reason = 'expired', ended_at = now(),"
        " next_attempt_at = NULL WHERE id = '{held}'",
        id="payer",
    ),
    Case(
        check="account_held",
        sql="DELETE FROM accounts WHERE user_id = '{payer}'",
        id="payer",
    ),
    Case(
        check="account_bounds",
        sql="UPDATE accounts SET held = balance + 1 WHERE user_id = '{payer}'",
        id="payer",
    ),
    Case(
        check="account_bounds",
        sql="UPDATE accounts SET balance = 'NaN' WHERE user_id = '{payer}'",
        id="payer",
    ),
    Case(check="account_owner", sql="DELETE FROM users WHERE id = '{payer}'", id="payer"),
    Case(check="entry_account", sql="DELETE FROM users WHERE id = '{payer}'", id="payer"),
    Case(check="entry_account", sql="DELETE FROM accounts WHERE user_id = '{payer}'", id="payer"),
    Case(
        check="entry_shape",
        sql="UPDATE entries SET contra = 'external' WHERE transfer_id = '{completed}'",
        id="payer",
    ),
    Case(
        check="entry_shape",
        sql="UPDATE entries SET amount = -amount WHERE transfer_id = '{completed}'",
        id="payer",
    ),
    Case(
        check="entry_seq",
        sql="UPDATE entries SET seq = seq + 1 WHERE user_id = '{payer}' AND seq >= 3",
        id="payer",
    ),
    Case(
        check="entry_seq",
        sql="DELETE FROM entries WHERE user_id = '{payer}' AND seq = 2",
        id="payer",
    ),
    Case(
        check="entry_balance",
        sql="UPDATE entries SET balance_after = balance_after + 1"
        " WHERE transfer_id = '{completed}'",
        id="payer",
    ),
    Case(
        check="entry_hash",
        sql="UPDATE entries SET amount = amount + 1 WHERE transfer_id = '{completed}'",
        id="payee",
        shard=1,
    ),
    Case(
        check="entry_hash",
        sql="UPDATE entries SET hash = sha256(hash) WHERE transfer_id = '{completed}'",
        id="payer",
    ),
    Case(
        check="entry_hash",
        sql="UPDATE entries SET at = at + interval '1 microsecond' WHERE user_id = '{payer}'",
        id="payer",
    ),
    Case(
        check="entry_chain",
        sql="UPDATE entries SET prev_hash = sha256('') WHERE user_id = '{payer}' AND seq = 1",
        id="payer",
    ),
    Case(
        check="entry_chain",
        sql="UPDATE entries SET hash = sha256(hash) WHERE transfer_id = '{completed}'",
        id="payer",
    ),
    Case(
        check="entry_time",
        sql="UPDATE entries SET at = at - interval '1 hour' WHERE transfer_id = '{completed}'",
        id="payer",
    ),
    Case(
        check="transfer_shape",
        sql="UPDATE transfers SET next_attempt_at = now() WHERE id = '{completed}'",
        id="completed",
    ),
    Case(
        check="transfer_shape",
        sql="UPDATE transfers SET status = 'frozen' WHERE id = '{held}'",
        id="held",
    ),
    Case(
        check="transfer_entries",
        sql="UPDATE transfers SET status = 'refunded', reason = 'payee_closed'"
        " WHERE id = '{completed}'",
        id="completed",
    ),
    Case(
        check="transfer_entries",
        sql="DELETE FROM entries WHERE transfer_id = '{refunded}' AND kind = 'transfer_return'",
        id="refunded",
    ),
    Case(
        check="transfer_entries",
        sql="""INSERT INTO entries SELECT (json_populate_record(entries, '{{"seq": 99}}')).*
        FROM entries WHERE transfer_id = '{debited}'""",
        id="debited",
    ),
    Case(
        check="transfer_entries",
        sql="UPDATE transfers SET status = 'held', debited_at = NULL WHERE id = '{debited}'",
        id="debited",
    ),
    Case(
        check="debit_of_transfer",
        sql="UPDATE transfers SET amount = amount + 1 WHERE id = '{debited}'",
        id="debited",
    ),
    Case(
        check="debit_of_transfer",
        sql="UPDATE transfers SET payee_id = '{neighbour_id}' WHERE id = '{debited}'",
        id="debited",
    ),
    Case(
        check="debit_of_transfer",
        sql="DELETE FROM transfers WHERE id = '{debited}'",
        id="debited",
    ),
    Case(
        check="verdict_shape",
        sql="UPDATE verdicts SET refunded_amount = amount + 1 WHERE transfer_id = '{completed}'",
        id="completed",
        shard=1,
    ),
    Case(
        check="verdict_once",
        sql="""INSERT INTO verdicts SELECT
        (json_populate_record(verdicts, '{{"verdict": "refused", "reason": "payee_closed"}}')).*
        FROM verdicts WHERE transfer_id = '{credited}'""",
        id="credited",
        shard=1,
    ),
    Case(
        check="verdict_entries",
        sql="""INSERT INTO entries SELECT (json_populate_record(entries, '{{"seq": 99}}')).*
        FROM entries WHERE transfer_id = '{completed}'""",
        id="completed",
        shard=1,
    ),
    Case(
        check="verdict_entries",
        sql="DELETE FROM entries WHERE transfer_id = '{completed}'",
        id="completed",
        shard=1,
    ),
    Case(
        check="credit_of_verdict",
        sql="DELETE FROM verdicts WHERE transfer_id = '{completed}'",
        id="completed",
        shard=1,
    ),
    Case(
        check="credit_of_verdict",
        sql="UPDATE verdicts SET amount = amount + 1 WHERE transfer_id = '{completed}'",
        id="completed",
        shard=1,
    ),
    Case(
        check="movement_shape",
        sql="UPDATE movements SET kind = 'gift' WHERE user_id = '{payer}'",
        id="deposit",
    ),
    Case(
        check="movement_entries",
        sql="DELETE FROM entries WHERE movement_id = '{deposit}'",
        id="deposit",
    ),
    Case(
        check="movement_entries",
        sql="UPDATE movements SET status = 'rejected', reason = 'expired' WHERE id = '{deposit}'",
        id="deposit",
    ),
    Case(
        check="entry_of_movement",
        sql="UPDATE movements SET amount = amount + 1 WHERE id = '{deposit}'",
        id="deposit",
    ),
    Case(
        check="entry_of_movement",
        sql="UPDATE movements SET balance_before = 1 WHERE id = '{deposit}'",
        id="deposit",
    ),
    Case(
        check="entry_of_movement",
        sql="UPDATE movements SET hash = sha256(hash) WHERE id = '{deposit}'",
        id="deposit",
    ),
    Case(
        check="entry_of_movement", sql="DELETE FROM movements WHERE id = '{deposit}'", id="deposit"
    ),
    Case(
        check="key_once",
        sql="UPDATE movements SET idempotency_key ="
        " (SELECT idempotency_key FROM transfers WHERE id = '{held}') WHERE id = '{deposit}'",
        id="held",
    ),
    Case(
        check="key_once",
        sql="UPDATE transfers SET idempotency_key = 'same' WHERE payer_id = '{payer}'",
        id="cancelled",
    ),
    Case(
        check="bucket_of_id",
        sql="UPDATE transfers SET bucket = 2 WHERE id = '{held}'",
        id="held",
    ),
    Case(
        check="bucket_of_id",
        sql="UPDATE verdicts SET bucket = 3 WHERE transfer_id = '{credited}'",
        id="credited",
        shard=1,
    ),
    Case(
        check="bucket_here",
        sql="UPDATE transfers SET bucket = 1 WHERE id = '{held}'",
        id="held",
    ),
    Case(
        check="event_sequence",
        sql="DELETE FROM outbox WHERE user_id = '{payer}' AND sequence = 3",
        id="payer",
    ),
    Case(
        check="event_sequence",
        sql="UPDATE users SET event_sequence = event_sequence + 1 WHERE id = '{payer}'",
        id="payer",
    ),
    Case(
        check="event_sequence",
        sql="UPDATE outbox SET sequence = 2 WHERE user_id = '{payer}' AND sequence = 1",
        id="payer",
    ),
    Case(check="bucket_placed", sql="DELETE FROM buckets WHERE bucket = 0", id="bucket"),
    Case(check="bucket_placed", sql="INSERT INTO buckets VALUES (0)", id="bucket", shard=1),
    Case(
        check="credit_has_debit",
        sql="UPDATE transfers SET status = 'refunded', reason = 'payee_closed'"
        " WHERE id = '{completed}'",
        id="completed",
    ),
    Case(
        check="credit_has_debit",
        sql="DELETE FROM transfers WHERE id = '{completed}'",
        id="completed",
    ),
    Case(
        check="credit_has_debit",
        sql="UPDATE verdicts SET amount = amount + 1 WHERE transfer_id = '{completed}'",
        id="completed",
        shard=1,
    ),
    Case(
        check="refusal_has_debit",
        sql="UPDATE transfers SET status = 'completed', reason = NULL WHERE id = '{refunded}'",
        id="refunded",
    ),
    Case(
        check="completed_has_credit",
        sql="DELETE FROM verdicts WHERE transfer_id = '{completed}'",
        id="completed",
        shard=1,
    ),
    Case(
        check="completed_has_credit",
        sql="UPDATE verdicts SET verdict = 'refused', reason = 'payee_closed'"
        " WHERE transfer_id = '{completed}'",
        id="completed",
        shard=1,
    ),
    Case(
        check="completed_has_credit",
        sql="UPDATE transfers SET payee_id = '018f0000-0000-8fff-8000-000000000000'"
        " WHERE id = '{completed}'",
        id="completed",
    ),
    Case(
        check="refunded_has_refusal",
        sql="DELETE FROM verdicts WHERE transfer_id = '{refunded}'",
        id="refunded",
        shard=1,
    ),
    Case(
        check="bucket_of_id",
        sql="UPDATE dead_letters SET bucket = 2 WHERE id = '{letter_open}'",
        id="letter_open",
    ),
    Case(
        check="letter_decided",
        sql="UPDATE dead_letters SET status = 'discarded', act_seq = 1 WHERE id = '{letter_open}'",
        id="letter_open",
    ),
    Case(
        check="letter_decided",
        sql="UPDATE dead_letters SET status = 'open', act_seq = NULL"
        " WHERE id = '{letter_discarded}'",
        id="letter_discarded",
    ),
    Case(
        check="letter_decided",
        sql="UPDATE dead_letters SET status = 'discarded' WHERE id = '{letter_redriven}'",
        id="letter_redriven",
    ),
    Case(
        check="letter_decided",
        sql="DELETE FROM operator_acts WHERE seq = 2",
        id="letter_redriven",
    ),
    Case(
        check="letter_decided",
        sql="UPDATE operator_acts SET done_by = '' WHERE target_id = '{letter_redriven}'",
        id="letter_redriven",
    ),
    Case(
        check="letter_decided",
        sql="INSERT INTO operator_acts SELECT (json_populate_record(a, '{{\"seq\": 3}}')).*"
        " FROM operator_acts AS a WHERE target_id = '{letter_redriven}'",
        id="letter_redriven",
    ),
    Case(
        check="act_of_letter",
        sql="DELETE FROM dead_letters WHERE id = '{letter_redriven}'",
        id="letter_redriven",
    ),
    Case(check="act_seq", sql="DELETE FROM operator_acts WHERE seq = 1", id="bucket"),
    Case(check="act_seq", sql="UPDATE operator_acts SET seq = 2", id="bucket"),
    Case(
        check="act_hash",
        sql="UPDATE operator_acts SET reason = 'another' WHERE target_id = '{letter_redriven}'",
        id="letter_redriven",
    ),
    Case(
        check="act_hash",
        sql="UPDATE operator_acts SET done_by = 'Eve' WHERE target_id = '{letter_discarded}'",
        id="letter_discarded",
    ),
    Case(
        check="act_chain",
        sql="UPDATE operator_acts SET prev_hash = sha256('') WHERE seq = 2",
        id="letter_redriven",
    ),
    Case(
        check="entry_after_cause",
        sql="UPDATE movements SET created_at = created_at - interval '1 second'"
        " WHERE id = '{deposit}'",
        id="payer",
    ),
    Case(
        check="entry_after_cause",
        sql="UPDATE transfers SET debited_at = debited_at + interval '1 second'"
        " WHERE id = '{debited}'",
        id="payer",
    ),
    Case(
        check="entry_after_cause",
        sql="UPDATE transfers SET ended_at = ended_at + interval '1 second'"
        " WHERE id = '{refunded}'",
        id="second",
    ),
    Case(
        check="entry_after_cause",
        sql="UPDATE verdicts SET created_at = created_at + interval '1 second'"
        " WHERE transfer_id = '{completed}'",
        id="payee",
        shard=1,
    ),
    Case(
        check="transfer_reason",
        sql="UPDATE transfers SET reason = 'balance_limit' WHERE id = '{cancelled}'",
        id="cancelled",
    ),
    Case(
        check="transfer_reason",
        sql="UPDATE transfers SET reason = 'expired' WHERE id = '{rejected}'",
        id="rejected",
    ),
    Case(
        check="transfer_reason",
        sql="UPDATE transfers SET reason = 'insufficient_funds' WHERE id = '{refunded}'",
        id="refunded",
    ),
    Case(
        check="transfer_reason",
        sql="UPDATE transfers SET payee_id = NULL WHERE id = '{rejected}'",
        id="rejected",
    ),
    Case(
        check="transfer_times",
        sql="UPDATE transfers SET created_at = debited_at + interval '1 second'"
        " WHERE id = '{debited}'",
        id="debited",
    ),
    Case(
        check="transfer_times",
        sql="UPDATE transfers SET ended_at = debited_at - interval '1 microsecond'"
        " WHERE id = '{completed}'",
        id="completed",
    ),
    Case(
        check="transfer_times",
        sql="UPDATE transfers SET ended_at = created_at - interval '1 microsecond'"
        " WHERE id = '{cancelled}'",
        id="cancelled",
    ),
    Case(
        check="transfer_times",
        sql="UPDATE transfers SET reason = 'expired' WHERE id = '{cancelled}'",
        id="cancelled",
    ),
    Case(
        check="transfer_times",
        sql="UPDATE transfers SET ended_at = now() WHERE id = '{rejected}'",
        id="rejected",
    ),
    Case(
        check="verdict_reason",
        sql="UPDATE verdicts SET reason = 'expired' WHERE transfer_id = '{refunded}'",
        id="refunded",
        shard=1,
    ),
    Case(
        check="verdict_refunds",
        sql="UPDATE verdicts SET refunded_amount = 1 WHERE transfer_id = '{completed}'",
        id="completed",
        shard=1,
    ),
    Case(
        check="movement_reason",
        sql="UPDATE movements SET reason = 'unknown_payee' WHERE status = 'rejected'",
        id="rejected_withdrawal",
    ),
    Case(
        check="movement_reason",
        sql="UPDATE movements SET kind = 'deposit' WHERE status = 'rejected'",
        id="rejected_withdrawal",
    ),
    Case(
        check="event_of_row",
        sql="""UPDATE outbox SET data = jsonb_set(data, '{{amount_minor}}', '"101"')
        WHERE data ->> 'transfer_id' = '{completed}' AND type = 'transfer.debited'""",
        id="payer",
    ),
    Case(
        check="event_of_row",
        sql="UPDATE outbox SET type = 'transfer.completed'"
        " WHERE data ->> 'transfer_id' = '{cancelled}' AND type = 'transfer.cancelled'",
        id="payer",
    ),
    Case(
        check="event_of_row",
        sql="UPDATE outbox SET user_id = '{neighbour_id}'"
        " WHERE data ->> 'transfer_id' = '{completed}'",
        id="neighbour_id",
        shard=1,
    ),
    Case(
        check="event_of_row",
        sql="""UPDATE outbox SET data = jsonb_set(data, '{{balance_after_minor}}', '"0"')
        WHERE data ->> 'movement_id' = '{deposit}'""",
        id="payer",
    ),
    Case(
        check="event_of_row",
        sql="UPDATE transfers SET currency = 'USD' WHERE id = '{held}'",
        id="payer",
    ),
    Case(
        check="event_once",
        sql="DELETE FROM outbox"
        " WHERE data ->> 'transfer_id' = '{completed}' AND type = 'transfer.debited'",
        id="completed",
    ),
    Case(
        check="event_once",
        sql="DELETE FROM outbox WHERE data ->> 'transfer_id' = '{completed}'",
        id="completed",
        shard=1,
    ),
    Case(
        check="event_once",
        sql="UPDATE outbox SET data = (SELECT data FROM outbox"
        " WHERE data ->> 'transfer_id' = '{completed}' AND type = 'transfer.held')"
        " WHERE data ->> 'transfer_id' = '{held}'",
        id="completed",
    ),
    Case(
        check="email_bucket",
        sql="UPDATE users SET email = 'else@example.com' WHERE id = '{payer}'",
        id="payer",
    ),
    Case(
        check="email_bucket",
        sql="UPDATE users SET email = upper(email) WHERE id = '{payer}'",
        id="payer",
    ),
    Case(
        check="currency_shape",
        sql="UPDATE currencies SET decimals = 3 WHERE code = 'EUR'",
        id="currency",
        shard=1,
    ),
    Case(
        check="currency_here",
        sql="INSERT INTO currencies (code, name, decimals) VALUES ('EUR', 'Euro', 2)",
        id="currency",
    ),
    Case(
        check="currency_known",
        sql="DELETE FROM currencies WHERE code = 'EUR'",
        id="currency",
        shard=1,
    ),
    Case(
        check="refunded_has_refusal",
        sql="UPDATE transfers SET reason = 'unknown_payee' WHERE id = '{refunded}'",
        id="refunded",
    ),
    Case(
        check="event_of_row",
        sql="UPDATE outbox SET data = jsonb_set(data, '{{act_seq}}', '9')"
        " WHERE user_id = '{closed}' AND type = 'user.closed'",
        id="closed",
        shard=1,
    ),
    Case(
        check="event_of_row",
        sql="""UPDATE outbox SET data = jsonb_set(data, '{{role}}', '"user"')
        WHERE user_id = '{operator}' AND type = 'user.made_operator'""",
        id="operator",
        shard=1,
    ),
    Case(
        check="event_once",
        sql="DELETE FROM outbox WHERE user_id = '{operator}' AND type = 'user.frozen'",
        id="operator",
        shard=1,
    ),
    Case(
        check="event_once",
        sql="INSERT INTO outbox (bucket, user_id, sequence, type, data, traceparent, created_at)"
        " SELECT bucket, user_id, 99, type, data, '', created_at FROM outbox"
        " WHERE user_id = '{closed}' AND type = 'user.closed'",
        id="closed",
        shard=1,
    ),
    Case(
        check="user_status",
        sql="UPDATE users SET status = 'frozen' WHERE id = '{operator}'",
        id="operator",
        shard=1,
    ),
    Case(
        check="user_status",
        sql="UPDATE users SET status = 'open' WHERE id = '{closed}'",
        id="closed",
        shard=1,
    ),
    Case(
        check="user_status",
        sql="DELETE FROM operator_acts WHERE target_id = '{closed}'",
        id="closed",
        shard=1,
    ),
    Case(
        check="user_role",
        sql="UPDATE users SET role = 'operator' WHERE id = '{payer}'",
        id="payer",
    ),
    Case(
        check="user_role",
        sql="UPDATE users SET role = 'user' WHERE id = '{operator}'",
        id="operator",
        shard=1,
    ),
    Case(
        check="user_closed",
        sql="UPDATE users SET status = 'closed' WHERE id = '{payee}'",
        id="payee",
        shard=1,
    ),
    Case(
        check="user_closed",
        sql="WITH gone AS (DELETE FROM accounts WHERE user_id = '{payer}')"
        " UPDATE users SET status = 'closed' WHERE id = '{payer}'",
        id="payer",
    ),
    Case(
        check="user_closed",
        sql="WITH gone AS (UPDATE transfers SET status = 'cancelled', reason = 'expired',"
        " next_attempt_at = NULL WHERE payer_id = '{payer}')"
        " UPDATE users SET status = 'closed' WHERE id = '{payer}'",
        id="payer",
    ),
    Case(
        check="act_of_user",
        sql="DELETE FROM users WHERE id = '{operator}'",
        id="operator",
        shard=1,
    ),
    Case(
        check="act_of_user",
        sql="UPDATE operator_acts SET act = 'user.promote'"
        " WHERE target_id = '{operator}' AND act = 'user.freeze'",
        id="operator",
        shard=1,
    ),
    Case(
        check="act_of_user",
        sql="UPDATE operator_acts SET detail = 'closed to frozen'"
        " WHERE target_id = '{operator}' AND act = 'user.freeze'",
        id="operator",
        shard=1,
    ),
    Case(
        check="act_of_user",
        sql="INSERT INTO operator_acts SELECT (json_populate_record(a,"
        """ '{{"seq": 2, "act": "user.unfreeze", "detail": "closed to open"}}')).*"""
        " FROM operator_acts AS a WHERE target_id = '{closed}'",
        id="closed",
        shard=1,
    ),
    Case(
        check="act_of_user",
        sql="INSERT INTO operator_acts SELECT (json_populate_record(a,"
        """ '{{"seq": 9, "detail": "operator to operator"}}')).*"""
        " FROM operator_acts AS a WHERE target_id = '{operator}' AND seq = 1",
        id="operator",
        shard=1,
    ),
    Case(
        check="currency_acts",
        sql="UPDATE currencies SET enabled = false WHERE code = 'EUR'",
        id="currency",
        shard=1,
    ),
    Case(
        check="currency_acts",
        sql="UPDATE currencies SET name = 'Euros' WHERE code = 'EUR'",
        id="currency",
        shard=1,
    ),
    Case(
        check="currency_acts",
        sql="UPDATE currencies SET enabled = true WHERE code = '{new_currency}'",
        id="new_currency",
        shard=1,
    ),
    Case(
        check="currency_acts",
        sql="UPDATE currencies SET decimals = 7 WHERE code = '{new_currency}'",
        id="new_currency",
        shard=1,
    ),
    Case(
        check="currency_acts",
        sql="DELETE FROM currencies WHERE code = '{new_currency}'",
        id="new_currency",
        shard=1,
    ),
    Case(
        check="currency_acts",
        sql="DELETE FROM operator_acts WHERE act = 'currency.create'",
        id="new_currency",
        shard=1,
    ),
    Case(
        check="currency_acts",
        sql="DELETE FROM operator_acts WHERE act LIKE 'currency.%'",
        id="new_currency",
        shard=1,
    ),
    Case(
        check="conservation",
        sql="UPDATE accounts SET balance = balance + 1 WHERE user_id = '{payer}'",
        id="currency",
    ),
)
