//! What rules want done elsewhere, as commands: each is answered to be recorded in the transaction that says that its action is done.

use async_trait::async_trait;
use step_02_contracts::{
    Ctx, Fault, Recorded, Wishes,
    wishes::{Comment, MessageMembers},
};

/// Nobody is called.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Commands;

#[async_trait]
impl Wishes for Commands {
    async fn comment(&self, _: &Ctx, comment: Comment) -> Result<Option<Recorded>, Fault> {
        Recorded::now(&comment).map(Some)
    }

    async fn message(&self, _: &Ctx, message: MessageMembers) -> Result<Option<Recorded>, Fault> {
        Recorded::now(&message).map(Some)
    }
}
