-- Rules, and what they decided to do. Both conditions and actions are JSON, in the words of the API: nobody asks for one
-- of them alone. `id` orders the rules by age.
CREATE TABLE rules (
    id         TEXT PRIMARY KEY,
    name       binary_text NOT NULL UNIQUE,
    event      TEXT NOT NULL,               -- item_opened, comment_added, label_added, task_status_changed
    conditions TEXT NOT NULL,
    actions    TEXT NOT NULL,
    version    BIGINT NOT NULL,
    created_at BIGINT NOT NULL
);

-- That a rule has heard of an event, written in the transaction in which we did. The unique index is what makes a rule run
-- once, however often its event arrives. These rows never change: on PostgreSQL, an INSERT that meets a row which somebody is
-- changing can end in a deadlock, so what changes stands in a table of its own.
CREATE TABLE rule_runs (
    id         TEXT PRIMARY KEY,
    event_key  binary_text NOT NULL,        -- the same whenever the same thing is told
    rule_id    TEXT NOT NULL,
    rule_name  TEXT NOT NULL,               -- a run outlives its rule
    item_id    TEXT NOT NULL REFERENCES items (id),
    author     TEXT NOT NULL,               -- whoever set the rule off
    version    BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    UNIQUE (event_key, rule_id)
);

-- What a run has to do.
CREATE TABLE rule_actions (
    id          TEXT PRIMARY KEY,
    run_id      TEXT NOT NULL REFERENCES rule_runs (id),
    position    BIGINT NOT NULL,            -- within the rule, from 0
    action      TEXT NOT NULL,              -- JSON
    status      TEXT NOT NULL,              -- pending, done, failed
    reason      TEXT,
    attempts    BIGINT NOT NULL,
    lease_owner TEXT,
    lease_until BIGINT,                     -- also: not before
    version     BIGINT NOT NULL,
    created_at  BIGINT NOT NULL,
    updated_at  BIGINT NOT NULL,
    UNIQUE (run_id, position)
);
CREATE INDEX rule_actions_pending ON rule_actions (id) WHERE status = 'pending';

-- Who is called when something cannot wait.
ALTER TABLE members ADD COLUMN on_call BIGINT NOT NULL DEFAULT 0;

-- The rules that Automator ships with.
INSERT INTO rules (id, name, event, conditions, actions, version, created_at) VALUES
    ('01890000-0000-7000-8000-000000000001', 'Thank for a pull request', 'item_opened',
     '{"kind":"pull_request","author":"community"}',
     '[{"set_status":"needs_review"},{"comment":"Thank you for the pull request, @{author}! A maintainer will review it."}]',
     1, 1561939200000),
    ('01890000-0000-7000-8000-000000000002', 'Take up what was answered', 'comment_added',
     '{"status":"waiting_for_feedback","author":"community"}',
     '[{"set_status":"feedback_received"}]',
     1, 1561939200000),
    ('01890000-0000-7000-8000-000000000003', 'Call somebody about security', 'label_added',
     '{"label":"security"}',
     '[{"notify":{"channel":"sms","to":"on_call","text":"Security: {title} {url}"}}]',
     1, 1561939200000);
