//! Our copy of who is in the team, and what changes with it: what the community waits for.

use std::collections::{BTreeSet, HashSet};

use async_trait::async_trait;
use automator_github::{items, waiting};
use domain::{Login, Origin};
use step_02_contracts::{Ctx, Fault, GithubEvent, Handler, ItemFact, Recorded, TeamEvent};
use store::{Store, Tx, query};

use crate::Module;

/// The copy.
pub(crate) const TABLE: &str = "maintainers";

#[async_trait]
impl Handler for Module {
    fn name(&self) -> &'static str {
        "github"
    }

    async fn handle(&self, _: &Ctx, events: &[Recorded]) -> Result<(), Fault> {
        for event in events.iter().filter(|event| event.is_of("team")) {
            let mut tx = self.store.begin_write().await?;
            self.hear(&mut tx, event).await?;
            tx.commit().await?;
        }
        Ok(())
    }
}

impl Module {
    /// What `event` has as its effect here, within the transaction of whoever heard it.
    ///
    /// # Errors
    /// The database's; [`Fault::Internal`] for an event of the team's that cannot be read.
    pub async fn hear(&self, tx: &mut Tx, event: &Recorded) -> Result<(), Fault> {
        let Some(event) = TeamEvent::heard(event)? else { return Ok(()) };
        let (login, active) = event.member();
        set(tx, login, active).await
    }
}

/// Makes the copy what `active` says.
pub(crate) async fn become_like(store: &Store, active: impl Iterator<Item = Login>) -> Result<(), Fault> {
    let known: Vec<(String,)> =
        query("SELECT login FROM maintainers WHERE active = 1").fetch_all(store).await?;
    let known: BTreeSet<Login> = known.into_iter().filter_map(|(login,)| login.parse().ok()).collect();
    let active: BTreeSet<Login> = active.collect();
    let joined = active.difference(&known).map(|login| (login, true));
    for (login, active) in joined.chain(known.difference(&active).map(|login| (login, false))) {
        let mut tx = store.begin_write().await?;
        set(&mut tx, login, active).await?;
        tx.commit().await?;
    }
    Ok(())
}

/// Writes that somebody is in the team, or no longer, and records for which items the wait has changed. What the copy has already
/// changes nothing: to look at all that somebody has spoken on takes a while.
async fn set(tx: &mut Tx, login: &Login, active: bool) -> Result<(), Fault> {
    let changed = query(
        "INSERT INTO maintainers (login, active) VALUES ($1, $2) \
         ON CONFLICT (login) DO UPDATE SET active = excluded.active WHERE maintainers.active <> excluded.active",
    )
    .bind(login.as_str())
    .bind(i64::from(active))
    .execute(&mut *tx)
    .await?;
    if changed == 0 {
        return Ok(());
    }
    let touched = waiting::refresh_speaker(tx, TABLE, login.as_str()).await?;
    tell_waits(tx, touched).await
}

/// Records that these items, by the ids of their rows, wait differently.
///
/// # Errors
/// The database's.
pub async fn tell_waits(tx: &mut Tx, touched: HashSet<String>) -> Result<(), Fault> {
    for item in items::among(&mut *tx, "i.id", touched.into_iter()).await? {
        let before = Some(item.state);
        let fact = ItemFact { origin: Origin::Import, item, before, lines: Vec::new(), occurrence: None };
        tx.record(&GithubEvent::ItemChanged(Box::new(fact)))?;
    }
    Ok(())
}
