//! What others tell and want, and what follows from it here.

use std::sync::Arc;

use async_trait::async_trait;
use step_02_contracts::{Fault, Handler, Recorded, wishes::COMMENT};
use step_02_github::Module;
use step_07_messaging::Consumer;
use step_07_service::Errands;
use store::Tx;

/// The copy of the team follows the team; a comment that somebody wants is an errand.
pub(crate) struct Messages {
    pub(crate) github: Arc<Module>,
    pub(crate) comments: Errands,
}

#[async_trait]
impl Consumer for Messages {
    fn name(&self) -> &'static str {
        self.github.name()
    }

    fn wants(&self) -> &'static [&'static str] {
        &["team", "ask_github"]
    }

    async fn apply(&self, tx: &mut Tx, message: &Recorded) -> Result<(), Fault> {
        match message.kind.as_str() {
            COMMENT => self.comments.take(tx, message).await,
            _ => self.github.hear(tx, message).await,
        }
    }

    fn applied(&self) {
        self.comments.wake();
    }
}
