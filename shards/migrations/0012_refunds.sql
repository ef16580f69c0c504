-- Refunds that a person asks for: each is a transfer back, and names the transfer that it refunds. How
-- much of a transfer is being refunded is on its verdict (`refunded_amount`), on the shard that tries
-- the refund; how much has come back is told by the verdicts on its refunds, on the first payer's.
ALTER TABLE transfers
    ADD COLUMN refund_of uuid,
    -- Not looked for in the rows there are: the columns are new.
    ADD CONSTRAINT transfers_one_origin CHECK (hold_id IS NULL OR refund_of IS NULL) NOT VALID;
ALTER TABLE verdicts ADD COLUMN refund_of uuid;
CREATE INDEX verdicts_of_refunds ON verdicts (refund_of) WHERE refund_of IS NOT NULL;
