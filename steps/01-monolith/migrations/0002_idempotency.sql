-- Keys with which clients make a POST safe to repeat, each with its answer: written in the transaction of the effect,
-- so whoever finds the key finds the effect too (see crates/store/src/idempotency.rs).
CREATE TABLE idempotency_keys (
    id              TEXT PRIMARY KEY,
    route           TEXT NOT NULL,          -- method and path: the same key on another route is another key
    idempotency_key binary_text NOT NULL,   -- as it was sent
    fingerprint     TEXT NOT NULL,          -- SHA-256 of the body, in hex
    status          BIGINT,                 -- NULL only inside of that transaction, as is body
    location        TEXT,
    etag            TEXT,
    body            TEXT,                   -- byte for byte
    created_at      BIGINT NOT NULL,
    version         BIGINT NOT NULL,
    UNIQUE (route, idempotency_key)
);
