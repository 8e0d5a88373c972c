//! The team: who maintains the repositories, and how to reach them.
//!
//! Owns `members`. Tells who joined and who left; what that means for an item or a measure is for others to say.

mod routes;

use async_trait::async_trait;
use automator_team as rows;
use domain::{Member, MemberChange, NewMember, Page, PageQuery};
use sqlx::migrate::Migrator;
use step_02_contracts::{Ctx, Fault, IdempotencyKey, Maintainers, Once, Team, TeamEvent};
use store::{Store, idempotency};

pub use routes::router;

/// The tables that nobody else reads or writes.
pub const TABLES: [&str; 2] = ["members", "team_keys"];

const KEYS: &str = "team_keys";

/// The migrations of this module.
#[must_use]
pub fn migrations() -> Migrator {
    sqlx::migrate!()
}

/// Tells of everybody who is in the team, and of everybody who has left, again: for whoever keeps a copy and has none yet. Who has one
/// hears nothing new. How many those were.
///
/// # Errors
/// The database's.
pub async fn retell(store: &Store) -> Result<u64, Fault> {
    let mut tx = store.begin_write().await?;
    let members = rows::all(store, &mut tx).await?;
    let told = members.len();
    for (login, active) in members {
        tx.record(&if active { TeamEvent::MemberJoined { login } } else { TeamEvent::MemberLeft { login } })?;
    }
    tx.commit().await?;
    Ok(told as u64)
}

/// The module behind its port.
#[derive(Debug, Clone)]
pub struct Module {
    store: Store,
}

impl Module {
    /// The module over its tables.
    ///
    /// # Errors
    /// The database's.
    pub async fn new(store: Store) -> Result<Self, Fault> {
        idempotency::forget_old(&store, KEYS).await?;
        Ok(Self { store })
    }
}

#[async_trait]
impl Maintainers for Module {
    async fn active(&self, _: &Ctx) -> Result<Vec<Member>, Fault> {
        rows::active(&self.store).await
    }
}

#[async_trait]
impl Team for Module {
    async fn page(&self, _: &Ctx, query: PageQuery) -> Result<Page<Member>, Fault> {
        rows::page(&self.store, &query).await
    }

    async fn join(
        &self,
        _: &Ctx,
        key: Option<IdempotencyKey>,
        new: NewMember,
    ) -> Result<Once<Member>, Fault> {
        let member = rows::joining(new)?;
        idempotency::once_for(&self.store, KEYS, key, async |tx| {
            rows::insert(tx, &member).await?;
            tx.record(&TeamEvent::MemberJoined { login: member.login.clone() })?;
            Ok(member)
        })
        .await
    }

    async fn change(&self, _: &Ctx, login: &str, change: MemberChange) -> Result<Member, Fault> {
        let mut tx = self.store.begin_write().await?;
        let (before, after) = rows::update(&self.store, &mut tx, login, change).await?;
        let login = after.login.clone();
        match (before.active, after.active) {
            (false, true) => tx.record(&TeamEvent::MemberJoined { login })?,
            (true, false) => tx.record(&TeamEvent::MemberLeft { login })?,
            _ => {}
        }
        tx.commit().await?;
        Ok(after)
    }
}
