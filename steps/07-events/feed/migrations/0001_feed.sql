-- The messages of all services in one order. Nothing is ever removed: whoever is new reads from the beginning.

CREATE TABLE messages (
    position    BIGINT PRIMARY KEY,         -- from 1, in the order in which they were committed: see head
    id          TEXT NOT NULL UNIQUE,       -- the message's own: a second one of the same id is the same message
    context     TEXT NOT NULL,              -- github, of github.item_opened
    kind        TEXT NOT NULL,
    message     TEXT NOT NULL,              -- the envelope as it came, JSON, with whatever a newer sender has put into it
    appended_at BIGINT NOT NULL
);
CREATE INDEX messages_of_context ON messages (context, position);
CREATE INDEX messages_of_kind ON messages (kind, position);

-- The highest position that was given. Whoever appends holds this one row until the commit.
CREATE TABLE head (
    id          BIGINT PRIMARY KEY,
    position    BIGINT NOT NULL
);
INSERT INTO head (id, position) VALUES (1, 0);
