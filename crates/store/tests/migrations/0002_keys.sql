CREATE TABLE keys (
    id              TEXT PRIMARY KEY,
    route           TEXT NOT NULL,
    idempotency_key binary_text NOT NULL,
    fingerprint     TEXT NOT NULL,
    status          BIGINT,
    location        TEXT,
    etag            TEXT,
    body            TEXT,
    created_at      BIGINT NOT NULL,
    version         BIGINT NOT NULL,
    UNIQUE (route, idempotency_key)
);
