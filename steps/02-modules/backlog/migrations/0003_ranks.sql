-- The day whose scores `backlog_tasks.precedence` has: one row. Whoever changes what a score is made of keeps it as it is until they
-- have committed, so that nobody writes the score of a day that is over.
CREATE TABLE backlog_day (
    day BIGINT NOT NULL                           -- days since 1970-01-01
);
INSERT INTO backlog_day (day) VALUES (0);

-- What ranks are counted from. At the last count: how many open tasks had which score, and how many stood before those. Since then: a
-- task that moves adds a line where it was (-1) and one where it is (1).
CREATE TABLE backlog_counts (
    precedence DOUBLE PRECISION PRIMARY KEY,
    before     BIGINT NOT NULL,
    tasks      BIGINT NOT NULL
);
CREATE TABLE backlog_moves (
    precedence DOUBLE PRECISION NOT NULL,
    tasks      BIGINT NOT NULL
);
CREATE INDEX backlog_moves_by_score ON backlog_moves (precedence, tasks);

-- The two other orders in which tasks are listed.
CREATE INDEX backlog_tasks_by_due ON backlog_tasks ((coalesce(due_day, 9223372036854775807)), opened_at, item_key) WHERE status <> 'done';
CREATE INDEX backlog_tasks_by_age ON backlog_tasks (opened_at, item_key) WHERE status <> 'done';
