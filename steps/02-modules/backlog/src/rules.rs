//! What rules make of an event, over backlog's own tables.

use std::collections::HashSet;

use automator_backlog::rules::{self, Facts, Tables};
use domain::{Actor, Login, Occurrence, Side};
use step_02_contracts::Fault;
use store::Tx;

/// The table of what rules decided to do.
pub(crate) const ACTIONS: &str = "backlog_actions";

const TABLES: Tables = Tables { runs: "backlog_runs", subject: "item_key", actions: ACTIONS };

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

/// On which side somebody stands; a bot on none.
fn side(author: &Actor, maintainers: &HashSet<Login>) -> Option<Side> {
    if author.bot {
        return None;
    }
    let login: Option<Login> = author.login.to_lowercase().parse().ok();
    let maintains = login.is_some_and(|login| maintainers.contains(&login));
    Some(if maintains { Side::Maintainer } else { Side::Community })
}
