-- The team's tables. Where step 01 has run, `members` is there already and is taken over as it is.

CREATE TABLE IF NOT EXISTS members (
    id         TEXT PRIMARY KEY,
    login      binary_text NOT NULL UNIQUE,
    name       TEXT NOT NULL,
    email      TEXT NOT NULL,
    phone      TEXT,
    role       TEXT NOT NULL,
    active     BIGINT NOT NULL,
    version    BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    on_call    BIGINT NOT NULL DEFAULT 0
);

-- Keys with which clients make a POST safe to repeat, each with its answer: written in the transaction of the effect (see
-- crates/store/src/idempotency.rs).
CREATE TABLE team_keys (
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
