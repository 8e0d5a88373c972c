-- Digests that the service for messages could not take when they were asked for. A row is gone once it has taken them.

CREATE TABLE handovers (
    id          TEXT PRIMARY KEY,           -- UUIDv7: the oldest goes first
    route       TEXT,                       -- with request_key and fingerprint: the idempotency key of the client's request
    request_key binary_text,
    fingerprint TEXT,
    messages    TEXT NOT NULL,              -- JSON, each with the id and key that it keeps
    status      TEXT NOT NULL,              -- waiting; refused: the service will never take it
    reason      TEXT,                       -- of the last attempt's failure
    attempts    BIGINT NOT NULL,
    lease_owner TEXT,
    lease_until BIGINT,                     -- also: not before
    version     BIGINT NOT NULL,
    created_at  BIGINT NOT NULL,
    updated_at  BIGINT NOT NULL,
    UNIQUE (route, request_key)
);
CREATE INDEX handovers_waiting ON handovers (id) WHERE status = 'waiting';
