//! What moves of each service.

use step_06_moving::{Plan, Table};

/// Tasks and rules. Ranks are counted anew where the tasks are.
pub const BACKLOG: Plan = Plan {
    module: "backlog",
    tables: &[
        Table::alone("backlog_tasks"),
        Table::of("backlog_changes", "task_id", "backlog_tasks"),
        Table::alone("rules"),
        Table::alone("backlog_runs"),
        Table::of("backlog_actions", "run_id", "backlog_runs"),
        Table::alone("backlog_keys"),
    ],
    derive: Some(|from, tx| Box::pin(step_02_backlog::derive(from, tx))),
    dropped_too: &["backlog_day", "backlog_counts", "backlog_moves", "_backlog_migrations"],
};

/// Messages to people.
pub const NOTIFY: Plan = Plan {
    module: "notify",
    tables: &[Table::alone("messages"), Table::alone("notify_keys")],
    derive: None,
    dropped_too: &["_notify_migrations"],
};
