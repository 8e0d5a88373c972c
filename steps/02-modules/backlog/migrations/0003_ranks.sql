-- The day whose scores `backlog_tasks.precedence` has: one row. Whoever changes what a score is made of keeps it as it is until they
-- have committed, so that nobody writes the score of a day that is over.
CREATE TABLE backlog_day (
    day BIGINT NOT NULL                           -- days since 1970-01-01
);
INSERT INTO backlog_day (day) VALUES (0);

-- How many open tasks have which score: what a rank is counted from. A score has as many tasks as its lines say together; a task that
-- moves adds a line where it was (-1) and one where it is (1), and now and then the lines are added up.
CREATE TABLE backlog_counts (
    precedence DOUBLE PRECISION NOT NULL,
    tasks      BIGINT NOT NULL
);
CREATE INDEX backlog_counts_by_score ON backlog_counts (precedence, tasks);

-- The two other orders in which tasks are listed.
CREATE INDEX backlog_tasks_by_due ON backlog_tasks ((coalesce(due_day, 9223372036854775807)), opened_at, item_key) WHERE status <> 'done';
CREATE INDEX backlog_tasks_by_age ON backlog_tasks (opened_at, item_key) WHERE status <> 'done';
