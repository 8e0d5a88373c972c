-- The day whose scores `tasks.precedence` has: one row. Whoever changes what a score is made of keeps it as it is until they have
-- committed, so that nobody writes the score of a day that is over.
CREATE TABLE task_day (
    day BIGINT NOT NULL                     -- days since 1970-01-01
);
INSERT INTO task_day (day) VALUES (0);

-- How many open tasks have which score: what a rank is counted from. A score has as many tasks as its lines say together; a task that
-- moves adds a line where it was (-1) and one where it is (1), and now and then the lines are added up.
CREATE TABLE task_counts (
    precedence DOUBLE PRECISION NOT NULL,
    tasks      BIGINT NOT NULL
);
CREATE INDEX task_counts_by_score ON task_counts (precedence, tasks);

-- The two other orders in which tasks are listed.
CREATE INDEX tasks_by_due ON tasks ((coalesce(due_day, 9223372036854775807)), opened_at, item_key) WHERE status <> 'done';
CREATE INDEX tasks_by_age ON tasks (opened_at, item_key) WHERE status <> 'done';

-- Who said what when, item by item: measures read all of it in this order, and nothing else of it.
CREATE INDEX timeline_by_time ON timeline (item_id, at, source, kind, actor, bot);
