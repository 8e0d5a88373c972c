//! Rules: what follows from what happened.
//!
//! Whoever hears of an event asks [`decide`], in the transaction in which the event takes effect here: for each rule that
//! it meets, a run with its actions becomes rows. The run's unique key is made from what happened, not from how we heard of
//! it, so that a second delivery, of the same message or of another one about the same thing, decides nothing again. A
//! worker ([`actions`]) does what the rows say.
//!
//! Rules run for what GitHub tells and for what people change. They do not run for an import, which tells of things long
//! past, and not for what a rule did: rules never set each other off.

use domain::{Actor, Conditions, Occurrence, Side, Status, Trigger};
use sqlx::FromRow;
use store::{Sql, Tx, query};
use uuid::Uuid;

/// What an event is held against.
#[derive(Debug, FromRow)]
pub struct Facts {
    /// Of the item.
    pub kind: String,
    /// Of the item.
    pub category: Option<String>,
    /// Of its repository.
    pub language: String,
    /// Of the item.
    pub author: String,
    /// Of its task, if it has one.
    pub status: Option<String>,
}

/// Where runs and their actions are written.
#[derive(Debug, Clone, Copy)]
pub struct Tables {
    /// The table of runs.
    pub runs: &'static str,
    /// Its column that says which item a run is about.
    pub subject: &'static str,
    /// The table of actions.
    pub actions: &'static str,
}

/// The rules that Automator ships with, as an INSERT that may go on. A database that step 01 made has had them since its fifth
/// migration.
#[must_use]
pub fn shipped() -> &'static str {
    include_str!("shipped.sql").trim_end()
}

/// A rule as it is stored: id, name, conditions, actions.
pub type Stored = (String, String, String, String);

/// The rules that such an event may set off.
///
/// # Errors
/// The database's.
pub async fn asking_for(tx: &mut Tx, trigger: Trigger) -> Result<Vec<Stored>, store::Error> {
    query("SELECT id, name, conditions, actions FROM rules WHERE event = $1 ORDER BY id")
        .bind(trigger.as_str())
        .fetch_all(&mut *tx)
        .await
}

/// Writes down what these `rules` make of `event`, which `author` set off, who stands on that `side`.
///
/// # Errors
/// The database's.
pub async fn run(
    tx: &mut Tx,
    tables: Tables,
    rules: Vec<Stored>,
    subject: &str,
    event: &Occurrence,
    facts: &Facts,
    (author, side): (&Actor, Option<Side>),
) -> Result<(), store::Error> {
    for (rule_id, rule_name, conditions, actions) in rules {
        let read = serde_json::from_str::<Conditions>(&conditions).and_then(|conditions| {
            Ok((conditions, serde_json::from_str::<Vec<serde_json::Value>>(&actions)?))
        });
        let (conditions, actions) = match read {
            Ok(rule) => rule,
            Err(error) => {
                tracing::error!(rule = rule_id, %error, "cannot read a rule; it is left out");
                continue;
            }
        };
        if !holds(&conditions, facts, side, event.label.as_deref()) {
            continue;
        }
        let run_id = Uuid::now_v7().to_string();
        let mut sql = Sql::new("INSERT INTO ");
        sql.push(tables.runs).push(" (").push(tables.subject);
        sql.push_bind(", id, event_key, rule_id, rule_name, author, version, created_at) VALUES (", subject);
        sql.push_bind(", ", run_id.as_str()).push_bind(", ", event.key.as_str());
        sql.push_bind(", ", rule_id.as_str()).push_bind(", ", rule_name.as_str());
        sql.push_bind(", ", author.login.as_str()).push_bind(", 1, ", store::now());
        sql.push(") ON CONFLICT (event_key, rule_id) DO NOTHING");
        if sql.execute(&mut *tx).await? == 1 {
            schedule(tx, tables.actions, &run_id, &actions).await?;
        }
    }
    Ok(())
}

/// Writes down what a run has to do.
async fn schedule(
    tx: &mut Tx,
    table: &'static str,
    run_id: &str,
    actions: &[serde_json::Value],
) -> Result<(), store::Error> {
    for (position, action) in (0_i64..).zip(actions) {
        let mut sql = Sql::new("INSERT INTO ");
        sql.push(table).push(
            " (id, run_id, position, action, status, attempts, version, created_at, updated_at) VALUES (",
        );
        sql.bind(Uuid::now_v7().to_string()).push_bind(", ", run_id).push_bind(", ", position);
        let now = store::now();
        sql.push_bind(", ", action.to_string()).push_bind(", 'pending', 0, 1, ", now).push_bind(", ", now);
        sql.push(")");
        sql.execute(&mut *tx).await?;
    }
    Ok(())
}

/// The status of a task became its `version`.
#[must_use]
pub fn status_changed(task_id: &str, version: i64) -> Occurrence {
    let key = format!("{} {task_id} {version}", Trigger::TaskStatusChanged);
    Occurrence { trigger: Trigger::TaskStatusChanged, key, author: None, label: None }
}

/// Whether all that `conditions` ask for is so. `side` is where who did it stands.
#[must_use]
pub fn holds(conditions: &Conditions, facts: &Facts, side: Option<Side>, label: Option<&str>) -> bool {
    let Conditions { kind, category, language, status, author, label: wanted } = conditions;
    kind.is_none_or(|kind| facts.kind == kind.as_str())
        && category.is_none_or(|category| facts.category.as_deref() == Some(category.as_str()))
        && language.as_ref().is_none_or(|language| facts.language == language.as_str())
        && status.is_none_or(|status: Status| facts.status.as_deref() == Some(status.as_str()))
        && author.is_none_or(|author| side == Some(author))
        && wanted.as_deref().is_none_or(|wanted| label.is_some_and(|label| is_label(label, wanted)))
}

/// Whether `label` is the one that is `wanted`, with or without its prefix, in any case.
fn is_label(label: &str, wanted: &str) -> bool {
    let (label, wanted) = (label.to_lowercase(), wanted.to_lowercase());
    let bare = label.split_once(':').map_or(label.as_str(), |(_, bare)| bare.trim());
    label == wanted || bare == wanted
}
