-- Claiming buckets and making sure of them is one call, so that it travels with BEGIN.

-- The locks are held to the end of the transaction; a move takes the same ones exclusively. In
-- order, so that two moves and a batch cannot wait for each other in a circle. What is owned is
-- looked up in a statement of its own: its snapshot must be younger than the locks.
CREATE FUNCTION claim_buckets(claimed integer[]) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    foreign_bucket integer;
BEGIN
    PERFORM pg_advisory_xact_lock_shared(1212107844, bucket)
    FROM (SELECT unnest(claimed) AS bucket ORDER BY bucket) AS each;

    SELECT each.bucket INTO foreign_bucket
    FROM unnest(claimed) AS each (bucket)
    LEFT JOIN buckets ON buckets.bucket = each.bucket AND buckets.state = 'owned'
    WHERE buckets.bucket IS NULL
    LIMIT 1;

    IF FOUND THEN
        RAISE EXCEPTION 'bucket % is not owned here', foreign_bucket USING ERRCODE = 'HFB01';
    END IF;
END
$$;
