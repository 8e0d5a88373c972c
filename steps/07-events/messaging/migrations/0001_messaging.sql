-- What a service needs to send messages that are not lost, and to take each of them once. Every service has these tables in its own
-- database, beside the rows that the messages tell of.

-- Messages that were committed and are not yet published. A row is gone once the feed has it.
CREATE TABLE outbox (
    id          TEXT PRIMARY KEY,           -- the message's own, by which the feed and every inbox know it again; no order
    subject     binary_text NOT NULL,
    seq         BIGINT NOT NULL,            -- of the subject, given under the lock of its row below: so these do commit in order
    message     TEXT NOT NULL,              -- the envelope, JSON
    recorded_at BIGINT NOT NULL,
    UNIQUE (subject, seq)
);

-- The subjects that have messages in the outbox. A relay leases subjects and not messages: so one is never published before another
-- of the same subject that was committed earlier.
CREATE TABLE outbox_subjects (
    subject     binary_text PRIMARY KEY,
    last        BIGINT NOT NULL,            -- the highest seq that was given
    since       BIGINT NOT NULL,            -- who waits longest comes first
    alone       BIGINT NOT NULL,            -- 1: the feed has refused one of them, which must not hold up others once more
    lease_owner TEXT,
    lease_until BIGINT                      -- also: not before
);
CREATE INDEX outbox_subjects_since ON outbox_subjects (since);

-- What each consumer has taken.
CREATE TABLE inbox (
    consumer    TEXT NOT NULL,
    message_id  TEXT NOT NULL,
    taken_at    BIGINT NOT NULL,
    PRIMARY KEY (consumer, message_id)
);
CREATE INDEX inbox_taken_at ON inbox (taken_at);

-- How far each consumer is in the feed. Its row is also the lock under which a consumer's messages take effect, one at a time.
CREATE TABLE positions (
    consumer    TEXT PRIMARY KEY,
    position    BIGINT NOT NULL
);

-- Messages that did not take effect, however often they were tried, and those of the same subject that wait behind them.
CREATE TABLE parked (
    id          TEXT PRIMARY KEY,           -- UUIDv7
    consumer    TEXT NOT NULL,
    message_id  TEXT NOT NULL,
    subject     binary_text NOT NULL,
    position    BIGINT NOT NULL,            -- in the feed: the order in which they take effect
    message     TEXT NOT NULL,
    state       TEXT NOT NULL,              -- parked: a person decides; retry: it may be tried; waiting: behind one that is parked;
                                            -- given_up: it will never take effect, and holds nobody up
    reason      TEXT,
    tries       BIGINT NOT NULL,
    parked_at   BIGINT NOT NULL,
    UNIQUE (consumer, message_id)
);
CREATE INDEX parked_of_subject ON parked (consumer, subject, position) WHERE state <> 'given_up';
