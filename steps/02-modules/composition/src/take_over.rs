//! Brings over what step 01 wrote, in its own database.
//!
//! Most tables are taken over as they are, by the first migration of the module that owns them. What is left is what had no
//! owner: tasks that joined three other contexts' tables, and one table of idempotency keys. This is the one place that
//! reads across owners, and it reads step 01's tables only. Nothing of those is changed; a row that is there already stays,
//! so that a second run changes nothing.

use anyhow::ensure;
use store::{Query, Store, Tx, query};

use crate::{Databases, Stores};

/// Each copies rows of step 01 that are not there yet. In this order: lines refer to tasks, actions to runs.
const BACKLOG: [&str; 4] = [
    "INSERT INTO backlog_tasks (id, item_key, repository, language, kind, category, author, tracked, closed, opened_at, \
                                item_updated_at, comments, reactions, status, assignee, due_day, reach, impact, \
                                confidence, effort, rice_set, version, created_at, updated_at) \
     SELECT t.id, t.item_key, r.name, r.language, i.kind, i.category, i.author, r.tracked, \
            CASE WHEN i.state = 'open' THEN 0 ELSE 1 END, t.opened_at, i.updated_at, i.comments, i.reactions, t.status, \
            m.login, t.due_day, t.reach, t.impact, t.confidence, t.effort, t.rice_set, t.version, t.created_at, t.updated_at \
     FROM tasks t JOIN items i ON i.id = t.item_id JOIN repositories r ON r.id = t.repository_id \
     LEFT JOIN members m ON m.id = t.assignee_id WHERE 1 = 1 ON CONFLICT DO NOTHING",
    "INSERT INTO backlog_changes (id, task_id, at, who, field, before, after, version) \
     SELECT id, task_id, at, who, field, before, after, version FROM task_changes WHERE 1 = 1 ON CONFLICT DO NOTHING",
    "INSERT INTO backlog_runs (id, event_key, rule_id, rule_name, item_key, author, version, created_at) \
     SELECT r.id, r.event_key, r.rule_id, r.rule_name, i.item_key, r.author, r.version, r.created_at \
     FROM rule_runs r JOIN items i ON i.id = r.item_id WHERE 1 = 1 ON CONFLICT DO NOTHING",
    "INSERT INTO backlog_actions (id, run_id, position, action, status, reason, attempts, lease_owner, lease_until, version, \
                                  created_at, updated_at) \
     SELECT id, run_id, position, action, status, reason, attempts, lease_owner, lease_until, version, created_at, updated_at \
     FROM rule_actions WHERE 1 = 1 ON CONFLICT DO NOTHING",
];

/// The same for the read models.
const INSIGHTS: [&str; 2] = [
    "INSERT INTO insight_items (item_key, repository, language, category, difficulty, labels, state, tracked, updated_at, \
                                closed_at, waiting_since) \
     SELECT i.item_key, r.name, r.language, i.category, i.difficulty, i.labels, i.state, r.tracked, i.updated_at, i.closed_at, \
            i.waiting_since \
     FROM items i JOIN repositories r ON r.id = i.repository_id WHERE 1 = 1 ON CONFLICT DO NOTHING",
    "INSERT INTO insight_lines (item_key, source, kind, actor, bot, at) \
     SELECT i.item_key, w.source, w.kind, w.actor, w.bot, w.at FROM timeline w JOIN items i ON i.id = w.item_id WHERE 1 = 1 \
     ON CONFLICT DO NOTHING",
];

/// Where the answers under idempotency keys go.
const KEYS: [(&str, &str); 4] = [
    ("team_keys", "route LIKE 'POST /api/team%'"),
    ("github_keys", "route LIKE 'POST /api/imports%'"),
    ("backlog_keys", "route LIKE 'POST /api/rules%'"),
    ("notify_keys", "route IN ('POST /api/notifications', 'POST /email', 'POST /sms', 'POST /api/digests')"),
];

/// Takes over the database of step 01, if this is one. Step 01 must not run any more.
///
/// # Errors
/// The database's; or the modules are to have databases of their own, where there is nothing to take over.
pub async fn run(databases: &Databases, stores: &Stores) -> anyhow::Result<()> {
    // Whoever has run step 01 has both.
    if !has(&stores.shared, "_monolith_migrations").await || !has(&stores.shared, "tasks").await {
        return Ok(());
    }
    ensure!(
        databases.are_shared(),
        "{} was written by step 01: take it over with DATABASE_URL alone",
        databases.database_url.place()
    );
    let mut tx = stores.shared.begin_write().await?;
    let mut rows = copy(&mut tx, &BACKLOG).await? + copy(&mut tx, &INSIGHTS).await?;
    for (table, _) in KEYS {
        rows += keys(&mut tx, table).await?;
    }
    tx.commit().await?;
    tracing::info!(rows, "took over what step 01 wrote");
    Ok(())
}

/// Takes over what the module with that `table` of keys has answered in step 01; the number of keys.
///
/// # Errors
/// The database's.
pub async fn keys(tx: &mut Tx, table: &str) -> Result<u64, store::Error> {
    let mut rows = 0;
    for (table, routes) in KEYS.iter().filter(|(known, _)| *known == table) {
        let copy = format!(
            "INSERT INTO {table} (id, route, idempotency_key, fingerprint, status, location, etag, body, created_at, version) \
             SELECT id, route, idempotency_key, fingerprint, status, location, etag, body, created_at, version \
             FROM idempotency_keys WHERE {routes} ON CONFLICT DO NOTHING"
        );
        rows += Query::assembled(copy).execute(&mut *tx).await?;
    }
    Ok(rows)
}

/// Makes the read models of what step 01 wrote; the number of rows.
///
/// # Errors
/// The database's.
pub async fn insights(tx: &mut Tx) -> Result<u64, store::Error> {
    copy(tx, &INSIGHTS).await
}

async fn copy(tx: &mut Tx, copies: &[&'static str]) -> Result<u64, store::Error> {
    let mut rows = 0;
    for copy in copies {
        rows += query(copy).execute(&mut *tx).await?;
    }
    Ok(rows)
}

/// Whether there is such a table.
async fn has(store: &Store, table: &'static str) -> bool {
    let sql = format!("SELECT count(*) FROM {table}");
    Query::assembled(sql).execute(store).await.is_ok()
}
