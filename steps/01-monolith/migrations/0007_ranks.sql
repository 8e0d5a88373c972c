-- The day whose scores `tasks.precedence` has: one row. Whoever changes what a score is made of keeps it as it is until they have
-- committed, so that nobody writes the score of a day that is over.
CREATE TABLE task_day (
    day BIGINT NOT NULL                     -- days since 1970-01-01
);
INSERT INTO task_day (day) VALUES (0);

-- What ranks are counted from. At the last count: how many open tasks had which score, and how many stood before those. Since then: a
-- task that moves adds a line where it was (-1) and one where it is (1).
CREATE TABLE task_counts (
    precedence DOUBLE PRECISION PRIMARY KEY,
    before     BIGINT NOT NULL,
    tasks      BIGINT NOT NULL
);
CREATE TABLE task_moves (
    precedence DOUBLE PRECISION NOT NULL,
    tasks      BIGINT NOT NULL
);
CREATE INDEX task_moves_by_score ON task_moves (precedence, tasks);

-- The two other orders in which tasks are listed.
CREATE INDEX tasks_by_due ON tasks ((coalesce(due_day, 9223372036854775807)), opened_at, item_key) WHERE status <> 'done';
CREATE INDEX tasks_by_age ON tasks (opened_at, item_key) WHERE status <> 'done';

-- Who said what when, item by item: measures read all of it in this order, and nothing else of it.
CREATE INDEX timeline_by_time ON timeline (item_id, at, source, kind, actor, bot);
