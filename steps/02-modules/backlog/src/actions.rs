//! What actions of rules do: to tasks here, and elsewhere by whoever fulfils their wishes.
//!
//! In step 01 an action and its message stood in one database. Messages are notify's now: the call comes first, under a key that
//! makes it the same message however often it is made, and the note after it. Whoever is killed in between calls again, and nothing
//! is queued twice. At step 07 nobody is called: the wish is a message that is recorded with the note.

use std::collections::HashSet;

use async_trait::async_trait;
use automator_backlog::{
    actions::{Decided, Effects, Subject, change_of, to_members},
    history::Who,
};
use domain::{Action, Item, ItemKey, Login, Notify as Notice};
use step_02_contracts::{
    Ctx, Fault, Recorded,
    wishes::{Comment, MessageMembers},
};
use store::{Store, Tx, query};

use crate::{
    Asks,
    assigned::Assignments,
    task::{self, Stored},
};

/// What actions do.
#[derive(Clone)]
pub(crate) struct Ported {
    pub(crate) store: Store,
    pub(crate) asks: Asks,
    pub(crate) assignments: Assignments,
}

/// What an action is about.
pub(crate) struct About {
    key: ItemKey,
    assignee: Option<String>,
    /// Who may have a task, where the action gives it to somebody.
    maintainers: HashSet<Login>,
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
        let maintainers = match serde_json::from_str(&decided.action) {
            Ok(Action::Assign(login)) => self.asks.team.logins(ctx, Some(&login)).await?,
            _ => HashSet::new(),
        };
        let key = decided.item_key.parse().map_err(Fault::internal)?;
        Ok((decided, About { key, assignee: task.and_then(|(assignee,)| assignee), maintainers }))
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
        match task::change(&self.store, tx, id, &change, None, who, &about.maintainers).await? {
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
    ) -> Result<Option<Recorded>, Fault> {
        let item = self.item(ctx, &about.key).await?;
        let subject = subject(decided, &item);
        let to_members = to_members(id, &decided.rule_name, notice, &subject, about.assignee.as_deref())?;
        self.asks.wishes.message(ctx, MessageMembers(to_members)).await
    }

    async fn comment(
        &self,
        ctx: &Ctx,
        decided: &Decided,
        about: &About,
        text: &str,
    ) -> Result<Option<Recorded>, Fault> {
        let item = self.item(ctx, &about.key).await?;
        let text = subject(decided, &item).fill(text);
        let answers = decided.answers().map(str::to_owned);
        self.asks.wishes.comment(ctx, Comment { key: about.key.clone(), text, answers }).await
    }
}

impl Ported {
    async fn item(&self, ctx: &Ctx, key: &ItemKey) -> Result<Item, Fault> {
        let mut found = self.asks.items.items(ctx, std::slice::from_ref(key)).await?;
        found.remove(key).ok_or_else(|| Fault::NotFound(format!("item {key}")))
    }
}

fn subject<'a>(decided: &'a Decided, item: &'a Item) -> Subject<'a> {
    Subject { key: &decided.item_key, title: &item.title, url: &item.url, author: &decided.author }
}
