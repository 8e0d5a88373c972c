-- What the import's own tests need of the tables that this crate works on; whoever owns tables of a system has them in its migrations.
CREATE TABLE repositories (
    id       TEXT PRIMARY KEY,
    name     binary_text NOT NULL UNIQUE,
    language TEXT NOT NULL,
    reach    DOUBLE PRECISION NOT NULL,
    tracked  BIGINT NOT NULL,
    version  BIGINT NOT NULL
);
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
    labels        TEXT NOT NULL,
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
CREATE TABLE timeline (
    id      TEXT PRIMARY KEY,
    item_id TEXT NOT NULL REFERENCES items (id),
    source  TEXT NOT NULL,
    kind    TEXT NOT NULL,
    actor   TEXT NOT NULL,
    bot     BIGINT NOT NULL,
    at      BIGINT NOT NULL,
    version BIGINT NOT NULL,
    UNIQUE (item_id, source)
);
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
CREATE TABLE maintainers (
    login  binary_text PRIMARY KEY,
    active BIGINT NOT NULL
);
