//! Events that still come as calls.

use async_trait::async_trait;
use step_02_contracts::{Ctx, Fault, Handler, Recorded};

/// Whoever calls with events is of an earlier step, and keeps them until somebody takes them: none is lost, and none is taken twice.
pub(crate) struct OverTheFeed;

#[async_trait]
impl Handler for OverTheFeed {
    fn name(&self) -> &'static str {
        "backlog"
    }

    async fn handle(&self, _: &Ctx, _: &[Recorded]) -> Result<(), Fault> {
        Err(Fault::Unavailable("events but over the feed".to_owned()))
    }
}
