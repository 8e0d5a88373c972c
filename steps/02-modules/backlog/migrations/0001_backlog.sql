-- What the team has to do, and the rules.

-- A task has its own copy of what it sorts and filters by, and of what rules ask for; everything else about its item is
-- github's to say. The factors follow the item until a person sets one (rice_set = 1).
CREATE TABLE backlog_tasks (
    id              TEXT PRIMARY KEY,             -- UUIDv5 of the item's key
    item_key        binary_text NOT NULL UNIQUE,  -- with opened_at: order of tasks with the same score
    repository      binary_text NOT NULL,
    language        TEXT NOT NULL,
    kind            TEXT NOT NULL,
    category        TEXT,
    author          TEXT NOT NULL,
    tracked         BIGINT NOT NULL,              -- whether the repository is in the catalogue
    closed          BIGINT NOT NULL,              -- whether the item is
    opened_at       BIGINT NOT NULL,
    item_updated_at BIGINT NOT NULL,              -- of the item: an older state never replaces a newer one
    comments        BIGINT NOT NULL,
    reactions       BIGINT NOT NULL,
    status          TEXT NOT NULL,
    assignee        binary_text,
    due_day         BIGINT,                       -- days since 1970-01-01
    reach           DOUBLE PRECISION NOT NULL,
    impact          DOUBLE PRECISION NOT NULL,
    confidence      DOUBLE PRECISION NOT NULL,
    effort          DOUBLE PRECISION NOT NULL,
    rice_set        BIGINT NOT NULL,
    version         BIGINT NOT NULL,
    created_at      BIGINT NOT NULL,
    updated_at      BIGINT NOT NULL
);
CREATE INDEX backlog_tasks_by_status ON backlog_tasks (status);
CREATE INDEX backlog_tasks_by_assignee ON backlog_tasks (assignee);

-- What became of each task: a line for each field that changed, written in the transaction of the change.
CREATE TABLE backlog_changes (
    id      TEXT PRIMARY KEY,
    task_id TEXT NOT NULL REFERENCES backlog_tasks (id),
    at      BIGINT NOT NULL,
    who     TEXT NOT NULL,
    field   TEXT NOT NULL,
    before  TEXT,
    after   TEXT,
    version BIGINT NOT NULL
);
CREATE INDEX backlog_changes_by_task ON backlog_changes (task_id, version);

-- Where step 01 has run, its rules are there already, less those that somebody took away; elsewhere `migrate` adds the ones
-- that Automator ships with.
CREATE TABLE IF NOT EXISTS rules (
    id         TEXT PRIMARY KEY,
    name       binary_text NOT NULL UNIQUE,
    event      TEXT NOT NULL,
    conditions TEXT NOT NULL,
    actions    TEXT NOT NULL,
    version    BIGINT NOT NULL,
    created_at BIGINT NOT NULL
);

-- That a rule has heard of an event: see step 01.
CREATE TABLE backlog_runs (
    id         TEXT PRIMARY KEY,
    event_key  binary_text NOT NULL,
    rule_id    TEXT NOT NULL,
    rule_name  TEXT NOT NULL,
    item_key   binary_text NOT NULL,
    author     TEXT NOT NULL,
    version    BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    UNIQUE (event_key, rule_id)
);

-- What a run has to do.
CREATE TABLE backlog_actions (
    id          TEXT PRIMARY KEY,
    run_id      TEXT NOT NULL REFERENCES backlog_runs (id),
    position    BIGINT NOT NULL,
    action      TEXT NOT NULL,
    status      TEXT NOT NULL,
    reason      TEXT,
    attempts    BIGINT NOT NULL,
    lease_owner TEXT,
    lease_until BIGINT,
    version     BIGINT NOT NULL,
    created_at  BIGINT NOT NULL,
    updated_at  BIGINT NOT NULL,
    UNIQUE (run_id, position)
);
CREATE INDEX backlog_actions_pending ON backlog_actions (id) WHERE status = 'pending';

-- Keys with which clients make a POST safe to repeat, each with its answer: written in the transaction of the effect (see
-- crates/store/src/idempotency.rs).
CREATE TABLE backlog_keys (
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
