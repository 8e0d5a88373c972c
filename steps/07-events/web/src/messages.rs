//! What members are told: who that is and where it reaches them is known here, and nowhere else.

use std::sync::Arc;

use async_trait::async_trait;
use step_02_backlog::pieces::react;
use step_02_contracts::{
    Ctx, Fault, Maintainers, Notify, Recorded, Team,
    wishes::{MESSAGE_MEMBERS, MessageMembers},
};
use step_07_service::{Errand, Errands};
use store::Store;

/// Which errands these are.
const WAITING: &str = "status = 'waiting' AND kind IN ('ask_web.message_members', 'backlog.task_assigned')";

/// Hands messages to notify, each under a key that makes it the same message however often that is done.
pub(crate) struct Messages {
    pub(crate) team: Arc<dyn Team>,
    pub(crate) notify: Arc<dyn Notify>,
}

impl Messages {
    /// Has them handed over when they were asked for in `store`.
    pub(crate) fn errands(self, store: Store) -> Errands {
        Errands::new(store, WAITING, Arc::new(self))
    }
}

#[async_trait]
impl Errand for Messages {
    async fn run(&self, ctx: &Ctx, message: &Recorded) -> Result<(), Fault> {
        if message.kind != MESSAGE_MEMBERS {
            // Of an assignment: the wish of exercise 02.2.
            return react::on_events(ctx, std::slice::from_ref(message), &*self.team, &*self.notify).await;
        }
        let MessageMembers(to_members) = message.read()?;
        let messages = to_members.messages(&Maintainers::active(&*self.team, ctx).await?);
        if messages.is_empty() {
            return Err(Fault::invalid("to", "nobody to reach"));
        }
        self.notify.send(ctx, None, messages).await.map(drop)
    }
}
