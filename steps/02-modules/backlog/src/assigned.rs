//! Tells who has been given a task: to whoever listens, and with `TELL_ASSIGNEES` to the member, in a mail.

use async_trait::async_trait;
use step_02_contracts::{BacklogEvent, Ctx, Fault, Handler, Recorded, Tell};
use store::Tx;

use crate::{
    Ports,
    pieces::react::{self, Assigned},
};

/// Tells of assignments.
#[derive(Clone)]
pub(crate) struct Assignments {
    ports: Ports,
    pub(crate) are_mailed: bool,
}

impl Assignments {
    /// Tells whoever listens; where assignments `are_mailed`, as the exercise has it.
    pub(crate) fn new(ports: Ports, are_mailed: bool) -> Self {
        Self { ports, are_mailed }
    }

    /// Tells of it in the transaction that has changed the task.
    pub(crate) async fn tell(&self, ctx: &Ctx, tx: &mut Tx, assigned: &Assigned) -> Result<(), Fault> {
        let Ports { team, notify, .. } = &self.ports;
        match self.are_mailed {
            true => react::task_assigned(ctx, &mut Telling(tx), assigned, &**team, &**notify).await,
            false => tx.record(&assigned.event()),
        }
    }
}

/// After a commit.
#[async_trait]
impl Handler for Assignments {
    fn name(&self) -> &'static str {
        "notify"
    }

    async fn handle(&self, ctx: &Ctx, events: &[Recorded]) -> Result<(), Fault> {
        react::on_events(ctx, events, &*self.ports.team, &*self.ports.notify).await
    }
}

/// A transaction of our store, seen from outside of it.
struct Telling<'a>(&'a mut Tx);

impl Tell for Telling<'_> {
    fn record(&mut self, event: &BacklogEvent) -> Result<(), Fault> {
        self.0.record(event)
    }
}
