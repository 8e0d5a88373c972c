-- The score of a task with the sign turned, as of the day on which somebody last read: ascending is the order of the backlog. Whoever
-- changes what a score is made of writes it too; what a night has changed is written by the first who reads.
ALTER TABLE tasks ADD COLUMN precedence DOUBLE PRECISION NOT NULL DEFAULT 0;

-- A page of the backlog, and how many tasks stand before one, without a look at the tasks themselves.
CREATE INDEX tasks_by_rank ON tasks (precedence, opened_at, item_key, repository_id, id) WHERE status <> 'done';

-- Newest first.
CREATE INDEX items_newest ON items (created_at DESC, item_key);
