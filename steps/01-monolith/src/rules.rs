//! Rules over the one schema: what they make of an event, in the transaction in which it takes effect, and how that is done.

use async_trait::async_trait;
use automator_backlog::{
    actions::{Decided, Effects, Subject, change_of, nobody, to_members},
    history::Who,
    rules::{self, Facts, Tables},
};
use automator_github::client::Github;
use automator_messages::Messenger;
use chassis::{Ctx, Fault, event::Recorded};
use domain::{Action, Actor, Addressee, Channel, Notify, Occurrence, Side, ToMembers};
use sqlx::FromRow;
use store::{Sql, Store, Tx, query};
use uuid::Uuid;

use crate::tasks::{self, StoredTask};

/// The table of what rules decided to do.
pub const ACTIONS: &str = "rule_actions";

const TABLES: Tables = Tables { runs: "rule_runs", subject: "item_id", actions: ACTIONS };

/// Writes down what the rules make of `event` about the item of that id.
///
/// # Errors
/// The database's.
pub async fn decide(tx: &mut Tx, item_id: &str, event: &Occurrence) -> Result<(), store::Error> {
    let asking = rules::asking_for(tx, event.trigger).await?;
    if asking.is_empty() {
        return Ok(());
    }
    let facts: Facts = query(
        "SELECT i.kind, i.category, r.language, i.author, t.status FROM items i \
         JOIN repositories r ON r.id = i.repository_id LEFT JOIN tasks t ON t.item_id = i.id WHERE i.id = $1",
    )
    .bind(item_id)
    .fetch_one(&mut *tx)
    .await?;
    let author = event.author.clone().unwrap_or_else(|| Actor::of_webhook(facts.author.clone()));
    let side = side(tx, &author).await?;
    rules::run(tx, TABLES, asking, item_id, event, &facts, (&author, side)).await
}

/// On which side somebody stands; a bot on none.
async fn side(tx: &mut Tx, author: &Actor) -> Result<Option<Side>, store::Error> {
    if author.bot {
        return Ok(None);
    }
    let member: Option<(String,)> = query("SELECT id FROM members WHERE login = $1 AND active = 1")
        .bind(author.login.to_lowercase())
        .fetch_optional(&mut *tx)
        .await?;
    Ok(Some(if member.is_some() { Side::Maintainer } else { Side::Community }))
}

/// What actions do: to the tables, through GitHub, and by the queue of messages.
#[derive(Debug, Clone)]
pub struct OneSchema {
    /// The tables.
    pub store: Store,
    /// For comments; without it they fail and say why.
    pub github: Option<Github>,
    /// For messages.
    pub messenger: Messenger,
}

/// What an action is about.
#[derive(Debug, FromRow)]
pub struct About {
    node_id: String,
    title: String,
    url: String,
    task_id: Option<String>,
    assignee: Option<String>,
}

/// A row of both.
#[derive(FromRow)]
struct Row {
    #[sqlx(flatten)]
    decided: Decided,
    #[sqlx(flatten)]
    about: About,
}

#[async_trait]
impl Effects for OneSchema {
    type About = About;

    async fn find(&self, _: &Ctx, id: &str) -> Result<(Decided, About), Fault> {
        find(&self.store, id).await
    }

    async fn change(
        &self,
        _: &Ctx,
        tx: &mut Tx,
        decided: &Decided,
        about: &About,
        action: &Action,
    ) -> Result<(), Fault> {
        change(&self.store, tx, decided, about, action).await
    }

    async fn notify(
        &self,
        _: &Ctx,
        id: &str,
        decided: &Decided,
        about: &About,
        notice: &Notify,
    ) -> Result<Option<Recorded>, Fault> {
        let messages = messages(&self.store, id, decided, about, notice).await?;
        self.messenger.send(None, messages).await.map(|_| None)
    }

    async fn comment(
        &self,
        _: &Ctx,
        decided: &Decided,
        about: &About,
        text: &str,
    ) -> Result<Option<Recorded>, Fault> {
        comment(self.github.as_ref(), decided, about, text).await.map(|()| None)
    }
}

/// The action of that id, and what it is about.
///
/// # Errors
/// The database's.
pub async fn find(store: &Store, id: &str) -> Result<(Decided, About), Fault> {
    let row: Row = query(
        "SELECT r.rule_name, r.event_key, r.author, a.action, a.attempts, a.created_at, i.item_key, i.node_id, i.title, i.url, \
                t.id AS task_id, m.login AS assignee \
         FROM rule_actions a JOIN rule_runs r ON r.id = a.run_id JOIN items i ON i.id = r.item_id \
         LEFT JOIN tasks t ON t.item_id = i.id LEFT JOIN members m ON m.id = t.assignee_id WHERE a.id = $1",
    )
    .bind(id)
    .fetch_one(store)
    .await?;
    Ok((row.decided, row.about))
}

/// Does an action on the task.
///
/// # Errors
/// [`Fault::Invalid`] and [`Fault::NotFound`] for what will never work; the database's.
pub async fn change(
    store: &Store,
    tx: &mut Tx,
    decided: &Decided,
    about: &About,
    action: &Action,
) -> Result<(), Fault> {
    let missing = || Fault::NotFound(format!("a task about {}", decided.item_key));
    let id: Uuid = about.task_id.as_deref().ok_or_else(missing)?.parse().map_err(Fault::internal)?;
    tasks::TABLES.hold(store, tx).await?;
    let stored = StoredTask::find(store, tx, &id.to_string()).await?.ok_or_else(missing)?;
    let Some(change) = change_of(action, stored.fields.reach) else { return Ok(()) };
    Ok(tasks::change(store, tx, id, &change, |_| Ok(()), Who::Rule(&decided.rule_name)).await?)
}

/// Comments on the item.
///
/// # Errors
/// [`Fault::Invalid`] when GitHub refuses it for good.
pub async fn comment(
    github: Option<&Github>,
    decided: &Decided,
    about: &About,
    text: &str,
) -> Result<(), Fault> {
    let Some(github) = github else {
        return Err(Fault::invalid("comment", "GITHUB_TOKEN is not set"));
    };
    Ok(github.comment(&about.node_id, &subject(decided, about).fill(text), decided.answers()).await?)
}

/// A message for each of those whom an action tells.
///
/// # Errors
/// [`Fault::Invalid`] when it is nobody.
pub async fn messages(
    store: &Store,
    id: &str,
    decided: &Decided,
    about: &About,
    notice: &Notify,
) -> Result<Vec<domain::Message>, Fault> {
    let subject = subject(decided, about);
    let to_members = to_members(id, &decided.rule_name, notice, &subject, about.assignee.as_deref())?;
    let recipients = recipients(store, &to_members).await?;
    if recipients.is_empty() {
        return Err(nobody(notice.channel, &notice.to));
    }
    Ok(recipients.into_iter().map(|(login, address)| to_members.message(&login, address)).collect())
}

fn subject<'a>(decided: &'a Decided, about: &'a About) -> Subject<'a> {
    Subject { key: &decided.item_key, title: &about.title, url: &about.url, author: &decided.author }
}

/// Who gets a message, by login, and where it reaches them.
async fn recipients(store: &Store, to_members: &ToMembers) -> Result<Vec<(String, String)>, Fault> {
    let column = match to_members.channel {
        Channel::Email => "email",
        Channel::Sms => "phone",
    };
    let mut sql = Sql::new("SELECT login, ");
    sql.push(column).push(" FROM members WHERE active = 1 AND ").push(column).push(" IS NOT NULL AND ");
    match &to_members.to {
        Addressee::Member(login) => sql.push_bind("login = ", login.as_str()),
        Addressee::OnCall => sql.push("on_call = 1"),
    };
    sql.push(" ORDER BY login");
    Ok(sql.fetch_all(store).await?)
}
