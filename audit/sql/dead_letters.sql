-- name: letter_decided
-- says: A decided dead letter has exactly one act that decided it so, with who and why; an open one has none.
-- examines: dead_letters operator_acts
SELECT
    ARRAY[d.id::text] AS ids,
    format('%s, its act is number %s, the trail has %s acts on it, %s of them fit',
        d.status, d.act_seq, count(a.target_id),
        count(*) FILTER (WHERE a.fits)) AS detail
FROM dead_letters AS d
LEFT JOIN LATERAL (
    SELECT
        target_id,
        bucket = d.bucket
            AND seq IS NOT DISTINCT FROM d.act_seq
            AND btrim(done_by) <> ''
            AND btrim(reason) <> ''
            AND CASE act
                WHEN 'dead_letter.redrive' THEN d.status = 'redriven'
                WHEN 'dead_letter.discard' THEN d.status = 'discarded'
                ELSE false
            END AS fits
    FROM operator_acts
    WHERE target_id = d.id
) AS a ON true
GROUP BY d.id, d.status, d.act_seq
HAVING count(a.target_id) <> CASE WHEN d.status = 'open' THEN 0 ELSE 1 END
    OR count(*) FILTER (WHERE a.fits) <> CASE WHEN d.status = 'open' THEN 0 ELSE 1 END
    OR (d.status = 'open') <> (d.act_seq IS NULL)
    OR d.status NOT IN ('open', 'redriven', 'discarded')

-- name: act_of_letter
-- says: An act on a dead letter has its letter.
-- examines: operator_acts dead_letters
SELECT
    ARRAY[a.target_id::text, a.seq::text] AS ids,
    format('%s by %s of a letter that is not here', a.act, a.done_by) AS detail
FROM operator_acts AS a
WHERE a.act LIKE 'dead\_letter.%'
    AND NOT EXISTS (SELECT FROM dead_letters AS d WHERE d.id = a.target_id)

-- name: act_seq
-- says: The acts of a bucket are numbered 1, 2, 3 and so on, without a gap.
-- examines: operator_acts
SELECT
    ARRAY[bucket::text] AS ids,
    format('%s acts numbered %s to %s (%s numbers)',
        count(*), min(seq), max(seq), count(DISTINCT seq)) AS detail
FROM operator_acts
GROUP BY bucket
HAVING min(seq) <> 1 OR max(seq) <> count(*) OR count(DISTINCT seq) <> count(*)

-- name: act_hash
-- says: An act's hash is the SHA-256 of its canonical string, computed anew.
-- examines: operator_acts
SELECT
    ARRAY[target_id::text, seq::text] AS ids,
    format('hash %s, computed %s', encode(hash, 'hex'), encode(computed, 'hex')) AS detail
FROM (
    SELECT
        target_id, seq, hash,
        sha256(convert_to(
            concat_ws(chr(10),
                'holdfast.act.v1',
                bucket,
                seq,
                act,
                target_id,
                done_by,
                reason,
                detail,
                to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
                encode(prev_hash, 'hex')),
            'UTF8')) AS computed
    FROM operator_acts
) AS hashed
WHERE hash <> computed

-- name: act_chain
-- says: An act's prev_hash is the hash of the act before it in its bucket; the first one's is zeros.
-- examines: operator_acts
SELECT
    ARRAY[target_id::text, seq::text] AS ids,
    format('prev_hash %s, the hash before it is %s',
        encode(prev_hash, 'hex'), encode(before, 'hex')) AS detail
FROM (
    SELECT
        target_id, seq, prev_hash,
        lag(hash, 1, decode(repeat('00', 32), 'hex')) OVER (PARTITION BY bucket ORDER BY seq)
            AS before
    FROM operator_acts
) AS chained
WHERE prev_hash <> before
