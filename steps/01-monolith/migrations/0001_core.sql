-- Automator's one schema. Everything may join everything here; step 02 draws the lines.
--
-- One text for SQLite and PostgreSQL: BIGINT, TEXT, DOUBLE PRECISION; flags are 0 or 1; times are
-- epoch milliseconds; ids are UUIDs made by us. binary_text is TEXT that sorts byte by byte on both.
-- `version` counts the changes of a row.

-- Who maintains the repositories. A task's assignee, a maintainer's comment and a reviewer are all
-- found here by login, which is why it is spelt in lower case only.
CREATE TABLE members (
    id         TEXT PRIMARY KEY,
    login      binary_text NOT NULL UNIQUE,
    name       TEXT NOT NULL,
    email      TEXT NOT NULL,
    phone      TEXT,
    role       TEXT NOT NULL,
    active     BIGINT NOT NULL,
    version    BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);

-- The catalogue, as of the last start. What left the catalogue stays, untracked.
CREATE TABLE repositories (
    id       TEXT PRIMARY KEY,
    name     binary_text NOT NULL UNIQUE,
    language TEXT NOT NULL,
    reach    DOUBLE PRECISION NOT NULL,
    tracked  BIGINT NOT NULL,
    version  BIGINT NOT NULL
);

-- Issues and pull requests as GitHub has them. `updated_at` is GitHub's: an older state never
-- replaces a newer one. `waiting` is derived from the timeline and the team (see src/waiting.rs).
CREATE TABLE items (
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
CREATE INDEX items_by_age ON items (created_at, item_key);
CREATE INDEX items_by_repository ON items (repository_id, state, kind);

-- Who said or did what, when. `source` is GitHub's node id, or the kind and time of what has none in
-- a webhook (`closed@…`), so that import and webhook write the same row.
CREATE TABLE timeline (
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
CREATE INDEX timeline_by_actor ON timeline (actor);

-- What the team does about an item. A task is made when its item is first seen open, and is done
-- when it is closed. The factors follow the item until a person sets one (rice_set = 1).
CREATE TABLE tasks (
    id          TEXT PRIMARY KEY,           -- UUIDv5 of the item's key
    item_id     TEXT NOT NULL UNIQUE REFERENCES items (id),
    repository_id TEXT NOT NULL REFERENCES repositories (id), -- its item's: who ranks need not look at items
    item_key    binary_text NOT NULL,       -- with opened_at: order of tasks with the same score
    opened_at   BIGINT NOT NULL,
    status      TEXT NOT NULL,
    assignee_id TEXT REFERENCES members (id),
    due_day     BIGINT,                     -- days since 1970-01-01
    reach       DOUBLE PRECISION NOT NULL,
    impact      DOUBLE PRECISION NOT NULL,
    confidence  DOUBLE PRECISION NOT NULL,
    effort      DOUBLE PRECISION NOT NULL,
    rice_set    BIGINT NOT NULL,
    version     BIGINT NOT NULL,
    created_at  BIGINT NOT NULL,
    updated_at  BIGINT NOT NULL
);
CREATE INDEX tasks_by_status ON tasks (status);

-- Imports. `active` is 1 while one is under way and NULL afterwards: the unique index is what lets
-- eight requests at once start one import.
CREATE TABLE imports (
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
CREATE TABLE import_lists (
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
CREATE TABLE deliveries (
    id          TEXT PRIMARY KEY,
    delivery    TEXT NOT NULL UNIQUE,       -- X-GitHub-Delivery
    event       TEXT NOT NULL,
    received_at BIGINT NOT NULL,
    version     BIGINT NOT NULL
);
