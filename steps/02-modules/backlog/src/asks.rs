//! Whom backlog asks, and who fulfils its wishes: the modules beside it, or whatever a later step puts in their place.

use std::{collections::HashSet, sync::Arc};

use async_trait::async_trait;
use domain::{Addressee, Channel, Login};
use step_02_contracts::{
    Commentable, Ctx, Fault, Items, Logins, Maintainers, Notify, Recorded, Wishes,
    wishes::{Comment, MessageMembers},
};

/// What backlog needs of others, however it gets it.
#[derive(Clone)]
pub struct Asks {
    /// For items.
    pub(crate) items: Arc<dyn Items>,
    /// For who may have a task.
    pub(crate) team: Arc<dyn Logins>,
    /// For what rules want done elsewhere.
    pub(crate) wishes: Arc<dyn Wishes>,
    /// For the mails to assignees, where they are ours to send.
    pub(crate) mails: Option<Ports>,
}

impl Asks {
    /// Items, logins and fulfilled wishes from wherever they come. Mails to assignees are then for whoever hears of assignments.
    pub fn new(items: Arc<dyn Items>, team: Arc<dyn Logins>, wishes: Arc<dyn Wishes>) -> Self {
        Self { items, team, wishes, mails: None }
    }
}

/// The other contexts, to be called.
#[derive(Clone)]
pub struct Ports {
    /// For items, and to comment.
    pub github: Arc<dyn Commentable>,
    /// For who is in it, and how to reach them.
    pub team: Arc<dyn Maintainers>,
    /// For messages.
    pub notify: Arc<dyn Notify>,
}

impl From<Ports> for Asks {
    fn from(ports: Ports) -> Self {
        let called = Arc::new(ports.clone());
        Self { items: ports.github.clone(), team: called.clone(), wishes: called, mails: Some(ports) }
    }
}

#[async_trait]
impl Logins for Ports {
    async fn logins(&self, ctx: &Ctx, _: Option<&Login>) -> Result<HashSet<Login>, Fault> {
        Ok(self.team.active(ctx).await?.into_iter().map(|member| member.login).collect())
    }
}

/// Fulfilled at once: by the call.
#[async_trait]
impl Wishes for Ports {
    async fn comment(&self, ctx: &Ctx, comment: Comment) -> Result<Option<Recorded>, Fault> {
        let Comment { key, text, answers } = comment;
        self.github.comment(ctx, &key, &text, answers.as_deref()).await.map(|()| None)
    }

    async fn message(&self, ctx: &Ctx, message: MessageMembers) -> Result<Option<Recorded>, Fault> {
        let MessageMembers(to_members) = message;
        let messages = to_members.messages(&self.team.active(ctx).await?);
        if messages.is_empty() {
            return Err(reaches_nobody(&to_members.to, to_members.channel));
        }
        self.notify.send(ctx, None, messages).await.map(|_| None)
    }
}

fn reaches_nobody(to: &Addressee, channel: Channel) -> Fault {
    let to = match to {
        Addressee::OnCall => "on_call",
        Addressee::Member(login) => login.as_str(),
    };
    automator_backlog::actions::nobody(channel, to)
}
