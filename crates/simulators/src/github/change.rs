//! What happens on the simulated GitHub when a test says so: the world changes, and a webhook tells.

use std::sync::Arc;

use axum::http::StatusCode;
use domain::{Kind, Login, State};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    model::{Actor, Item, Verdict, World, node_id, whole_seconds},
    webhook, words,
};
use crate::control::Refusal;

/// Who does what nobody in particular is said to do, from outside the team.
const VISITOR: &str = "dev-3f2a90c1";

/// The longest title that GitHub takes, in characters.
const LONGEST_TITLE: usize = 256;

/// What happens to an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Action {
    Opened,
    Edited,
    Labeled,
    Unlabeled,
    Commented,
    CommentDeleted,
    Closed,
    Reopened,
    Merged,
    Reviewed,
    Deleted,
    Transferred,
}

/// Body of `POST /control/github/events`; what is missing is made up.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Happening {
    /// `owner/name`.
    pub(crate) repository: String,
    pub(crate) action: Action,
    /// Needed for all but `opened`, which takes the next one.
    #[serde(default)]
    pub(crate) number: Option<i64>,
    /// For `opened`: an issue unless told.
    #[serde(default)]
    pub(crate) kind: Option<Kind>,
    /// Who does it: a login, `name[bot]`, or `ghost` for a deleted account.
    #[serde(default)]
    pub(crate) author: Option<String>,
    /// For `opened` and `edited`.
    #[serde(default)]
    pub(crate) title: Option<String>,
    /// For `opened`, `edited`, `commented` and `reviewed`.
    #[serde(default)]
    pub(crate) body: Option<String>,
    /// For `labeled` and `unlabeled`.
    #[serde(default)]
    pub(crate) label: Option<String>,
    /// For `opened`.
    #[serde(default)]
    pub(crate) labels: Vec<String>,
    /// For `reviewed`: `commented` unless told.
    #[serde(default)]
    pub(crate) review: Option<Verdict>,
    /// When; after everything else unless told, and never before the item's last change.
    #[serde(default)]
    pub(crate) at: Option<Timestamp>,
    /// Where to deliver the webhook; the caller does it unless told.
    #[serde(default)]
    pub(crate) deliver_to: Option<String>,
    /// How many deliveries of the same id, all at once.
    #[serde(default)]
    pub(crate) times: Option<u32>,
}

/// The webhook that tells of a change.
#[derive(Debug)]
pub(crate) struct Told {
    /// Value of `X-GitHub-Event`.
    pub(crate) event: &'static str,
    pub(crate) payload: Value,
}

/// Lets it happen.
///
/// # Errors
/// 404 for an unknown repository or item, 409 where the item's state forbids it, 422 where a field is
/// wrong or missing. The world is unchanged then.
pub(crate) fn apply(world: &mut World, happening: &Happening) -> Result<Told, Refusal> {
    let actor = actor(happening)?;
    let (item, word) = match happening.action {
        Action::Opened => (open(world, happening, actor.as_ref())?, Word::of("opened")),
        Action::Deleted => (take_away(world, happening)?, Word::of("deleted")),
        Action::Transferred => (take_away(world, happening)?, Word::of("transferred")),
        action => {
            let mut item = find(world, happening)?;
            let at = instant(world, happening, &item)?;
            let word = Change { happening, actor: actor.as_ref(), at }.make(world, action, &mut item)?;
            (world.put(item), word)
        }
    };
    Ok(word.tell(&item, world, actor.as_ref()))
}

fn unprocessable(message: impl Into<String>) -> Refusal {
    Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, message)
}

fn conflict(message: impl Into<String>) -> Refusal {
    Refusal::new(StatusCode::CONFLICT, message)
}

/// Who does it; a visitor writes, a maintainer decides, unless told.
fn actor(happening: &Happening) -> Result<Option<Arc<Actor>>, Refusal> {
    let default = match happening.action {
        Action::Opened | Action::Edited | Action::Commented | Action::CommentDeleted => VISITOR,
        _ => words::MAINTAINERS[0],
    };
    let login = happening.author.as_deref().unwrap_or(default);
    let name = login.strip_suffix("[bot]").unwrap_or(login);
    name.parse::<Login>().map_err(|why| unprocessable(format!("author {why}")))?;
    Ok(Actor::parse(login))
}

fn find(world: &World, happening: &Happening) -> Result<Item, Refusal> {
    let number = happening.number.ok_or_else(|| unprocessable("number is needed for this action"))?;
    let missing =
        || Refusal::new(StatusCode::NOT_FOUND, format!("there is no {}#{number}", happening.repository));
    world.item(&happening.repository, number).map(|item| Item::clone(item)).ok_or_else(missing)
}

fn instant(world: &World, happening: &Happening, item: &Item) -> Result<Timestamp, Refusal> {
    let Some(at) = happening.at.map(whole_seconds) else { return Ok(world.next_instant(item)) };
    if at < item.updated_at {
        return Err(unprocessable(format!("at is before the item's last change, {}", item.updated_at)));
    }
    Ok(at)
}

fn title(happening: &Happening) -> Result<Option<&str>, Refusal> {
    match happening.title.as_deref() {
        Some(title) if title.trim().is_empty() || title.chars().count() > LONGEST_TITLE => {
            Err(unprocessable(format!("title must have 1 to {LONGEST_TITLE} characters")))
        }
        title => Ok(title),
    }
}

fn label(happening: &Happening) -> Result<&str, Refusal> {
    let label = happening.label.as_deref().filter(|label| !label.trim().is_empty());
    label.ok_or_else(|| unprocessable("label is needed for this action"))
}

/// Opens an item.
fn open(world: &mut World, happening: &Happening, actor: Option<&Arc<Actor>>) -> Result<Arc<Item>, Refusal> {
    let repository = world.repository(&happening.repository).ok_or_else(|| {
        Refusal::new(StatusCode::NOT_FOUND, format!("there is no repository {}", happening.repository))
    })?;
    let (name, repository_id) = (repository.name.clone(), repository.database_id);
    let last = repository.items.last_key_value().map_or(0, |(number, _)| *number);
    let number = happening.number.unwrap_or(last + 1);
    if i32::try_from(number).is_err() || number < 1 {
        return Err(unprocessable("number must be a positive 32-bit number"));
    }
    if repository.items.contains_key(&number) {
        return Err(conflict(format!("{name}#{number} is there already")));
    }
    let kind = happening.kind.unwrap_or(Kind::Issue);
    let (prefix, name_of_kind) = match kind {
        Kind::Issue => ("I_", "An issue"),
        Kind::PullRequest => ("PR_", "A pull request"),
    };
    let title = title(happening)?.map_or_else(|| format!("{name_of_kind} of today"), str::to_owned);
    let at = happening.at.map_or(world.now(), whole_seconds);
    let database_id = world.next_id();
    let item = Item {
        repository: name,
        repository_id,
        database_id,
        node_id: node_id(prefix, &[0, repository_id, database_id]),
        kind,
        number,
        title,
        body: happening.body.clone().unwrap_or_default(),
        author: actor.cloned(),
        state: State::Open,
        labels: happening.labels.clone(),
        comments: Vec::new(),
        reviews: Vec::new(),
        events: Vec::new(),
        reactions: 0,
        commits: i32::from(kind == Kind::PullRequest),
        created_at: at,
        updated_at: at,
        closed_at: None,
        merged_at: None,
        merged_by: None,
    };
    Ok(world.put(item))
}

/// Takes an issue away: it is deleted, or another repository's from now on, under another number.
fn take_away(world: &mut World, happening: &Happening) -> Result<Arc<Item>, Refusal> {
    let item = find(world, happening)?;
    if item.kind == Kind::PullRequest {
        return Err(unprocessable("a pull request stays where it is"));
    }
    world.remove(&item);
    Ok(Arc::new(item))
}

/// A change that is under way.
struct Change<'a> {
    happening: &'a Happening,
    actor: Option<&'a Arc<Actor>>,
    at: Timestamp,
}

impl Change<'_> {
    fn make(&self, world: &mut World, action: Action, item: &mut Item) -> Result<Word, Refusal> {
        match action {
            Action::Opened | Action::Deleted | Action::Transferred => {
                Err(conflict("this makes an item, or takes it away"))
            }
            Action::Edited => self.edit(item),
            Action::Labeled => self.label(item),
            Action::Unlabeled => self.unlabel(item),
            Action::Commented => Ok(self.comment(world, item)),
            Action::CommentDeleted => self.delete_comment(item),
            Action::Closed => {
                expect(item.is_open(), "it is not open")?;
                item.close(world.next_id(), self.at, self.actor.cloned());
                Ok(Word::of("closed"))
            }
            Action::Reopened => {
                expect(item.state == State::Closed, "it is not closed")?;
                item.reopen(world.next_id(), self.at, self.actor.cloned());
                Ok(Word::of("reopened"))
            }
            Action::Merged => {
                expect_pull_request(item)?;
                expect(item.is_open(), "it is not open")?;
                let ids = (world.next_id(), world.next_id());
                item.merge(ids, self.at, self.actor.cloned());
                Ok(Word::of("closed"))
            }
            Action::Reviewed => {
                expect_pull_request(item)?;
                Ok(self.review(world, item))
            }
        }
    }

    fn comment(&self, world: &mut World, item: &mut Item) -> Word {
        let body = self.happening.body.clone().unwrap_or_else(|| "A word about this.".to_owned());
        let comment = item.add_comment(world.next_id(), self.at, self.actor.cloned(), body);
        Word::about("created", "issue_comment", json!({"comment": webhook::comment(item, &comment)}))
    }

    /// The last comment goes.
    fn delete_comment(&self, item: &mut Item) -> Result<Word, Refusal> {
        let comment = item.comments.pop().ok_or_else(|| conflict("it has no comment"))?;
        item.touch(self.at);
        Ok(Word::about("deleted", "issue_comment", json!({"comment": webhook::comment(item, &comment)})))
    }

    fn review(&self, world: &mut World, item: &mut Item) -> Word {
        let verdict = self.happening.review.unwrap_or(Verdict::Commented);
        let body = self.happening.body.clone().unwrap_or_default();
        let review = item.add_review(world.next_id(), self.at, self.actor.cloned(), verdict, body);
        Word::about("submitted", "pull_request_review", json!({"review": webhook::review(item, &review)}))
    }

    fn edit(&self, item: &mut Item) -> Result<Word, Refusal> {
        let mut changes = json!({});
        if let Some(title) = title(self.happening)? {
            changes["title"] = json!({"from": item.title});
            title.clone_into(&mut item.title);
        }
        if let Some(body) = &self.happening.body {
            changes["body"] = json!({"from": item.body});
            item.body.clone_from(body);
        }
        if changes == json!({}) {
            return Err(unprocessable("title or body is needed for this action"));
        }
        item.touch(self.at);
        Ok(Word { extra: json!({"changes": changes}), ..Word::of("edited") })
    }

    fn label(&self, item: &mut Item) -> Result<Word, Refusal> {
        let label = label(self.happening)?;
        expect(!item.labels.iter().any(|one| one == label), "it has that label")?;
        item.labels.push(label.to_owned());
        item.touch(self.at);
        Ok(Word { extra: json!({"label": webhook::label(label)}), ..Word::of("labeled") })
    }

    fn unlabel(&self, item: &mut Item) -> Result<Word, Refusal> {
        let label = label(self.happening)?;
        let place = item.labels.iter().position(|one| one == label);
        item.labels.remove(place.ok_or_else(|| conflict("it has no such label"))?);
        item.touch(self.at);
        Ok(Word { extra: json!({"label": webhook::label(label)}), ..Word::of("unlabeled") })
    }
}

fn expect(right: bool, otherwise: &str) -> Result<(), Refusal> {
    if right { Ok(()) } else { Err(conflict(otherwise)) }
}

fn expect_pull_request(item: &Item) -> Result<(), Refusal> {
    if item.kind == Kind::PullRequest { Ok(()) } else { Err(unprocessable("it is no pull request")) }
}

/// How a webhook tells of a change, the item apart.
struct Word {
    action: &'static str,
    /// The event's name where it is not that of the item's kind.
    event: Option<&'static str>,
    /// What the payload has besides.
    extra: Value,
}

impl Word {
    fn of(action: &'static str) -> Self {
        Self { action, event: None, extra: json!({}) }
    }

    fn about(action: &'static str, event: &'static str, extra: Value) -> Self {
        Self { action, event: Some(event), extra }
    }

    /// The webhook about `item` as it is after the change.
    fn tell(self, item: &Item, world: &World, sender: Option<&Arc<Actor>>) -> Told {
        let event = self.event.unwrap_or(match item.kind {
            Kind::Issue => "issues",
            Kind::PullRequest => "pull_request",
        });
        let mut payload = self.extra;
        payload["action"] = json!(self.action);
        // A comment on a pull request speaks of an issue too.
        if matches!(event, "issues" | "issue_comment") {
            payload["issue"] = webhook::issue(item);
        } else {
            payload["pull_request"] = webhook::pull_request(item);
        }
        if event == "pull_request" {
            payload["number"] = json!(item.number);
        }
        if let Some(repository) = world.repository(item.repository.as_str()) {
            payload["repository"] = webhook::repository(repository);
        }
        payload["sender"] = webhook::user(sender.map(AsRef::as_ref));
        Told { event, payload }
    }
}
