-- What GitHub says. Where step 01 has run, the tables are there already and are taken over as they are: they never knew of
-- anybody else's. New is `maintainers`, a copy of what github has to know of the team.

-- The catalogue, as of the last start. What left the catalogue stays, untracked.
CREATE TABLE IF NOT EXISTS repositories (
    id       TEXT PRIMARY KEY,
    name     binary_text NOT NULL UNIQUE,
    language TEXT NOT NULL,
    reach    DOUBLE PRECISION NOT NULL,
    tracked  BIGINT NOT NULL,
    version  BIGINT NOT NULL
);

-- Issues and pull requests as GitHub has them. `updated_at` is GitHub's: an older state never
-- replaces a newer one. `waiting` is derived from the timeline and the team.
CREATE TABLE IF NOT EXISTS items (
    id            TEXT PRIMARY KEY,
    repository_id TEXT NOT NULL REFERENCES repositories (id),
    item_key      binary_text NOT NULL UNIQUE,
    node_id       TEXT NOT NULL,
    number        BIGINT NOT NULL,
    kind          TEXT NOT NULL,
    title         TEXT NOT NULL,
    url           TEXT NOT NULL,
    author        TEXT NOT NULL,
    state         TEXT NOT NULL,
    labels        TEXT NOT NULL,            -- JSON array of names
    category      TEXT,
    difficulty    TEXT NOT NULL,
    comments      BIGINT NOT NULL,
    reactions     BIGINT NOT NULL,
    created_at    BIGINT NOT NULL,
    updated_at    BIGINT NOT NULL,
    closed_at     BIGINT,
    waiting       TEXT,
    waiting_since BIGINT,
    version       BIGINT NOT NULL
);

CREATE INDEX IF NOT EXISTS items_by_age ON items (created_at, item_key);
CREATE INDEX IF NOT EXISTS items_by_repository ON items (repository_id, state, kind);

-- Who said or did what, when. `source` is GitHub's node id, or the kind and time of what has none in
-- a webhook (`closed@…`), so that import and webhook write the same row.
CREATE TABLE IF NOT EXISTS timeline (
    id      TEXT PRIMARY KEY,
    item_id TEXT NOT NULL REFERENCES items (id),
    source  TEXT NOT NULL,
    kind    TEXT NOT NULL,                  -- opened, comment, review, closed, reopened, merged, deleted
    actor   TEXT NOT NULL,                  -- login in lower case; ghost where the account is gone
    bot     BIGINT NOT NULL,
    at      BIGINT NOT NULL,
    version BIGINT NOT NULL,
    UNIQUE (item_id, source)
);

CREATE INDEX IF NOT EXISTS timeline_by_actor ON timeline (actor);

-- Imports. `active` is 1 while one is under way and NULL afterwards: the unique index is what lets
-- eight requests at once start one import.
CREATE TABLE IF NOT EXISTS imports (
    id          TEXT PRIMARY KEY,
    status      TEXT NOT NULL,
    active      BIGINT UNIQUE,
    error       TEXT,
    lease_owner TEXT,
    lease_until BIGINT,
    version     BIGINT NOT NULL,
    created_at  BIGINT NOT NULL,
    finished_at BIGINT
);

-- One list to read for each repository and kind. The cursor is written in the transaction that
-- writes its page, so whoever is killed goes on from the last whole page.
CREATE TABLE IF NOT EXISTS import_lists (
    id            TEXT PRIMARY KEY,
    import_id     TEXT NOT NULL REFERENCES imports (id),
    repository_id TEXT NOT NULL REFERENCES repositories (id),
    kind          TEXT NOT NULL,
    after_cursor  TEXT,
    items_seen    BIGINT NOT NULL,
    done          BIGINT NOT NULL,
    version       BIGINT NOT NULL,
    UNIQUE (import_id, repository_id, kind)
);

-- Deliveries of webhooks, written in the transaction of their effect: the second one finds the first.
CREATE TABLE IF NOT EXISTS deliveries (
    id          TEXT PRIMARY KEY,
    delivery    TEXT NOT NULL UNIQUE,       -- X-GitHub-Delivery
    event       TEXT NOT NULL,
    received_at BIGINT NOT NULL,
    version     BIGINT NOT NULL
);

-- Who is in the team, as far as we have heard: compared with the team at each start.
CREATE TABLE maintainers (
    login  binary_text PRIMARY KEY,
    active BIGINT NOT NULL
);

-- Keys with which clients make a POST safe to repeat, each with its answer: written in the transaction of the effect (see
-- crates/store/src/idempotency.rs).
CREATE TABLE github_keys (
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
