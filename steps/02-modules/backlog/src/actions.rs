//! What actions of rules do, asked of the ports.
//!
//! In step 01 an action and its message stood in one database. Messages are notify's now: the call comes first, under a key that
//! makes it the same message however often it is made, and the note after it. Whoever is killed in between calls again, and nothing
//! is queued twice.

use std::collections::HashSet;

use async_trait::async_trait;
use automator_backlog::{
    actions::{Decided, Effects, Subject, change_of, message, nobody},
    history::Who,
};
use domain::{Action, Channel, Item, ItemKey, Login, Member, Notify as Notice, Recipient};
use step_02_contracts::{Ctx, Fault};
use store::{Store, Tx, query};

use crate::{
    Ports,
    assigned::Assignments,
    task::{self, Stored},
};

/// What actions do, over the ports.
#[derive(Clone)]
pub(crate) struct Ported {
    pub(crate) store: Store,
    pub(crate) ports: Ports,
    pub(crate) assignments: Assignments,
}

/// What an action is about.
pub(crate) struct About {
    key: ItemKey,
    assignee: Option<String>,
    /// Who is in the team, where the action asks for it.
    members: Vec<Member>,
}

#[async_trait]
impl Effects for Ported {
    type About = About;

    async fn find(&self, ctx: &Ctx, id: &str) -> Result<(Decided, About), Fault> {
        let decided: Decided = query(
            "SELECT r.rule_name, r.event_key, r.author, a.action, a.attempts, a.created_at, r.item_key \
             FROM backlog_actions a JOIN backlog_runs r ON r.id = a.run_id WHERE a.id = $1",
        )
        .bind(id)
        .fetch_one(&self.store)
        .await?;
        let task: Option<(Option<String>,)> = query("SELECT assignee FROM backlog_tasks WHERE item_key = $1")
            .bind(&decided.item_key)
            .fetch_optional(&self.store)
            .await?;
        let members = match serde_json::from_str(&decided.action) {
            Ok(Action::Assign(_) | Action::Notify(_)) => self.ports.team.active(ctx).await?,
            _ => Vec::new(),
        };
        let key = decided.item_key.parse().map_err(Fault::internal)?;
        Ok((decided, About { key, assignee: task.and_then(|(assignee,)| assignee), members }))
    }

    async fn change(
        &self,
        ctx: &Ctx,
        tx: &mut Tx,
        decided: &Decided,
        about: &About,
        action: &Action,
    ) -> Result<(), Fault> {
        let id = domain::task_id(&about.key);
        let missing = || Fault::NotFound(format!("a task about {}", about.key));
        task::SCORES.hold(&self.store, tx).await?;
        let stored = Stored::find(&self.store, tx, id).await?.ok_or_else(missing)?;
        let Some(change) = change_of(action, stored.fields.reach) else { return Ok(()) };
        let who = Who::Rule(&decided.rule_name);
        let maintainers: HashSet<Login> = about.members.iter().map(|member| member.login.clone()).collect();
        match task::change(&self.store, tx, id, &change, None, who, &maintainers).await? {
            Some(assigned) => self.assignments.tell(ctx, tx, &assigned).await,
            None => Ok(()),
        }
    }

    async fn notify(
        &self,
        ctx: &Ctx,
        id: &str,
        decided: &Decided,
        about: &About,
        notice: &Notice,
    ) -> Result<(), Fault> {
        let recipients = recipients(&about.members, about.assignee.as_deref(), notice)?;
        if recipients.is_empty() {
            return Err(nobody(notice));
        }
        let item = self.item(ctx, &about.key).await?;
        let subject = subject(decided, &item);
        let messages = recipients
            .into_iter()
            .map(|(login, to)| message(id, &decided.rule_name, notice, &subject, (login.as_str(), to)))
            .collect();
        self.ports.notify.send(ctx, None, messages).await.map(drop)
    }

    async fn comment(&self, ctx: &Ctx, decided: &Decided, about: &About, text: &str) -> Result<(), Fault> {
        let item = self.item(ctx, &about.key).await?;
        let text = subject(decided, &item).fill(text);
        self.ports.github.comment(ctx, &about.key, &text, decided.answers()).await
    }
}

impl Ported {
    async fn item(&self, ctx: &Ctx, key: &ItemKey) -> Result<Item, Fault> {
        let mut found = self.ports.github.items(ctx, std::slice::from_ref(key)).await?;
        found.remove(key).ok_or_else(|| Fault::NotFound(format!("item {key}")))
    }
}

fn subject<'a>(decided: &'a Decided, item: &'a Item) -> Subject<'a> {
    Subject { key: &decided.item_key, title: &item.title, url: &item.url, author: &decided.author }
}

/// Who gets a message, and where it reaches them.
fn recipients(
    active: &[Member],
    assignee: Option<&str>,
    notice: &Notice,
) -> Result<Vec<(Login, String)>, Fault> {
    let recipient = notice.recipient().map_err(Fault::internal)?;
    let is_meant = |member: &&Member| match &recipient {
        Recipient::OnCall => member.on_call,
        Recipient::Member(login) => member.login == *login,
        Recipient::Assignee => assignee == Some(member.login.as_str()),
    };
    let reach = |member: &Member| match notice.channel {
        Channel::Email => Some((member.login.clone(), member.email.clone())),
        Channel::Sms => Some((member.login.clone(), member.phone.clone()?)),
    };
    Ok(active.iter().filter(is_meant).filter_map(reach).collect())
}
