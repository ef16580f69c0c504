-- The least that such an application can have, and each choice is the faster one, so that the floor
-- is the harder to reach: bigint ids and amounts, no times, no hashes, room on the pages for updates.
CREATE TABLE accounts (
    id       bigint NOT NULL PRIMARY KEY,
    balance  bigint NOT NULL
) WITH (fillfactor = 50);

CREATE TABLE entries (
    transfer_id  bigint   NOT NULL,
    leg          smallint NOT NULL,
    account_id   bigint   NOT NULL,
    amount       bigint   NOT NULL,
    CONSTRAINT entries_leg_key UNIQUE (transfer_id, leg)
);
