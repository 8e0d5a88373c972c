//! What rules make of an event, over backlog's own tables.

use std::collections::HashSet;

use automator_backlog::rules::{self, Facts, Tables};
use domain::{Actor, Login, Occurrence};
use step_02_contracts::Fault;
use store::Tx;

use crate::{actions::TABLE, on_events::side};

const TABLES: Tables = Tables { runs: "backlog_runs", subject: "item_key", actions: TABLE };

/// Writes down what the rules make of `event` about the item of that key.
pub(crate) async fn decide(
    tx: &mut Tx,
    event: &Occurrence,
    facts: &Facts,
    item_key: &str,
    maintainers: &HashSet<Login>,
) -> Result<(), Fault> {
    let asking = rules::asking_for(tx, event.trigger).await?;
    let author = event.author.clone().unwrap_or_else(|| Actor::of_webhook(facts.author.clone()));
    let side = side(&author, maintainers);
    rules::run(tx, TABLES, asking, item_key, event, facts, (&author, side)).await.map_err(Fault::from)
}
