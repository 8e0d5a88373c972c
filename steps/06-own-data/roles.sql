-- A role for each service, on the database that they share: the first stop, before any row moves. Each may touch its own tables and no
-- others, so whoever reads across finds out now, and not when the tables are elsewhere. Run it as the owner of the tables, after
-- `migrate`; then give each role a password, and each service its role in DATABASE_URL. `migrate` stays with the owner.
--
-- SQLite has no roles: whoever opens the file has all of it. There a file of its own is the fence.
--
-- While rows move, a service also looks at its fence: GRANT SELECT, UPDATE ON move_fence (FOR SHARE wants the right to write).

DO $$
DECLARE name TEXT;
BEGIN
  FOREACH name IN ARRAY ARRAY['automator_monolith', 'automator_backlog', 'automator_notify'] LOOP
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) THEN
      EXECUTE format('CREATE ROLE %I LOGIN', name);
    END IF;
  END LOOP;
END $$;

GRANT SELECT, INSERT, UPDATE, DELETE ON
  backlog_tasks, backlog_day, backlog_counts, backlog_moves, backlog_changes, rules, backlog_runs, backlog_actions, backlog_keys
  TO automator_backlog;

GRANT SELECT, INSERT, UPDATE, DELETE ON messages, notify_keys TO automator_notify;

GRANT SELECT, INSERT, UPDATE, DELETE ON
  repositories, items, timeline, imports, import_lists, deliveries, maintainers, github_keys,
  insight_items, insight_lines, insight_maintainers, members, team_keys, handovers
  TO automator_monolith;

-- Which migrations there are, each service asks before it serves.
GRANT SELECT ON _backlog_migrations TO automator_backlog;

GRANT SELECT ON _notify_migrations TO automator_notify;

GRANT SELECT ON _github_migrations, _insights_migrations, _team_migrations, _handover_migrations TO automator_monolith;
