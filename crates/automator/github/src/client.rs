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
use store::retry::RetryPolicy;
use tokio::{
    sync::{OnceCell, watch},
    time::Instant,
};
use uuid::Uuid;

use self::limit::Hold;
use crate::told::{Snapshot, Told, url_of};

/// How long one call may take.
const TIMEOUT: Duration = Duration::from_secs(20);

/// How long a comment may take: less than the lease of whoever makes it.
const COMMENT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long whoever takes a webhook waits to learn which account is ours.
const LOGIN_TIMEOUT: Duration = Duration::from_secs(2);

/// How many times in a row a call may find GitHub unavailable before it is given up. Enough to come down to a page of one: see
/// [`Github::ask`].
const TRIES: i64 = 8;

/// The pauses between them.
const RETRY: RetryPolicy = RetryPolicy {
    first: Duration::from_millis(100),
    longest: Duration::from_secs(5),
    // The number of tries ends it.
    age: Duration::MAX,
};

/// How many items a page of a list has, unless GitHub cannot manage so many.
pub const PAGE: u32 = 50;

/// How many rows a page has of what did not fit beside an item, and how many such pages are read.
const MORE: u32 = 100;
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
    login: Arc<OnceCell<String>>,
}

/// One page of a list.
#[derive(Debug)]
pub struct ListPage {
    /// The items with their timelines.
    pub items: Vec<Told>,
    /// Whether GitHub has left some out, which it does not show to us: then nobody knows which.
    pub has_gaps: bool,
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
        Ok(Self { http: chassis::client::client(TIMEOUT)?, url, token, hold, login: Arc::default() })
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
    /// comment, review and change of state of its items. It has up to `first` items; where that is more than GitHub
    /// manages, `first` is fewer afterwards, for the pages that follow.
    ///
    /// # Errors
    /// [`GithubError`].
    pub async fn list(
        &self,
        repository: &RepositoryName,
        kind: Kind,
        after: Option<&str>,
        first: &mut u32,
    ) -> Result<ListPage, GithubError> {
        let before = Uuid::now_v7();
        let answer: ListData = self
            .ask(
                concat!(include_str!("list.graphql"), include_str!("fragments.graphql")),
                json!({
                    "owner": repository.owner(), "name": repository.name(), "after": after,
                    "issues": kind == Kind::Issue, "pullRequests": kind == Kind::PullRequest,
                }),
                first,
            )
            .await?;
        let found =
            answer.repository.ok_or_else(|| GithubError::Refused(format!("no repository {repository}")))?;
        let list = found
            .issues
            .or(found.pull_requests)
            .ok_or_else(|| GithubError::Unavailable("an answer without the list".to_owned()))?;
        let mut items = Vec::with_capacity(list.nodes.there.len());
        for mut node in list.nodes.there {
            self.complete(&mut node).await?;
            let whole = node.is_whole(kind).then_some(before);
            items.push(read_item(repository, kind, node, whole)?);
        }
        // More, and no way there: then it is not the end of the list.
        let is_cut_off = list.page_info.has_next_page && list.page_info.end_cursor.is_none();
        Ok(ListPage { items, has_gaps: list.nodes.has_gaps || is_cut_off, next: list.page_info.next() })
    }

    /// Reads on where a list beside an item has more than its first page. What GitHub refuses to go on with stays as it is.
    async fn complete(&self, node: &mut ItemNode) -> Result<(), GithubError> {
        let mut first = MORE;
        for _ in 0..MOST_PAGES {
            let labels = next_of(node.labels.as_ref());
            let comments = next_of(node.comments.as_ref());
            let reviews = next_of(node.reviews.as_ref());
            let events = next_of(node.timeline_items.as_ref());
            if labels.is_none() && comments.is_none() && reviews.is_none() && events.is_none() {
                return Ok(());
            }
            let answer = self
                .ask(
                    concat!(include_str!("more.graphql"), include_str!("fragments.graphql")),
                    json!({
                        "id": node.id,
                        "labels": labels, "moreLabels": labels.is_some(),
                        "comments": comments, "moreComments": comments.is_some(),
                        "reviews": reviews, "moreReviews": reviews.is_some(),
                        "events": events, "moreEvents": events.is_some(),
                    }),
                    &mut first,
                )
                .await;
            let more: MoreNode = match answer {
                Ok(MoreData { node: Some(more) }) => more,
                Ok(MoreData { node: None }) => return Ok(()),
                Err(GithubError::Refused(reason)) => {
                    tracing::warn!(reason, item = node.url, "GitHub does not show all of an item");
                    return Ok(());
                }
                Err(error) => return Err(error),
            };
            extend(&mut node.labels, labels.is_some(), more.labels);
            extend(&mut node.comments, comments.is_some(), more.comments);
            extend(&mut node.reviews, reviews.is_some(), more.reviews);
            extend(&mut node.timeline_items, events.is_some(), more.timeline_items);
        }
        Err(GithubError::Refused(format!("{} has more pages than anybody reads", node.url)))
    }

    /// Comments on the item of that node id, but never in answer to ourselves: `answers` is the login of whoever said what this is an
    /// answer to. Asks once, and does not wait for a limit: whoever calls has a lease to keep, and knows how to come back.
    ///
    /// # Errors
    /// [`GithubError`]. Unless GitHub refused, the comment may be there.
    pub async fn comment(&self, item: &str, text: &str, answers: Option<&str>) -> Result<(), GithubError> {
        #[derive(Deserialize)]
        struct Commented {}
        let commented = async {
            // First of all: GitHub will tell us of this comment, and by then we must know that it is ours.
            let own = self.login().await?;
            if answers.is_some_and(|login| own.eq_ignore_ascii_case(login)) {
                tracing::info!(item, "what would be answered was our own comment");
                return Ok(());
            }
            let variables = json!({ "item": item, "text": text });
            let Commented {} = self.ask_now(include_str!("comment.graphql"), variables).await?;
            Ok(())
        };
        in_time(COMMENT_TIMEOUT, commented).await
    }

    /// Whether `login`, as webhooks spell it, is the account whose token we have. `false` where GitHub does not say within two
    /// seconds which account that is. This process makes no comment before it has. One of another process of ours, which could ask, may
    /// set off a rule here meanwhile, which does what it does, but comments no more: see [`Github::comment`].
    pub async fn is_us(&self, login: &str) -> bool {
        match in_time(LOGIN_TIMEOUT, self.login()).await {
            Ok(own) => own.eq_ignore_ascii_case(login),
            Err(error) => {
                tracing::warn!(%error, "cannot ask GitHub whose token we have; nothing is taken for our own comment");
                false
            }
        }
    }

    /// The account that the token belongs to. GitHub is asked for it once.
    async fn login(&self) -> Result<&str, GithubError> {
        #[derive(Deserialize)]
        struct ViewerData {
            viewer: ViewerNode,
        }
        #[derive(Deserialize)]
        struct ViewerNode {
            login: String,
        }
        let login = self.login.get_or_try_init(|| async {
            let answer: ViewerData = self.ask_now(include_str!("viewer.graphql"), json!({})).await?;
            Ok(answer.viewer.login)
        });
        login.await.map(String::as_str)
    }

    /// Asks once, and not at all while a limit holds.
    async fn ask_now<T: DeserializeOwned>(&self, query: &str, variables: Value) -> Result<T, GithubError> {
        let limited = || GithubError::Unavailable("the rate limit is used up".to_owned());
        if Instant::now() < self.hold.borrow().until {
            return Err(limited());
        }
        match self.ask_once(&json!({ "query": query, "variables": variables })).await {
            Ok(data) => Ok(data),
            Err(Failure::Limited) => Err(limited()),
            Err(Failure::TooMuch(error) | Failure::Error(error)) => Err(error),
        }
    }

    /// Asks for a page of `first` until there is an answer, GitHub refuses, or it was not available too often.
    ///
    /// What GitHub cannot compute in its time ends as a 502, as a timeout, or in an error that says so. Asking for the same
    /// again is of no use then, so the page is halved: at once where GitHub says so, else when a second try has failed too.
    ///
    /// A limit is no failure: how long an import waits for limits is bounded by who watches [`Github::limits`].
    async fn ask<T: DeserializeOwned>(
        &self,
        query: &str,
        mut variables: Value,
        first: &mut u32,
    ) -> Result<T, GithubError> {
        let mut failed = 0;
        loop {
            self.ready().await;
            variables["first"] = json!(*first);
            let (error, is_too_much) =
                match self.ask_once(&json!({ "query": query, "variables": variables })).await {
                    Ok(data) => return Ok(data),
                    Err(Failure::Limited) => continue,
                    Err(Failure::TooMuch(error)) => (error, true),
                    Err(Failure::Error(error)) => (error, false),
                };
            failed += 1;
            let pause = RETRY.pause(failed, Duration::ZERO, None).filter(|_| failed < TRIES);
            let Some(pause) = pause.filter(|_| !matches!(error, GithubError::Refused(_))) else {
                return Err(error);
            };
            if is_too_much || failed > 1 {
                *first = (*first / 2).max(1);
            }
            tracing::warn!(%error, ?pause, first, "asking GitHub again");
            tokio::time::sleep(pause).await;
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
        if let Some(error) = answer.errors.iter().find(|error| error.is_too_much()) {
            return Err(Failure::TooMuch(GithubError::Unavailable(error.message.clone())));
        }
        if !answer.only_lacks_what_is_forbidden()
            && let Some(error) = answer.errors.into_iter().next()
        {
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
    /// We asked too often; until when to wait is noted.
    Limited,
    /// We asked for more than GitHub computes for one query.
    TooMuch(GithubError),
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

/// Does it within `time`.
async fn in_time<T>(
    time: Duration,
    work: impl Future<Output = Result<T, GithubError>>,
) -> Result<T, GithubError> {
    let late = |_| Err(GithubError::Unavailable(format!("no answer within {} s", time.as_secs())));
    tokio::time::timeout(time, work).await.unwrap_or_else(late)
}

/// The item and its timeline as the tables take them; `whole` as in [`Told`].
fn read_item(
    repository: &RepositoryName,
    kind: Kind,
    node: ItemNode,
    whole: Option<Uuid>,
) -> Result<Told, GithubError> {
    let wrong = || GithubError::Unavailable(format!("item {} is not as agreed", node.number));
    let state = match node.state.as_str() {
        "OPEN" => State::Open,
        "CLOSED" => State::Closed,
        "MERGED" => State::Merged,
        _ => return Err(wrong()),
    };
    let key = ItemKey::new(repository.clone(), node.number).ok_or_else(wrong)?;
    let mut entries = Vec::new();
    for comment in rows_of(node.comments.as_ref()) {
        let at = comment.created_at.as_millisecond();
        entries.push(Entry::word(Happened::Comment, &comment.id, actor(comment.author.as_ref()), at));
    }
    for review in rows_of(node.reviews.as_ref()) {
        // A review without a time is a draft that nobody else has seen.
        if let Some(at) = review.submitted_at {
            let at = at.as_millisecond();
            entries.push(Entry::word(Happened::Review, &review.id, actor(review.author.as_ref()), at));
        }
    }
    for event in rows_of(node.timeline_items.as_ref()) {
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
        labels: node
            .labels
            .filter(Connection::is_whole)
            .map(|labels| labels.nodes.there.into_iter().map(|label| label.name).collect()),
        comments: node.comments.map(|comments| comments.total_count.max(0)),
        reactions: node.reactions.map(|reactions| reactions.total_count.max(0)),
        created_at: node.created_at.as_millisecond(),
        updated_at: node.updated_at.as_millisecond(),
        closed_at: node.closed_at.map(Timestamp::as_millisecond),
        node_id: node.id,
        title: node.title,
        url,
    };
    Ok(Told { snapshot, entries, listed: true, whole })
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
    // Read when the errors were: beside one, the data has gaps.
    data: Option<Value>,
    #[serde(default)]
    errors: Vec<ErrorNode>,
}

#[derive(Deserialize)]
struct ErrorNode {
    #[serde(rename = "type")]
    kind: Option<String>,
    message: String,
    path: Option<Value>,
}

impl Answer {
    /// Whether the answer is there but for fields that GitHub does not show to us. They are `null`, or what has them is, and cost
    /// no more than that; unless nothing is left.
    fn only_lacks_what_is_forbidden(&self) -> bool {
        let is_forbidden = |error: &ErrorNode| error.kind.as_deref() == Some("FORBIDDEN");
        let mut fields = self.data.iter().filter_map(Value::as_object).flatten();
        let has_data = fields.any(|(name, value)| name != "rateLimit" && !value.is_null());
        if !has_data || !self.errors.iter().all(is_forbidden) {
            return false;
        }
        for ErrorNode { message, path, .. } in &self.errors {
            tracing::warn!(message, path = ?path, "GitHub does not show a field");
        }
        true
    }
}

impl ErrorNode {
    /// Whether it says that the query is too much for it, not that there were too many.
    fn is_too_much(&self) -> bool {
        self.kind.as_deref() == Some("RESOURCE_LIMITS_EXCEEDED")
    }

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

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct MoreNode {
    labels: Option<Connection<LabelNode>>,
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
    #[serde(default = "Nodes::unknown")]
    nodes: Nodes<T>,
}

/// The elements of a list that are there: GitHub's lists, and each of their elements, may be null.
struct Nodes<T> {
    there: Vec<T>,
    has_gaps: bool,
}

impl<T> Nodes<T> {
    fn unknown() -> Self {
        Self { there: Vec::new(), has_gaps: true }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Nodes<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Some(nodes): Option<Vec<Option<T>>> = Deserialize::deserialize(deserializer)? else {
            return Ok(Self::unknown());
        };
        let has_gaps = nodes.iter().any(Option::is_none);
        Ok(Self { there: nodes.into_iter().flatten().collect(), has_gaps })
    }
}

impl<T> Connection<T> {
    /// Whether nothing is missing any more.
    fn is_whole(&self) -> bool {
        !self.nodes.has_gaps && !self.page_info.has_next_page
    }
}

/// Where the next page of a list beside an item begins; `None` where there is none.
fn next_of<T>(list: Option<&Connection<T>>) -> Option<String> {
    list.and_then(|list| list.page_info.next())
}

fn rows_of<T>(list: Option<&Connection<T>>) -> impl Iterator<Item = &T> {
    list.into_iter().flat_map(|list| &list.nodes.there)
}

/// Appends the page that was read after `list`, if one `was_asked` for; one that did not come ends the list, with a gap.
fn extend<T>(list: &mut Option<Connection<T>>, was_asked: bool, more: Option<Connection<T>>) {
    let Some(list) = list.as_mut().filter(|_| was_asked) else { return };
    match more {
        Some(more) => {
            list.nodes.there.extend(more.nodes.there);
            list.nodes.has_gaps |= more.nodes.has_gaps;
            list.page_info = more.page_info;
        }
        None => {
            list.nodes.has_gaps = true;
            list.page_info = PageInfo::default();
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
    // Each may be missing where GitHub does not show it.
    labels: Option<Connection<LabelNode>>,
    reactions: Option<Count>,
    comments: Option<Connection<CommentNode>>,
    /// Of a pull request.
    reviews: Option<Connection<ReviewNode>>,
    timeline_items: Option<Connection<EventNode>>,
}

impl ItemNode {
    /// Whether every comment and review is there.
    fn is_whole(&self, kind: Kind) -> bool {
        self.comments.as_ref().is_some_and(Connection::is_whole)
            && (kind == Kind::Issue || self.reviews.as_ref().is_some_and(Connection::is_whole))
    }
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

    /// A client of a simulated GitHub; without one where nobody listens.
    async fn client(world: Option<simulators::State>) -> Github {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url: Url = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
        if let Some(world) = world {
            tokio::spawn(async move { axum::serve(listener, simulators::router(world)).await });
        }
        Github::new(&url, simulators::GITHUB_TOKEN.parse().unwrap()).unwrap()
    }

    #[tokio::test]
    async fn we_are_the_account_of_the_token_in_any_case_and_nobody_while_github_does_not_say() {
        let options = simulators::Options { github_points: 1, ..simulators::Options::default() };
        let github = client(Some(simulators::State::new(options).unwrap())).await;
        // One question is all that the budget pays for.
        for _ in 0..2 {
            assert!(github.is_us("Automator[bot]").await && !github.is_us("automator").await);
        }
        github.comment("I_1", "Again", Some("Automator[bot]")).await.unwrap();
        let asked = github.comment("I_1", "Thank you", Some("automator")).await;
        assert!(matches!(asked, Err(GithubError::Unavailable(_))), "{asked:?}");
        let nobody = client(None).await;
        assert!(!nobody.is_us("automator[bot]").await);
        let unasked = nobody.comment("I_1", "Thank you", None).await;
        assert!(matches!(unasked, Err(GithubError::Unavailable(_))), "{unasked:?}");
    }

    #[test]
    fn what_went_wrong_at_github_is_worth_asking_again_and_what_is_wrong_with_the_query_is_not() {
        let meaning = |kind: Option<&str>, message: &str| {
            ErrorNode { kind: kind.map(str::to_owned), message: message.to_owned(), path: None }.meaning()
        };
        let timeout = "Something went wrong while executing your query.";
        assert!(matches!(meaning(None, "odd"), GithubError::Unavailable(_)));
        assert!(matches!(meaning(Some("INTERNAL"), timeout), GithubError::Unavailable(_)));
        assert!(matches!(meaning(Some("NOT_FOUND"), "Could not resolve"), GithubError::Refused(_)));
    }

    fn node(comments: &Value) -> ItemNode {
        let page = json!({ "hasNextPage": false, "endCursor": null });
        let item = json!({
            "id": "I_1", "number": 1, "title": "t", "url": "u", "state": "OPEN", "closedAt": null, "author": null,
            "createdAt": "2019-07-01T00:00:00Z", "updatedAt": "2019-07-01T00:00:00Z",
            "labels": { "pageInfo": page, "nodes": [{ "name": "bug" }] },
            "reactions": { "totalCount": 0 },
            "comments": { "pageInfo": page, "nodes": comments },
            "reviews": { "pageInfo": page, "nodes": null },
            "timelineItems": { "pageInfo": page, "nodes": [null] },
        });
        let list: Connection<ItemNode> =
            serde_json::from_value(json!({ "pageInfo": page, "nodes": [null, item] })).unwrap();
        assert!(list.nodes.has_gaps);
        let [node] = <[_; 1]>::try_from(list.nodes.there).ok().unwrap();
        node
    }

    #[test]
    fn what_is_null_in_a_list_is_left_out_and_the_list_is_not_whole() {
        let comment = json!({ "id": "IC_1", "createdAt": "2019-07-02T00:00:00Z", "author": null });
        for (comments, is_whole, entries) in
            [(json!([comment]), true, 1), (json!([null, comment]), false, 1), (Value::Null, false, 0)]
        {
            let node = node(&comments);
            assert_eq!((node.is_whole(Kind::Issue), node.is_whole(Kind::PullRequest)), (is_whole, false));
            let told = read_item(&"sendgrid/rest".parse().unwrap(), Kind::Issue, node, None).unwrap();
            assert_eq!((told.snapshot.labels, told.entries.len()), (Some(vec!["bug".to_owned()]), entries));
        }
    }

    #[test]
    fn a_field_that_is_forbidden_costs_that_field_and_anything_else_the_answer() {
        let answer = |data: Value, kinds: &[&str]| -> Answer {
            let errors: Vec<_> =
                kinds.iter().map(|kind| json!({ "type": kind, "message": "m", "path": ["a"] })).collect();
            serde_json::from_value(json!({ "data": data, "errors": errors })).unwrap()
        };
        let partial = json!({ "rateLimit": { "remaining": 1 }, "repository": {} });
        assert!(answer(partial.clone(), &["FORBIDDEN"]).only_lacks_what_is_forbidden());
        assert!(!answer(partial, &["FORBIDDEN", "NOT_FOUND"]).only_lacks_what_is_forbidden());
        let nothing = json!({ "rateLimit": { "remaining": 1 }, "repository": null });
        assert!(!answer(nothing, &["FORBIDDEN"]).only_lacks_what_is_forbidden());
        assert!(!answer(Value::Null, &["FORBIDDEN"]).only_lacks_what_is_forbidden());
    }
}
