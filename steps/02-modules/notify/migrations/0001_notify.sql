-- The tables of messages. Where step 01 has run, `messages` is there already and is taken over as it is, with what is queued.

CREATE TABLE IF NOT EXISTS messages (
    id          TEXT PRIMARY KEY,           -- UUIDv7: the oldest is sent first
    message_key binary_text NOT NULL UNIQUE,
    channel     TEXT NOT NULL,              -- email, sms
    sender      TEXT,                       -- in place of the configured one
    recipient   TEXT NOT NULL,              -- address, or number in E.164
    subject     TEXT,
    body        TEXT NOT NULL,
    status      TEXT NOT NULL,              -- queued, sent, failed
    reason      TEXT,                       -- of the failure, or of the last attempt's
    attempts    BIGINT NOT NULL,
    lease_owner TEXT,
    lease_until BIGINT,                     -- also: not before
    version     BIGINT NOT NULL,
    created_at  BIGINT NOT NULL,
    updated_at  BIGINT NOT NULL
);
CREATE INDEX IF NOT EXISTS messages_queued ON messages (channel, id) WHERE status = 'queued';

-- Keys with which clients make a POST safe to repeat, each with its answer: written in the transaction of the effect (see
-- crates/store/src/idempotency.rs).
CREATE TABLE notify_keys (
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
