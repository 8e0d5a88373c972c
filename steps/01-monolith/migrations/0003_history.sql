-- What became of each task: a line for each field that changed, written in the transaction of the change.
-- A new task has no lines: its first state is what its item made of it.
CREATE TABLE task_changes (
    id      TEXT PRIMARY KEY,
    task_id TEXT NOT NULL REFERENCES tasks (id),
    at      BIGINT NOT NULL,
    who     TEXT NOT NULL,                  -- api, page, github, catalogue, rule …
    field   TEXT NOT NULL,                  -- as the API names it: status, rice.reach, …
    before  TEXT,
    after   TEXT,
    version BIGINT NOT NULL                 -- of the task, which this change made
);
CREATE INDEX task_changes_by_task ON task_changes (task_id, version);
