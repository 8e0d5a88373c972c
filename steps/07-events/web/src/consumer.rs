//! What others want of this service, and what it hears of assignments: both become messages to members.

use async_trait::async_trait;
use step_02_contracts::{Fault, Recorded, wishes::MESSAGE_MEMBERS};
use step_07_messaging::{Consumer, Poison};
use step_07_service::Errands;
use store::Tx;

/// What backlog tells of an assignment.
const ASSIGNED: &str = "backlog.task_assigned";

/// Each is an errand: see [`crate::messages`].
pub(crate) struct Wishes {
    pub(crate) messages: Errands,
    /// Whether whoever is given a task gets a mail.
    pub(crate) assignees_are_told: bool,
}

#[async_trait]
impl Consumer for Wishes {
    fn name(&self) -> &'static str {
        "web"
    }

    fn wants(&self) -> &'static [&'static str] {
        &[MESSAGE_MEMBERS, ASSIGNED]
    }

    /// Each means something by itself.
    fn poison(&self) -> Poison {
        Poison::GoesOn
    }

    async fn apply(&self, tx: &mut Tx, message: &Recorded) -> Result<(), Fault> {
        if message.kind == ASSIGNED && !self.assignees_are_told {
            return Ok(());
        }
        self.messages.take(tx, message).await
    }

    fn applied(&self) {
        self.messages.wake();
    }
}
