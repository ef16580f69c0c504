-- Holds: money that is reserved now and moved later, whole or in parts. A hold is never a transfer:
-- each capture is one, and names its hold. Only adds, and so takes no time on large tables.

CREATE TABLE holds (
    id               uuid           NOT NULL,
    bucket           integer        NOT NULL,
    payer_id         uuid           NOT NULL,
    payee_id         uuid,
    currency         text           NOT NULL,
    amount           numeric(38, 0) NOT NULL,
    -- The sum of its captures. While it is open, the rest of the amount is held.
    captured         numeric(38, 0) NOT NULL,
    status           text           NOT NULL,
    reason           text,
    caller           text           NOT NULL,
    idempotency_key  text           NOT NULL,
    fingerprint      bytea          NOT NULL,
    metadata         jsonb,
    traceparent      text           NOT NULL,
    created_at       timestamptz    NOT NULL,
    expires_at       timestamptz    NOT NULL,
    ended_at         timestamptz,
    CONSTRAINT holds_pkey PRIMARY KEY (id),
    CONSTRAINT holds_key UNIQUE (payer_id, caller, idempotency_key),
    CONSTRAINT holds_amount_range CHECK (0 < amount AND amount < 1e27),
    CONSTRAINT holds_captured_within_amount CHECK (0 <= captured AND captured <= amount),
    CONSTRAINT holds_status CHECK (
        status IN ('open', 'captured', 'voided', 'expired', 'rejected')),
    -- One of which all is captured has nothing left to be open for.
    CONSTRAINT holds_captured_fits_status CHECK (
        CASE status
            WHEN 'open' THEN captured < amount
            WHEN 'captured' THEN captured > 0
            WHEN 'rejected' THEN captured = 0
            ELSE captured < amount
        END),
    CONSTRAINT holds_payee_known CHECK (payee_id IS NOT NULL OR status = 'rejected'),
    CONSTRAINT holds_not_to_self CHECK (payee_id <> payer_id),
    CONSTRAINT holds_ended_when_over CHECK ((status = 'open') = (ended_at IS NULL)),
    CONSTRAINT holds_reason_when_rejected CHECK ((status = 'rejected') = (reason IS NOT NULL))
) WITH (fillfactor = 80);
-- Each of these two has a condition that only its own readers state: while nothing is open both are
-- empty, and to the planner all empty indexes are alike.
CREATE INDEX holds_due ON holds (bucket, expires_at) WHERE status = 'open';
CREATE INDEX holds_open_by_payer ON holds (payer_id) WHERE ended_at IS NULL;

-- The hold that a transfer is a capture of.
ALTER TABLE transfers ADD COLUMN hold_id uuid;
