//! What others tell, and what follows from it here.

use std::{collections::HashSet, sync::Arc};

use async_trait::async_trait;
use domain::Origin;
use step_02_backlog::Module;
use step_02_contracts::{Fault, GithubEvent, Handler, Recorded, TeamEvent};
use step_07_messaging::Consumer;
use store::Tx;

use crate::copies;

/// Tasks follow their items, and the copies those who tell.
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
        if let Some(event) = TeamEvent::heard(message)? {
            let (login, active) = event.member();
            return copies::set(tx, login, active).await;
        }
        let Some(event) = GithubEvent::heard(message)? else { return Ok(()) };
        let fact = event.fact();
        copies::keep(tx, &fact.item).await?;
        // An import sets no rule off, so nobody needs to know who did it.
        let maintainers = match fact.origin {
            Origin::Webhook => copies::logins(&mut *tx).await?,
            Origin::Import => HashSet::new(),
        };
        self.0.hear(tx, &[event], &maintainers).await
    }

    fn applied(&self) {
        self.0.wake();
    }
}
