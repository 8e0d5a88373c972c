//! What others want said on items. GitHub takes no key: killed between GitHub's answer and our note of it, a comment is made twice.

use std::sync::Arc;

use async_trait::async_trait;
use step_02_contracts::{Commentable, Ctx, Fault, Recorded, wishes::Comment};
use step_07_service::{Errand, Errands};
use store::Store;

/// Which errands these are.
const WAITING: &str = "status = 'waiting' AND kind LIKE 'ask_github.%'";

/// Comments on GitHub.
pub(crate) struct Comments(pub(crate) Arc<dyn Commentable>);

impl Comments {
    /// Has them made when they were asked for in `store`.
    pub(crate) fn errands(self, store: Store) -> Errands {
        Errands::new(store, WAITING, Arc::new(self))
    }
}

#[async_trait]
impl Errand for Comments {
    async fn run(&self, ctx: &Ctx, message: &Recorded) -> Result<(), Fault> {
        let Comment { key, text, answers } = message.read()?;
        self.0.comment(ctx, &key, &text, answers.as_deref()).await
    }
}
