-- What this service was asked to do elsewhere, by a message, and has not done yet: a row for each, written in the transaction that has the
-- message in the inbox.
CREATE TABLE errands (
    id          TEXT PRIMARY KEY,       -- of the message
    kind        TEXT NOT NULL,          -- of the message: services that share a database do their own errands only
    message     TEXT NOT NULL,          -- with its envelope, JSON
    status      TEXT NOT NULL,          -- waiting, failed
    reason      TEXT,
    attempts    BIGINT NOT NULL,
    lease_owner TEXT,
    lease_until BIGINT,
    version     BIGINT NOT NULL,
    created_at  BIGINT NOT NULL,
    updated_at  BIGINT NOT NULL
);
CREATE INDEX errands_waiting ON errands (id) WHERE status = 'waiting';
