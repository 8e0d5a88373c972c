//! What GitHub tells: signed webhooks, as deliveries that may come twice, late or out of order.

use axum::{
    body::Bytes,
    http::{HeaderMap, StatusCode},
};
use chassis::{Problem, auth::Secret};
use domain::{Actor, Entry, Happened, ItemKey, Kind, Occurrence, RepositoryName, State, Trigger, text};
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use serde::Deserialize;
use sha2::Sha256;

use crate::client::Github;
use crate::told::{Snapshot, Told, url_of};

/// Whether `signature` (the header `X-Hub-Signature-256`, `sha256=` and 64 hex digits) is the
/// HMAC-SHA256 of `body` under `secret`; compared in constant time.
///
/// Source: GitHub, *Validating webhook deliveries*.
#[must_use]
pub fn is_signed(secret: &Secret, body: &[u8], signature: &str) -> bool {
    let Some(Ok(signature)) = signature.strip_prefix("sha256=").map(hex::decode) else { return false };
    // HMAC takes a key of any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.expose().as_bytes()) else { return false };
    mac.update(body);
    mac.verify_slice(&signature).is_ok()
}

/// The answer to a payload that is not GitHub's.
#[must_use]
pub fn not_githubs(reason: &str) -> Problem {
    let detail = format!("the payload is not GitHub's: {reason}");
    Problem::new(StatusCode::BAD_REQUEST, "not-githubs", detail)
}

/// The longest payload that we read, in bytes. GitHub sends up to 25 MB, but what we listen to, one
/// issue or pull request, stays far below this.
pub const LONGEST_PAYLOAD: usize = 5 * 1024 * 1024;

/// Id and event of a delivery, once its signature is known to be right.
///
/// # Errors
/// 401 wrong or missing signature, 400 no delivery id or event.
pub fn signed(
    headers: &HeaderMap,
    secret: Option<&Secret>,
    payload: &[u8],
) -> Result<(String, String), Problem> {
    let signature = header(headers, "x-hub-signature-256").unwrap_or_default();
    if !secret.is_some_and(|secret| is_signed(secret, payload, signature)) {
        return Err(Problem::new(
            StatusCode::UNAUTHORIZED,
            "bad-signature",
            "X-Hub-Signature-256 is not the body's signature under GITHUB_WEBHOOK_SECRET",
        ));
    }
    Ok((required(headers, "x-github-delivery")?, required(headers, "x-github-event")?))
}

fn header<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()
}

/// A header that GitHub always sends: 1 to 200 characters.
fn required(headers: &HeaderMap, name: &str) -> Result<String, Problem> {
    let value = header(headers, name).filter(|value| (1..=200).contains(&value.len()));
    value.map(str::to_owned).ok_or_else(|| {
        Problem::new(StatusCode::BAD_REQUEST, "not-githubs", format!("the header {name} is missing"))
    })
}

/// The JSON of a body: as it is, or the field `payload` of a form, which is how GitHub sends unless it is told otherwise. The signature
/// is over the body as it came.
///
/// # Errors
/// 400 for a form without that field.
pub fn payload(headers: &HeaderMap, body: Bytes) -> Result<Bytes, Problem> {
    let kind = header(headers, "content-type").unwrap_or_default();
    if !kind.trim_start().to_ascii_lowercase().starts_with("application/x-www-form-urlencoded") {
        return Ok(body);
    }
    let field = form_urlencoded::parse(&body).find(|(name, _)| name == "payload");
    let (_, json) = field.ok_or_else(|| not_githubs("a form without the field payload"))?;
    Ok(Bytes::from(json.into_owned()))
}

/// The repository that a payload speaks of, if it speaks of one.
#[derive(Debug, Deserialize)]
pub struct Envelope {
    /// Absent in an organisation's ping, for one.
    pub repository: Option<RepositoryNode>,
}

/// A repository as a payload names it.
#[derive(Debug, Deserialize)]
pub struct RepositoryNode {
    /// `owner/name`.
    pub full_name: String,
}

/// What a webhook says.
#[derive(Debug)]
pub struct Heard {
    /// The item as it is now, and what it adds to its timeline.
    pub told: Told,
    /// What happened that a rule may ask for.
    pub event: Option<Occurrence>,
}

impl Heard {
    /// The same, without an event where the account whose token we have has said something: GitHub tells us of our own comments
    /// too, and what a rule says must not set off a rule. Without a `github` we say nothing, so nothing is ours.
    #[must_use]
    pub async fn unless_ours(mut self, github: Option<&Github>) -> Self {
        if let Some(Occurrence { trigger: Trigger::CommentAdded, author: Some(author), .. }) = &self.event
            && let Some(github) = github
            && github.is_us(&author.login).await
        {
            self.event = None;
        }
        self
    }
}

/// Reads the payload of `event` about a tracked repository. `None` for an event or action that says
/// nothing about an item.
///
/// # Errors
/// A field that is missing or wrong, named.
pub fn read(
    event: &str,
    repository: &RepositoryName,
    body: &[u8],
) -> Result<Option<Heard>, serde_json::Error> {
    let heard = match event {
        "issues" => read_issue(repository, serde_json::from_slice(body)?),
        "pull_request" => read_pull_request(repository, serde_json::from_slice(body)?),
        "issue_comment" => read_comment(repository, serde_json::from_slice(body)?),
        "pull_request_review" => read_review(repository, serde_json::from_slice(body)?),
        _ => None,
    };
    Ok(heard)
}

fn read_issue(repository: &RepositoryName, payload: IssueEvent) -> Option<Heard> {
    let mut snapshot = payload.issue.snapshot(repository)?;
    let event = happened(&payload.action, &snapshot, payload.sender.as_ref(), payload.label);
    // The item is gone from here, and nothing more will be heard of it: nobody has to do anything about it. Nobody has closed it
    // either, so its timeline does not say so.
    let is_gone = matches!(payload.action.as_str(), "deleted" | "transferred");
    if is_gone {
        snapshot.state = State::Closed;
        snapshot.closed_at = snapshot.closed_at.or(Some(snapshot.updated_at));
    }
    let mut entries = changes(&payload.action, &snapshot, payload.sender, false);
    if is_gone {
        // As if it had never been opened, as far as anybody's waiting is measured: nobody has answered it or settled it.
        entries.push(Entry {
            happened: Happened::Deleted,
            ..Entry::opened(snapshot.author.clone(), snapshot.created_at)
        });
    }
    Some(Heard { told: news(snapshot, entries), event })
}

fn read_pull_request(repository: &RepositoryName, payload: PullRequestEvent) -> Option<Heard> {
    let merged = payload.pull_request.merged_at.is_some();
    let snapshot = payload.pull_request.snapshot(repository)?;
    let event = happened(&payload.action, &snapshot, payload.sender.as_ref(), payload.label);
    let entries = changes(&payload.action, &snapshot, payload.sender, merged);
    Some(Heard { told: news(snapshot, entries), event })
}

fn read_comment(repository: &RepositoryName, payload: CommentEvent) -> Option<Heard> {
    let snapshot = payload.issue.snapshot(repository)?;
    let happened = if payload.action == "deleted" { Happened::Deleted } else { Happened::Comment };
    let comment = payload.comment;
    let at = comment.created_at.as_millisecond();
    let author = actor(comment.user);
    let event = (payload.action == "created").then(|| said(&comment.node_id, &author));
    let entries = vec![Entry::word(happened, &comment.node_id, author, at)];
    Some(Heard { told: news(snapshot, entries), event })
}

fn read_review(repository: &RepositoryName, payload: ReviewEvent) -> Option<Heard> {
    let snapshot = payload.pull_request.snapshot(repository)?;
    let review = payload.review;
    let author = actor(review.user);
    let Some(at) = review.submitted_at else {
        return Some(Heard { told: news(snapshot, Vec::new()), event: None });
    };
    let event = (payload.action == "submitted").then(|| said(&review.node_id, &author));
    let entries = vec![Entry::word(Happened::Review, &review.node_id, author, at.as_millisecond())];
    Some(Heard { told: news(snapshot, entries), event })
}

/// What a webhook tells: never all that has happened.
fn news(snapshot: Snapshot, entries: Vec<Entry>) -> Told {
    Told { snapshot, entries, listed: false, whole: None }
}

/// The event of a comment or review.
fn said(node_id: &str, author: &Actor) -> Occurrence {
    let trigger = Trigger::CommentAdded;
    Occurrence { trigger, key: format!("{trigger} {node_id}"), author: Some(author.clone()), label: None }
}

/// The event that an action on an item is, if a rule may ask for it.
fn happened(
    action: &str,
    item: &Snapshot,
    sender: Option<&UserNode>,
    label: Option<LabelNode>,
) -> Option<Occurrence> {
    let (trigger, author, label) = match action {
        "opened" => (Trigger::ItemOpened, item.author.clone(), None),
        "labeled" => (Trigger::LabelAdded, actor(sender.cloned()), Some(label?.name)),
        _ => return None,
    };
    let key = match &label {
        // The same label may be put on again later; that is another event.
        Some(label) => format!("{trigger} {} {} {label}", item.key, item.updated_at),
        None => format!("{trigger} {}", item.key),
    };
    Some(Occurrence { trigger, key, author: Some(author), label })
}

/// The change of state that an action is, if it is one.
fn changes(action: &str, item: &Snapshot, sender: Option<UserNode>, merged: bool) -> Vec<Entry> {
    let by = actor(sender);
    match (action, item.closed_at) {
        // GitHub's timeline has both lines for a merge; so has ours.
        ("closed", Some(at)) if merged => {
            vec![Entry::change(Happened::Merged, by.clone(), at), Entry::change(Happened::Closed, by, at)]
        }
        ("closed", Some(at)) => vec![Entry::change(Happened::Closed, by, at)],
        ("reopened", _) => vec![Entry::change(Happened::Reopened, by, item.updated_at)],
        _ => Vec::new(),
    }
}

/// Who a payload says did it; an account that is gone is `null` or missing.
fn actor(user: Option<UserNode>) -> Actor {
    user.map_or_else(Actor::ghost, |user| Actor {
        bot: user.kind.as_deref() == Some("Bot"),
        login: user.login,
    })
}

// What we read of GitHub's payloads, under GitHub's names.

#[derive(Deserialize)]
struct IssueEvent {
    action: String,
    issue: ItemNode,
    sender: Option<UserNode>,
    /// The one that was added or taken away.
    label: Option<LabelNode>,
}

#[derive(Deserialize)]
struct PullRequestEvent {
    action: String,
    pull_request: PullRequestNode,
    sender: Option<UserNode>,
    label: Option<LabelNode>,
}

#[derive(Deserialize)]
struct CommentEvent {
    action: String,
    issue: ItemNode,
    comment: CommentNode,
}

#[derive(Deserialize)]
struct ReviewEvent {
    action: String,
    pull_request: PullRequestNode,
    review: ReviewNode,
}

#[derive(Deserialize)]
struct ItemNode {
    #[serde(deserialize_with = "text::name")]
    node_id: String,
    number: i64,
    #[serde(deserialize_with = "text::title")]
    title: String,
    #[serde(deserialize_with = "text::link_or_none")]
    html_url: String,
    user: Option<UserNode>,
    /// Missing where a delivery is about something else, as when an issue is pinned.
    state: Option<String>,
    labels: Option<Vec<LabelNode>>,
    comments: Option<i64>,
    reactions: Option<ReactionsNode>,
    created_at: Timestamp,
    updated_at: Timestamp,
    closed_at: Option<Timestamp>,
    /// There when the issue of a comment is a pull request.
    pull_request: Option<LinkNode>,
}

#[derive(Deserialize)]
struct LinkNode {
    merged_at: Option<Timestamp>,
}

#[derive(Deserialize)]
struct PullRequestNode {
    #[serde(flatten)]
    item: ItemNode,
    merged_at: Option<Timestamp>,
}

#[derive(Clone, Deserialize)]
struct UserNode {
    #[serde(deserialize_with = "text::name")]
    login: String,
    #[serde(rename = "type")]
    kind: Option<String>,
}

#[derive(Deserialize)]
struct LabelNode {
    #[serde(deserialize_with = "text::name")]
    name: String,
}

#[derive(Deserialize)]
struct ReactionsNode {
    total_count: i64,
}

#[derive(Deserialize)]
struct CommentNode {
    #[serde(deserialize_with = "text::name")]
    node_id: String,
    user: Option<UserNode>,
    created_at: Timestamp,
}

#[derive(Deserialize)]
struct ReviewNode {
    #[serde(deserialize_with = "text::name")]
    node_id: String,
    user: Option<UserNode>,
    submitted_at: Option<Timestamp>,
}

impl ItemNode {
    fn snapshot(self, repository: &RepositoryName) -> Option<Snapshot> {
        let (kind, merged_at) = match &self.pull_request {
            Some(link) => (Kind::PullRequest, link.merged_at),
            None => (Kind::Issue, None),
        };
        self.snapshot_of(repository, kind, merged_at.is_some())
    }

    fn snapshot_of(self, repository: &RepositoryName, kind: Kind, merged: bool) -> Option<Snapshot> {
        let key = ItemKey::new(repository.clone(), self.number)?;
        let state = match self.state?.as_str() {
            "open" => State::Open,
            _ if merged => State::Merged,
            _ => State::Closed,
        };
        Some(Snapshot {
            node_id: self.node_id,
            kind,
            title: self.title,
            url: url_of(self.html_url, &key, kind),
            author: actor(self.user),
            state,
            labels: self.labels.map(|labels| labels.into_iter().map(|label| label.name).collect()),
            comments: self.comments.map(|count| count.max(0)),
            reactions: self.reactions.map(|reactions| reactions.total_count.max(0)),
            key,
            created_at: self.created_at.as_millisecond(),
            updated_at: self.updated_at.as_millisecond(),
            closed_at: self.closed_at.map(Timestamp::as_millisecond),
        })
    }
}

impl PullRequestNode {
    fn snapshot(self, repository: &RepositoryName) -> Option<Snapshot> {
        let merged = self.merged_at.is_some();
        self.item.snapshot_of(repository, Kind::PullRequest, merged)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_of_githubs_own_example_is_taken_and_nothing_else() {
        // The values that GitHub's documentation gives to test an implementation with.
        let secret: Secret = "It's a Secret to Everybody".parse().unwrap();
        let good = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
        assert!(is_signed(&secret, b"Hello, World!", good));
        assert!(!is_signed(&secret, b"Hello, World?", good));
        for bad in ["", "sha256=", "sha1=00", &good[7..], &good[..70], &format!("{good}00"), "sha256=zz"] {
            assert!(!is_signed(&secret, b"Hello, World!", bad), "{bad}");
        }
    }

    #[test]
    fn a_form_has_its_payload_in_a_field_and_anything_else_is_the_payload() {
        let mut headers = HeaderMap::new();
        assert_eq!(payload(&headers, Bytes::from("{}")).unwrap(), "{}");
        headers.insert("content-type", "application/x-www-form-urlencoded; charset=utf-8".parse().unwrap());
        assert_eq!(
            payload(&headers, Bytes::from("a=b&payload=%7B%22a%22%3A%22%2B+%22%7D")).unwrap(),
            "{\"a\":\"+ \"}"
        );
        assert_eq!(payload(&headers, Bytes::from("{}")).unwrap_err().status, 400);
    }

    #[test]
    fn a_real_payload_may_lack_what_the_documentation_has() {
        let repository = "sendgrid/rest".parse().unwrap();
        let issue = r#"{"node_id":"I_1","number":1,"title":"a\u0000b\u202ec","html_url":"javascript:alert(1)","user":{"login":"x","type":null},
            "labels":null,"comments":-3,"created_at":"2019-06-01T00:00:00Z","updated_at":"2019-06-01T00:00:00Z","closed_at":null"#;
        let pinned = format!(r#"{{"action":"pinned","issue":{issue}}}}}"#);
        assert!(
            read("issues", &repository, pinned.as_bytes()).unwrap().is_none(),
            "it says nothing about the item"
        );
        let edited = format!(r#"{{"action":"edited","issue":{issue},"state":"open"}}}}"#);
        let Told { snapshot, .. } = read("issues", &repository, edited.as_bytes()).unwrap().unwrap().told;
        assert_eq!(snapshot.title, "a\u{fffd}b\u{202e}c");
        assert_eq!(snapshot.url, "https://github.com/sendgrid/rest/issues/1", "only a link is one");
        assert_eq!((snapshot.comments, snapshot.labels), (Some(0), None));
    }

    #[test]
    fn a_payload_without_a_needed_field_is_refused_by_its_name() {
        let repository = "sendgrid/rest".parse().unwrap();
        let error = read("issues", &repository, br#"{"action":"opened"}"#).unwrap_err();
        assert!(error.to_string().contains("issue"), "{error}");
        assert!(read("star", &repository, b"{}").unwrap().is_none());
    }
}
