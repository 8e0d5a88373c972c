//! Tells who has been given a task: to whoever listens, and with `TELL_ASSIGNEES` to the member, in a mail.

use std::sync::Arc;

use async_trait::async_trait;
use step_02_contracts::{BacklogEvent, Ctx, Fault, Handler, Recorded, Tell};
use store::Tx;

use crate::{
    Asks, Ports,
    pieces::react::{self, Assigned},
};

/// Tells of assignments.
#[derive(Clone)]
pub(crate) struct Assignments {
    /// For the mails, where there are some.
    mails: Option<Ports>,
}

impl Assignments {
    /// Tells whoever listens; where assignments `are_mailed`, as the exercise has it.
    pub(crate) fn new(asks: &Asks, are_mailed: bool) -> Self {
        Self { mails: asks.mails.clone().filter(|_| are_mailed) }
    }

    /// Tells of it in the transaction that has changed the task.
    pub(crate) async fn tell(&self, ctx: &Ctx, tx: &mut Tx, assigned: &Assigned) -> Result<(), Fault> {
        match &self.mails {
            Some(Ports { team, notify, .. }) => {
                react::task_assigned(ctx, &mut Telling(tx), assigned, &**team, &**notify).await
            }
            None => tx.record(&assigned.event()),
        }
    }

    /// Who sends the mails.
    pub(crate) fn mails(&self) -> Option<Arc<dyn Handler>> {
        let ports = self.mails.clone()?;
        Some(Arc::new(Mails(ports)))
    }
}

/// Mails to those who were given a task.
struct Mails(Ports);

/// After a commit.
#[async_trait]
impl Handler for Mails {
    fn name(&self) -> &'static str {
        "notify"
    }

    async fn handle(&self, ctx: &Ctx, events: &[Recorded]) -> Result<(), Fault> {
        react::on_events(ctx, events, &*self.0.team, &*self.0.notify).await
    }
}

/// A transaction of our store, seen from outside of it.
struct Telling<'a>(&'a mut Tx);

impl Tell for Telling<'_> {
    fn record(&mut self, event: &BacklogEvent) -> Result<(), Fault> {
        self.0.record(event)
    }
}
