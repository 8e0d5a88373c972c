//! What others tell, and what follows from it here.

use std::sync::Arc;

use async_trait::async_trait;
use step_02_contracts::{Fault, Handler, Recorded};
use step_02_insights::Module;
use step_07_messaging::Consumer;
use store::Tx;

/// The read models follow what is told.
pub(crate) struct Facts(pub(crate) Arc<Module>);

#[async_trait]
impl Consumer for Facts {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn wants(&self) -> &'static [&'static str] {
        &["github", "team"]
    }

    async fn apply(&self, tx: &mut Tx, message: &Recorded) -> Result<(), Fault> {
        self.0.hear(tx, message).await
    }
}
