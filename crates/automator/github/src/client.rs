//! Asks GitHub's GraphQL API (v4) for the items of a repository.

mod limit;

use std::{sync::Arc, time::Duration};

use anyhow::Context;
use chassis::{Fault, auth::Secret};
use domain::{Actor, Entry, Happened, ItemKey, Kind, RepositoryName, State, text};
use jiff::Timestamp;
use reqwest::{StatusCode, Url, header::HeaderMap};
use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use serde_json::{Value, json};
use tokio::{sync::watch, time::Instant};

use self::limit::Hold;
use crate::told::{Snapshot, Told, url_of};

/// How long one call may take.
const TIMEOUT: Duration = Duration::from_secs(20);

/// How long a comment may take: less than the lease of whoever makes it.
const COMMENT_TIMEOUT: Duration = Duration::from_secs(5);

/// Ends each comment of ours, unseen by people: GitHub tells us of our own comments too, and what we say must not set off
/// the rule that made us say it.
pub(crate) const OURS: &str = "\n\n<!-- automator -->";

/// How many times in a row a call may find GitHub unavailable before it is given up.
const TRIES: u32 = 8;

/// The waits between them: doubled from the first, no longer than the last.
const FIRST_WAIT: Duration = Duration::from_millis(100);
const LAST_WAIT: Duration = Duration::from_secs(5);

/// How many times a list is asked again for what did not fit; 100 rows each.
const MOST_PAGES: usize = 1_000;

/// Why GitHub did not give what we asked for.
#[derive(Debug, thiserror::Error)]
pub enum GithubError {
    /// No answer, half an answer or a 5xx, however often we asked.
    #[error("GitHub is not available: {0}")]
    Unavailable(String),
    /// An answer that asking again will not change.
    #[error("GitHub refused: {0}")]
    Refused(String),
}

impl From<GithubError> for Fault {
    /// Of a comment: [`Fault::Invalid`] naming `comment` when it is refused for good, [`Fault::Unavailable`] when it may work later.
    fn from(error: GithubError) -> Self {
        match error {
            GithubError::Refused(_) => Self::invalid("comment", error.to_string()),
            GithubError::Unavailable(_) => Self::Unavailable(error.to_string()),
        }
    }
}

/// The client. Each call waits out GitHub's limits and is repeated where GitHub is not available, so that a
/// failure costs one call and not the page it belongs to. Clones share the wait for the limits: nobody asks
/// while one was told to wait.
#[derive(Debug, Clone)]
pub struct Github {
    http: reqwest::Client,
    url: Url,
    token: Secret,
    hold: Arc<watch::Sender<Hold>>,
}

/// One page of a list.
#[derive(Debug)]
pub struct ListPage {
    /// The items with their timelines.
    pub items: Vec<Told>,
    /// Where the next page begins; `None` on the last.
    pub next: Option<String>,
}

impl Github {
    /// A client for the API at `url` (`https://api.github.com`).
    ///
    /// # Errors
    /// No certificate store, or a URL that cannot have a path.
    pub fn new(url: &Url, token: Secret) -> anyhow::Result<Self> {
        let url =
            chassis::client::under(url, &["graphql"]).context("GITHUB_API_URL is no http(s) address")?;
        let hold = Arc::new(watch::Sender::new(Hold::none()));
        Ok(Self { http: chassis::client::client(TIMEOUT)?, url, token, hold })
    }

    /// The limits as they come: each time GitHub wants us to wait, until when. The first time may be over.
    pub fn limits(&self) -> Limits {
        Limits(self.hold.subscribe())
    }

    /// Waits while GitHub wants us to.
    async fn ready(&self) {
        let mut until = self.hold.borrow().until;
        // It may have been put off meanwhile.
        while Instant::now() < until {
            tokio::time::sleep_until(until).await;
            until = self.hold.borrow().until;
        }
    }

    /// The page after `after` of the repository's issues or pull requests, oldest first, with every
    /// comment, review and change of state of its items.
    ///
    /// # Errors
    /// [`GithubError`].
    pub async fn list(
        &self,
        repository: &RepositoryName,
        kind: Kind,
        after: Option<&str>,
    ) -> Result<ListPage, GithubError> {
        let answer: ListData = self
            .ask(
                concat!(include_str!("list.graphql"), include_str!("fragments.graphql")),
                json!({
                    "owner": repository.owner(), "name": repository.name(), "after": after,
                    "issues": kind == Kind::Issue, "pullRequests": kind == Kind::PullRequest,
                }),
            )
            .await?;
        let found =
            answer.repository.ok_or_else(|| GithubError::Refused(format!("no repository {repository}")))?;
        let list = found
            .issues
            .or(found.pull_requests)
            .ok_or_else(|| GithubError::Unavailable("an answer without the list".to_owned()))?;
        let mut items = Vec::with_capacity(list.nodes.len());
        for mut node in list.nodes {
            self.complete(&mut node).await?;
            items.push(read_item(repository, kind, node)?);
        }
        Ok(ListPage { items, next: list.page_info.next() })
    }

    /// Reads on where a list beside an item has more than its first page.
    async fn complete(&self, node: &mut ItemNode) -> Result<(), GithubError> {
        for _ in 0..MOST_PAGES {
            let comments = node.comments.page_info.next();
            let reviews = node.reviews.as_ref().and_then(|reviews| reviews.page_info.next());
            let events = node.timeline_items.page_info.next();
            if comments.is_none() && reviews.is_none() && events.is_none() {
                return Ok(());
            }
            let answer: MoreData = self
                .ask(
                    concat!(include_str!("more.graphql"), include_str!("fragments.graphql")),
                    json!({
                        "id": node.id,
                        "comments": comments, "moreComments": comments.is_some(),
                        "reviews": reviews, "moreReviews": reviews.is_some(),
                        "events": events, "moreEvents": events.is_some(),
                    }),
                )
                .await?;
            let more = answer.node.unwrap_or_default();
            node.comments.extend(more.comments);
            if let Some(reviews) = &mut node.reviews {
                reviews.extend(more.reviews);
            }
            node.timeline_items.extend(more.timeline_items);
        }
        Err(GithubError::Refused(format!("{} has more pages than anybody reads", node.url)))
    }

    /// Comments on the item of that node id. Asks once, and does not wait for a limit: whoever calls has a lease to keep,
    /// and knows how to come back.
    ///
    /// # Errors
    /// [`GithubError`]. Unless GitHub refused, the comment may be there.
    pub async fn comment(&self, item: &str, text: &str) -> Result<(), GithubError> {
        #[derive(Deserialize)]
        struct Commented {}
        let limited = || GithubError::Unavailable("the rate limit is used up".to_owned());
        if Instant::now() < self.hold.borrow().until {
            return Err(limited());
        }
        let query = json!({
            "query": include_str!("comment.graphql"),
            "variables": { "item": item, "text": format!("{text}{OURS}") },
        });
        match tokio::time::timeout(COMMENT_TIMEOUT, self.ask_once::<Commented>(&query)).await {
            Ok(Ok(Commented {})) => Ok(()),
            Ok(Err(Failure::Limited)) => Err(limited()),
            Ok(Err(Failure::Error(error))) => Err(error),
            Err(_) => {
                Err(GithubError::Unavailable(format!("no answer within {} s", COMMENT_TIMEOUT.as_secs())))
            }
        }
    }

    /// Asks until there is an answer, GitHub refuses, or it was not available too often.
    ///
    /// A limit is no failure: how long an import waits for limits is bounded by who watches [`Github::limits`].
    async fn ask<T: DeserializeOwned>(&self, query: &str, variables: Value) -> Result<T, GithubError> {
        let body = json!({ "query": query, "variables": variables });
        let mut failed = 0;
        loop {
            self.ready().await;
            let error = match self.ask_once(&body).await {
                Ok(data) => return Ok(data),
                Err(Failure::Limited) => continue,
                Err(Failure::Error(error)) => error,
            };
            failed += 1;
            if failed >= TRIES || matches!(error, GithubError::Refused(_)) {
                return Err(error);
            }
            let wait = FIRST_WAIT.saturating_mul(1 << (failed - 1)).min(LAST_WAIT);
            tracing::warn!(%error, ?wait, "asking GitHub again");
            tokio::time::sleep(wait).await;
        }
    }

    /// Sends one query and reads its data.
    async fn ask_once<T: DeserializeOwned>(&self, query: &Value) -> Result<T, Failure> {
        let unavailable = |error: reqwest::Error| GithubError::Unavailable(error.without_url().to_string());
        let sent = Instant::now();
        let response = self
            .http
            .post(self.url.clone())
            .bearer_auth(self.token.expose())
            .json(query)
            .send()
            .await
            .map_err(unavailable)?;
        let (status, headers) = (response.status(), response.headers().clone());
        let body = response.bytes().await.map_err(unavailable)?;
        if !status.is_success() {
            return Err(self.refusal(sent, status, &headers, &body));
        }
        let not_as_agreed = |error: serde_json::Error| {
            GithubError::Unavailable(format!("an answer that is not as agreed: {error}"))
        };
        let answer: Answer = serde_json::from_slice(&body).map_err(not_as_agreed)?;
        if answer.errors.iter().any(|error| limit::is_limit(error.kind.as_deref(), &error.message)) {
            return Err(self.limited(sent, limit::named_wait(&headers)));
        }
        if let Some(error) = answer.errors.into_iter().next() {
            return Err(error.meaning().into());
        }
        let data =
            answer.data.ok_or_else(|| GithubError::Unavailable("an answer without data".to_owned()))?;
        let data: Data<T> = serde_json::from_value(data).map_err(not_as_agreed)?;
        self.hold.send_if_modified(|hold| {
            hold.answered();
            false
        });
        // The last call of the window is still answered; the next would not be.
        if let Some(limit) = data.rate_limit.filter(|limit| limit.remaining <= 0) {
            let _ = self.limited(sent, Some(limit::until(limit.reset_at.as_second())));
        }
        Ok(data.rest)
    }

    /// What an answer that is no success means.
    fn refusal(&self, sent: Instant, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Failure {
        #[derive(Deserialize)]
        struct Refusal {
            message: String,
        }
        let message = serde_json::from_slice(body).map_or(String::new(), |refusal: Refusal| refusal.message);
        if limit::is_limited(status, headers, &message) {
            self.limited(sent, limit::named_wait(headers))
        } else if status.is_server_error() {
            GithubError::Unavailable(status.to_string()).into()
        } else {
            GithubError::Refused(format!("{status}: {message}")).into()
        }
    }

    /// Lets nobody ask for as long as GitHub says, or as it advises where it says nothing.
    fn limited(&self, sent: Instant, named: Option<Duration>) -> Failure {
        self.hold.send_modify(|hold| hold.extend(sent, named));
        Failure::Limited
    }
}

/// Why one call brought nothing.
enum Failure {
    /// We asked too much; until when to wait is noted.
    Limited,
    Error(GithubError),
}

impl From<GithubError> for Failure {
    fn from(error: GithubError) -> Self {
        Self::Error(error)
    }
}

/// See [`Github::limits`].
#[derive(Debug)]
pub struct Limits(watch::Receiver<Hold>);

impl Limits {
    /// Until when GitHub wants us to wait, as of now.
    pub fn until(&mut self) -> Instant {
        self.0.borrow_and_update().until
    }

    /// Waits until GitHub wants us to wait again, or longer.
    pub async fn changed(&mut self) {
        if self.0.changed().await.is_err() {
            // No client is left that could meet a limit.
            std::future::pending::<()>().await;
        }
    }
}

/// The item and its timeline as the tables take them.
fn read_item(repository: &RepositoryName, kind: Kind, node: ItemNode) -> Result<Told, GithubError> {
    let wrong = || GithubError::Unavailable(format!("item {} is not as agreed", node.number));
    let state = match node.state.as_str() {
        "OPEN" => State::Open,
        "CLOSED" => State::Closed,
        "MERGED" => State::Merged,
        _ => return Err(wrong()),
    };
    let key = ItemKey::new(repository.clone(), node.number).ok_or_else(wrong)?;
    let mut entries = Vec::new();
    for comment in &node.comments.nodes {
        let at = comment.created_at.as_millisecond();
        entries.push(Entry::word(Happened::Comment, &comment.id, actor(comment.author.as_ref()), at));
    }
    for review in node.reviews.iter().flat_map(|reviews| &reviews.nodes) {
        // A review without a time is a draft that nobody else has seen.
        if let Some(at) = review.submitted_at {
            let at = at.as_millisecond();
            entries.push(Entry::word(Happened::Review, &review.id, actor(review.author.as_ref()), at));
        }
    }
    for event in &node.timeline_items.nodes {
        let happened = match event.kind.as_str() {
            "ClosedEvent" => Happened::Closed,
            "ReopenedEvent" => Happened::Reopened,
            "MergedEvent" => Happened::Merged,
            _ => continue,
        };
        entries.push(Entry::change(happened, actor(event.actor.as_ref()), event.created_at.as_millisecond()));
    }
    let url = url_of(node.url, &key, kind);
    let snapshot = Snapshot {
        key,
        kind,
        state,
        author: actor(node.author.as_ref()),
        labels: node.labels.into_iter().flat_map(|labels| labels.nodes).map(|label| label.name).collect(),
        comments: Some(node.comments.total_count.max(0)),
        reactions: Some(node.reactions.total_count.max(0)),
        created_at: node.created_at.as_millisecond(),
        updated_at: node.updated_at.as_millisecond(),
        closed_at: node.closed_at.map(Timestamp::as_millisecond),
        node_id: node.id,
        title: node.title,
        url,
    };
    Ok((snapshot, entries))
}

/// Who GraphQL says did it. An app's login comes bare here and as `name[bot]` in a webhook; we keep
/// the longer form.
fn actor(node: Option<&ActorNode>) -> Actor {
    match node {
        None => Actor::ghost(),
        Some(ActorNode { kind, login }) if kind == "Bot" => {
            Actor { login: format!("{}[bot]", login.trim_end_matches("[bot]")), bot: true }
        }
        Some(ActorNode { login, .. }) => Actor { login: login.clone(), bot: false },
    }
}

// What we read of GitHub's answers, under GitHub's names.

#[derive(Deserialize)]
struct Answer {
    // Read when the errors were: beside one, the data has holes.
    data: Option<Value>,
    #[serde(default)]
    errors: Vec<ErrorNode>,
}

#[derive(Deserialize)]
struct ErrorNode {
    #[serde(rename = "type")]
    kind: Option<String>,
    message: String,
}

impl ErrorNode {
    /// GitHub types what is wrong with a query; what went wrong on its own side has no type, or says so.
    fn meaning(self) -> GithubError {
        if self.kind.is_none() || self.message.contains("Something went wrong") {
            GithubError::Unavailable(self.message)
        } else {
            GithubError::Refused(self.message)
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Data<T> {
    rate_limit: Option<RateLimit>,
    #[serde(flatten)]
    rest: T,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RateLimit {
    remaining: i64,
    reset_at: Timestamp,
}

#[derive(Deserialize)]
struct ListData {
    repository: Option<RepositoryNode>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RepositoryNode {
    issues: Option<Connection<ItemNode>>,
    pull_requests: Option<Connection<ItemNode>>,
}

#[derive(Deserialize)]
struct MoreData {
    node: Option<MoreNode>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct MoreNode {
    comments: Option<Connection<CommentNode>>,
    reviews: Option<Connection<ReviewNode>>,
    timeline_items: Option<Connection<EventNode>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", bound(deserialize = "T: Deserialize<'de>"))]
struct Connection<T> {
    #[serde(default)]
    total_count: i64,
    page_info: PageInfo,
    #[serde(deserialize_with = "present", default = "Vec::new")]
    nodes: Vec<T>,
}

/// The elements of a list that are there: GitHub's lists, and each of their elements, may be null.
fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Vec<T>, D::Error> {
    let nodes: Option<Vec<Option<T>>> = Deserialize::deserialize(deserializer)?;
    Ok(nodes.unwrap_or_default().into_iter().flatten().collect())
}

impl<T> Connection<T> {
    /// Appends the page that was read after this one; a page that did not come ends the list.
    fn extend(&mut self, more: Option<Self>) {
        match more {
            Some(more) => {
                self.nodes.extend(more.nodes);
                self.page_info = more.page_info;
            }
            None => self.page_info = PageInfo::default(),
        }
    }
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct PageInfo {
    has_next_page: bool,
    end_cursor: Option<String>,
}

impl PageInfo {
    fn next(&self) -> Option<String> {
        self.end_cursor.clone().filter(|_| self.has_next_page)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ItemNode {
    #[serde(deserialize_with = "text::name")]
    id: String,
    number: i64,
    #[serde(deserialize_with = "text::title")]
    title: String,
    #[serde(deserialize_with = "text::link_or_none")]
    url: String,
    state: String,
    created_at: Timestamp,
    updated_at: Timestamp,
    closed_at: Option<Timestamp>,
    author: Option<ActorNode>,
    labels: Option<Labels>,
    reactions: Count,
    comments: Connection<CommentNode>,
    reviews: Option<Connection<ReviewNode>>,
    timeline_items: Connection<EventNode>,
}

#[derive(Deserialize)]
struct Labels {
    #[serde(deserialize_with = "present", default)]
    nodes: Vec<LabelNode>,
}

#[derive(Deserialize)]
struct LabelNode {
    #[serde(deserialize_with = "text::name")]
    name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Count {
    total_count: i64,
}

#[derive(Deserialize)]
struct ActorNode {
    #[serde(rename = "__typename")]
    kind: String,
    #[serde(deserialize_with = "text::name")]
    login: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CommentNode {
    #[serde(deserialize_with = "text::name")]
    id: String,
    created_at: Timestamp,
    author: Option<ActorNode>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ReviewNode {
    #[serde(deserialize_with = "text::name")]
    id: String,
    submitted_at: Option<Timestamp>,
    author: Option<ActorNode>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct EventNode {
    #[serde(rename = "__typename")]
    kind: String,
    created_at: Timestamp,
    actor: Option<ActorNode>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_went_wrong_at_github_is_worth_asking_again_and_what_is_wrong_with_the_query_is_not() {
        let meaning = |kind: Option<&str>, message: &str| {
            ErrorNode { kind: kind.map(str::to_owned), message: message.to_owned() }.meaning()
        };
        let timeout = "Something went wrong while executing your query.";
        assert!(matches!(meaning(None, "odd"), GithubError::Unavailable(_)));
        assert!(matches!(meaning(Some("INTERNAL"), timeout), GithubError::Unavailable(_)));
        assert!(matches!(meaning(Some("NOT_FOUND"), "Could not resolve"), GithubError::Refused(_)));
    }

    #[test]
    fn what_is_null_in_a_list_is_left_out() {
        let page = json!({ "hasNextPage": false, "endCursor": null });
        let item = json!({
            "id": "I_1", "number": 1, "title": "t", "url": "u", "state": "OPEN", "closedAt": null, "author": null,
            "createdAt": "2019-07-01T00:00:00Z", "updatedAt": "2019-07-01T00:00:00Z",
            "labels": { "nodes": [null, { "name": "bug" }] },
            "reactions": { "totalCount": 0 },
            "comments": {
                "pageInfo": page,
                "nodes": [null, { "id": "IC_1", "createdAt": "2019-07-02T00:00:00Z", "author": null }]
            },
            "reviews": { "pageInfo": page, "nodes": null },
            "timelineItems": { "pageInfo": page, "nodes": [null] },
        });
        let list: Connection<ItemNode> =
            serde_json::from_value(json!({ "pageInfo": page, "nodes": [null, item] })).unwrap();
        let repository = "sendgrid/rest".parse().unwrap();
        let [node] = <[_; 1]>::try_from(list.nodes).ok().unwrap();
        let (snapshot, entries) = read_item(&repository, Kind::Issue, node).unwrap();
        assert_eq!(snapshot.labels, ["bug"]);
        assert_eq!(entries.len(), 1);
    }
}
