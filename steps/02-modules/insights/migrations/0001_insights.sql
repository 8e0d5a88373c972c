-- Read models: what github and the team told, in the shape in which it is counted. All of it can be made again.

CREATE TABLE insight_items (
    item_key      binary_text PRIMARY KEY,
    repository    binary_text NOT NULL,
    language      TEXT NOT NULL,
    category      TEXT,
    difficulty    TEXT NOT NULL,
    labels        TEXT NOT NULL,            -- JSON array of names
    state         TEXT NOT NULL,
    tracked       BIGINT NOT NULL,
    updated_at    BIGINT NOT NULL,          -- github's: an older state never replaces a newer one
    closed_at     BIGINT,
    waiting_since BIGINT
);
CREATE INDEX insight_items_by_close ON insight_items (state, closed_at);

-- Who said or did what, when.
CREATE TABLE insight_lines (
    item_key binary_text NOT NULL REFERENCES insight_items (item_key),
    source   TEXT NOT NULL,
    kind     TEXT NOT NULL,
    actor    TEXT NOT NULL,
    bot      BIGINT NOT NULL,
    at       BIGINT NOT NULL,
    PRIMARY KEY (item_key, source)
);

-- Who is in the team, as far as we have heard: compared with the team at each start.
CREATE TABLE insight_maintainers (
    login  binary_text PRIMARY KEY,
    active BIGINT NOT NULL
);
