-- Messages to people. A row is queued in the transaction of whatever wants it sent, and handed to a provider later, by a
-- worker that holds a lease on it. `message_key` is what makes a message the same one: one key, one row.
CREATE TABLE messages (
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
-- A worker asks for the oldest of a channel every half second, and most messages were sent long ago.
CREATE INDEX messages_queued ON messages (channel, id) WHERE status = 'queued';
