//! Who maintains the repositories.

use std::collections::HashSet;

use async_trait::async_trait;
use chassis::{
    Ctx, Fault,
    idempotency::{IdempotencyKey, Once},
};
use domain::{Login, Member, MemberChange, NewMember, Page, PageQuery};

/// Who may have a task.
#[async_trait]
pub trait Logins: Send + Sync {
    /// The logins of who is in the team now. Whoever answers from a copy waits a little for `wanted`, where that one is missing: they
    /// may have joined a moment ago.
    async fn logins(&self, ctx: &Ctx, wanted: Option<&Login>) -> Result<HashSet<Login>, Fault>;
}

/// Who is in the team now: the one question that other contexts have.
#[async_trait]
pub trait Maintainers: Send + Sync {
    /// Everybody who is in the team now, by login, with how to reach them.
    async fn active(&self, ctx: &Ctx) -> Result<Vec<Member>, Fault>;
}

/// The team: members with what only they and the team should know, their e-mail address and phone number.
#[async_trait]
pub trait Team: Maintainers {
    /// The team by login, with those who left. [`Fault::Invalid`] for a cursor of another list.
    async fn page(&self, ctx: &Ctx, query: PageQuery) -> Result<Page<Member>, Fault>;

    /// Adds a member. [`Fault::Taken`] for a login that is known, [`Fault::Invalid`] naming the fields.
    async fn join(
        &self,
        ctx: &Ctx,
        key: Option<IdempotencyKey>,
        new: NewMember,
    ) -> Result<Once<Member>, Fault>;

    /// Changes a member. [`Fault::NotFound`] for an unknown login, [`Fault::Invalid`] naming the fields.
    async fn change(&self, ctx: &Ctx, login: &str, change: MemberChange) -> Result<Member, Fault>;
}
