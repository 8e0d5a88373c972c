//! Makes the read models from what the others tell.

use std::collections::BTreeSet;

use async_trait::async_trait;
use domain::{Catalogue, Login};
use jiff::Timestamp;
use step_02_contracts::{Ctx, Fault, GithubEvent, Handler, ItemFact, Recorded, TeamEvent};
use store::{Sql, Store, Tx, query};

use crate::Module;

#[async_trait]
impl Handler for Module {
    fn name(&self) -> &'static str {
        "insights"
    }

    async fn handle(&self, _: &Ctx, events: &[Recorded]) -> Result<(), Fault> {
        let mut tx = self.store.begin_write().await?;
        for event in events {
            self.hear(&mut tx, event).await?;
        }
        tx.commit().await.map_err(Fault::from)
    }
}

impl Module {
    /// What `event` has as its effect here, within the transaction of whoever heard it.
    ///
    /// # Errors
    /// The database's; [`Fault::Internal`] for an event of github's or the team's that cannot be read.
    pub async fn hear(&self, tx: &mut Tx, event: &Recorded) -> Result<(), Fault> {
        if let Some(event) = GithubEvent::heard(event)? {
            self.see(tx, event.fact()).await?;
        } else if let Some(event) = TeamEvent::heard(event)? {
            let (login, active) = event.member();
            set(tx, login, active).await?;
        }
        Ok(())
    }

    /// Takes over what has become of an item.
    async fn see(&self, tx: &mut Tx, fact: &ItemFact) -> Result<(), Fault> {
        let item = &fact.item;
        let tracked = self.catalogue.find(item.repository.as_str()).is_some();
        query(
            "INSERT INTO insight_items (item_key, repository, language, category, difficulty, labels, state, tracked, \
                                        updated_at, closed_at, waiting_since) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) \
             ON CONFLICT (item_key) DO UPDATE SET language = excluded.language, category = excluded.category, \
                 difficulty = excluded.difficulty, labels = excluded.labels, state = excluded.state, \
                 tracked = excluded.tracked, updated_at = excluded.updated_at, closed_at = excluded.closed_at, \
                 waiting_since = excluded.waiting_since \
             WHERE insight_items.updated_at <= excluded.updated_at",
        )
        .bind(item.key.to_string())
        .bind(item.repository.as_str())
        .bind(item.language.as_str())
        .bind(item.category.map(domain::Category::as_str))
        .bind(item.difficulty.as_str())
        .bind(serde_json::Value::from(item.labels.clone()).to_string())
        .bind(item.state.as_str())
        .bind(i64::from(tracked))
        .bind(item.updated_at.as_millisecond())
        .bind(item.closed_at.map(Timestamp::as_millisecond))
        .bind(item.waiting_since.map(Timestamp::as_millisecond))
        .execute(&mut *tx)
        .await?;
        write_lines(tx, fact).await.map_err(Fault::from)
    }
}

/// Writes the lines that are not there yet. A comment that was taken back stays taken back.
async fn write_lines(tx: &mut Tx, fact: &ItemFact) -> Result<(), store::Error> {
    let key = fact.item.key.to_string();
    let mut lines: Vec<_> = fact.lines.iter().collect();
    lines.sort_by(|a, b| a.source.cmp(&b.source));
    lines.dedup_by(|a, b| a.source == b.source);
    for chunk in lines.chunks(100) {
        let mut sql = Sql::new("INSERT INTO insight_lines (item_key, source, kind, actor, bot, at) VALUES ");
        for (index, line) in chunk.iter().enumerate() {
            sql.push(if index == 0 { "(" } else { ", (" }).bind(key.as_str());
            sql.push_bind(", ", line.source.as_str()).push_bind(", ", line.happened.as_str());
            sql.push_bind(", ", line.actor.login.to_ascii_lowercase());
            sql.push_bind(", ", i64::from(line.actor.bot)).push_bind(", ", line.at).push(")");
        }
        sql.push(
            " ON CONFLICT (item_key, source) DO UPDATE SET kind = excluded.kind \
              WHERE excluded.kind = 'deleted' AND insight_lines.kind <> 'deleted'",
        );
        sql.execute(&mut *tx).await?;
    }
    Ok(())
}

/// Takes over the catalogue: what is tracked, and its language.
pub(crate) async fn track(store: &Store, catalogue: &Catalogue) -> Result<(), Fault> {
    let mut tx = store.begin_write().await?;
    query("UPDATE insight_items SET tracked = 0").execute(&mut tx).await?;
    for repository in &catalogue.repositories {
        query("UPDATE insight_items SET tracked = 1, language = $1 WHERE repository = $2")
            .bind(repository.language.as_str())
            .bind(repository.name.as_str())
            .execute(&mut tx)
            .await?;
    }
    tx.commit().await.map_err(Fault::from)
}

/// Makes our copy of who is in the team what `active` says.
pub(crate) async fn become_like(store: &Store, active: impl Iterator<Item = &Login>) -> Result<(), Fault> {
    let active: BTreeSet<&Login> = active.collect();
    let mut tx = store.begin_write().await?;
    query("UPDATE insight_maintainers SET active = 0").execute(&mut tx).await?;
    for login in active {
        set(&mut tx, login, true).await?;
    }
    tx.commit().await.map_err(Fault::from)
}

async fn set(tx: &mut Tx, login: &Login, active: bool) -> Result<(), store::Error> {
    query(
        "INSERT INTO insight_maintainers (login, active) VALUES ($1, $2) \
         ON CONFLICT (login) DO UPDATE SET active = excluded.active",
    )
    .bind(login.as_str())
    .bind(i64::from(active))
    .execute(&mut *tx)
    .await
    .map(drop)
}
