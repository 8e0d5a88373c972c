//! The part of GitHub's GraphQL schema that Automator and the simulators' own tests ask, with GitHub's own names and nullability.
//!
//! A test writes it down in `schema/checked.graphql`; `.ci/check-github-schema` compares that with the schema that GitHub
//! publishes, every type, field, argument and nullability.

mod connection;

use std::sync::{Arc, PoisonError, RwLock};

use async_graphql::{
    Context, EmptySubscription, Enum, Error, ID, InputObject, InputValueError, InputValueResult, Interface,
    Object, Scalar, ScalarType, Schema, SimpleObject, Union, Value,
};
use domain::{Kind, State};
use jiff::Timestamp;

use self::connection::{Connection, Edge, Paging, typed};
use super::{
    model::{self, ActorKind, EventKind, Verdict, World},
    rate::Budget,
};
use crate::faults::{Fault, FaultKind};

/// The schema that serves `POST /graphql`.
pub(crate) type GitHubSchema = Schema<Query, Mutation, EmptySubscription>;

/// The world as schema and control routes share it.
pub(crate) type SharedWorld = Arc<RwLock<World>>;

/// Builds the schema over `world`.
pub(crate) fn build(world: SharedWorld) -> GitHubSchema {
    Schema::build(Query, Mutation, EmptySubscription).data(world).finish()
}

/// The type of GitHub's error for a query that is too much for it.
pub(crate) const TOO_MUCH: &str = "RESOURCE_LIMITS_EXCEEDED";

/// An instant as GitHub writes it: RFC 3339, UTC, whole seconds.
#[derive(Debug, Clone, Copy)]
struct DateTime(Timestamp);

#[Scalar(name = "DateTime")]
impl ScalarType for DateTime {
    fn parse(value: Value) -> InputValueResult<Self> {
        match &value {
            Value::String(text) => text.parse().map(Self).map_err(InputValueError::custom),
            _ => Err(InputValueError::expected_type(value)),
        }
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_string())
    }
}

/// An RFC 3986 address.
#[derive(Debug, Clone)]
struct Uri(String);

#[Scalar(name = "URI")]
impl ScalarType for Uri {
    fn parse(value: Value) -> InputValueResult<Self> {
        match value {
            Value::String(text) => Ok(Self(text)),
            _ => Err(InputValueError::expected_type(value)),
        }
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.clone())
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
enum IssueState {
    Closed,
    Open,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
enum PullRequestState {
    Closed,
    Merged,
    Open,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
enum PullRequestReviewState {
    Approved,
    ChangesRequested,
    Commented,
    Dismissed,
    Pending,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
enum IssueOrderField {
    Comments,
    CreatedAt,
    UpdatedAt,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
enum OrderDirection {
    Asc,
    Desc,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
enum IssueTimelineItemsItemType {
    ClosedEvent,
    ReopenedEvent,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[expect(clippy::enum_variant_names, reason = "GitHub's")]
enum PullRequestTimelineItemsItemType {
    ClosedEvent,
    MergedEvent,
    ReopenedEvent,
}

#[derive(Debug, InputObject)]
struct IssueOrder {
    direction: OrderDirection,
    field: IssueOrderField,
}

#[derive(Debug, Default, InputObject)]
struct IssueFilters {
    /// Only what changed at this instant or later.
    since: Option<DateTime>,
}

#[derive(Debug, Clone, Interface)]
#[graphql(field(name = "login", ty = "String"))]
enum Actor {
    Bot(Bot),
    User(User),
}

#[derive(Interface)]
#[graphql(field(name = "id", ty = "ID"))]
enum Node {
    Issue(Issue),
    PullRequest(PullRequest),
    Repository(Repository),
}

#[derive(Debug, Clone)]
struct User(Arc<model::Actor>);

#[Object]
impl User {
    async fn login(&self) -> String {
        self.0.login.clone()
    }
}

#[derive(Debug, Clone)]
struct Bot(Arc<model::Actor>);

#[Object]
impl Bot {
    /// Without `[bot]`, unlike in webhooks and in the REST API.
    async fn login(&self) -> String {
        self.0.login.clone()
    }
}

/// The author, closer or merger; nobody when the account was deleted.
fn actor(actor: Option<&Arc<model::Actor>>) -> Option<Actor> {
    let actor = actor?;
    Some(match actor.kind {
        ActorKind::User => Actor::User(User(actor.clone())),
        ActorKind::Bot => Actor::Bot(Bot(actor.clone())),
    })
}

#[derive(Debug, Clone)]
struct Label {
    item: Arc<model::Item>,
    index: usize,
}

impl Label {
    fn text(&self) -> &str {
        &self.item.labels[self.index]
    }
}

#[Object]
impl Label {
    async fn name(&self) -> &str {
        self.text()
    }
}

/// Reactions are counted, not listed.
#[derive(Debug, SimpleObject)]
struct ReactionConnection {
    total_count: i32,
}

#[derive(Debug, Clone)]
struct IssueComment(Arc<model::Comment>);

#[Object]
impl IssueComment {
    async fn author(&self) -> Option<Actor> {
        actor(self.0.author.as_ref())
    }
    async fn body(&self) -> &str {
        &self.0.body
    }
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created_at)
    }
    async fn id(&self) -> ID {
        ID(self.0.node_id.clone())
    }
}

#[derive(Debug, Clone)]
struct PullRequestReview(Arc<model::Review>);

#[Object]
impl PullRequestReview {
    async fn author(&self) -> Option<Actor> {
        actor(self.0.author.as_ref())
    }
    async fn id(&self) -> ID {
        ID(self.0.node_id.clone())
    }
    async fn state(&self) -> PullRequestReviewState {
        self.0.verdict.into()
    }
    async fn submitted_at(&self) -> Option<DateTime> {
        Some(DateTime(self.0.submitted_at))
    }
}

#[derive(Debug, Clone)]
struct ClosedEvent(Arc<model::Event>);

#[Object]
impl ClosedEvent {
    async fn actor(&self) -> Option<Actor> {
        actor(self.0.actor.as_ref())
    }
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created_at)
    }
}

#[derive(Debug, Clone)]
struct ReopenedEvent(Arc<model::Event>);

#[Object]
impl ReopenedEvent {
    async fn actor(&self) -> Option<Actor> {
        actor(self.0.actor.as_ref())
    }
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created_at)
    }
}

#[derive(Debug, Clone)]
struct MergedEvent(Arc<model::Event>);

#[Object]
impl MergedEvent {
    async fn actor(&self) -> Option<Actor> {
        actor(self.0.actor.as_ref())
    }
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created_at)
    }
}

#[derive(Debug, Clone, Union)]
enum IssueTimelineItems {
    ClosedEvent(ClosedEvent),
    ReopenedEvent(ReopenedEvent),
}

#[derive(Debug, Clone, Union)]
#[expect(clippy::enum_variant_names, reason = "GitHub's")]
enum PullRequestTimelineItems {
    ClosedEvent(ClosedEvent),
    MergedEvent(MergedEvent),
    ReopenedEvent(ReopenedEvent),
}

/// The timeline of an item, oldest first; `entry` leaves out what was not asked for.
fn timeline<T>(
    item: &model::Item,
    paging: &Paging,
    entry: impl Fn(&Arc<model::Event>) -> Option<T>,
) -> Result<Connection<T>, Error> {
    let entry = |event: &Arc<model::Event>| Some((place(event.created_at, event.database_id), entry(event)?));
    let entries = item.events.iter().filter_map(entry).collect();
    Connection::of(entries, "timelineItems", paging, false)
}

fn place(at: Timestamp, number: impl Into<i64>) -> (i64, i64) {
    (at.as_second(), number.into())
}

fn comments(item: &model::Item, paging: &Paging) -> Result<Connection<IssueComment>, Error> {
    let node = |comment: &Arc<model::Comment>| {
        (place(comment.created_at, comment.database_id), IssueComment(comment.clone()))
    };
    Connection::of(item.comments.iter().map(node).collect(), "comments", paging, false)
}

fn labels(item: &Arc<model::Item>, paging: &Paging) -> Result<Connection<Label>, Error> {
    let all = (0_i64..).zip(0..item.labels.len());
    let all = all.map(|(place, index)| ((place, 0), Label { item: item.clone(), index }));
    Connection::of(all.collect(), "labels", paging, false)
}

fn reviews(item: &model::Item, paging: &Paging) -> Result<Connection<PullRequestReview>, Error> {
    let node = |review: &Arc<model::Review>| {
        (place(review.submitted_at, review.database_id), PullRequestReview(review.clone()))
    };
    Connection::of(item.reviews.iter().map(node).collect(), "reviews", paging, false)
}

/// The fault of this call that a query decides about, if it has one.
fn fault<'c>(ctx: &Context<'c>, kind: FaultKind) -> Option<&'c Fault> {
    ctx.data_opt::<Fault>().filter(|fault| fault.kind == kind)
}

/// The error of a field of `item` that is not shown.
fn forbidden(ctx: &Context<'_>, item: &model::Item) -> Option<Error> {
    let fault = fault(ctx, FaultKind::Forbidden)?;
    let is_meant = fault.field.as_deref() == Some(ctx.field().name())
        && fault.number.is_none_or(|number| number == item.number);
    is_meant.then(|| typed("FORBIDDEN", "Resource not accessible by integration"))
}

/// An object with the fields that issues and pull requests share, and its own.
macro_rules! item_object {
    ($name:ident { $($own:tt)* }) => {
        #[derive(Debug, Clone)]
        struct $name(Arc<model::Item>);

        #[Object]
        impl $name {
            async fn author(&self) -> Option<Actor> {
                actor(self.0.author.as_ref())
            }
            async fn closed_at(&self) -> Option<DateTime> {
                self.0.closed_at.map(DateTime)
            }
            async fn comments(
                &self,
                ctx: &Context<'_>,
                after: Option<String>,
                first: Option<i32>,
            ) -> Result<Connection<IssueComment>, Error> {
                if let Some(error) = forbidden(ctx, &self.0) {
                    return Err(error);
                }
                comments(&self.0, &Paging::new(ctx, after, first))
            }
            async fn created_at(&self) -> DateTime {
                DateTime(self.0.created_at)
            }
            async fn id(&self) -> ID {
                ID(self.0.node_id.clone())
            }
            async fn labels(
                &self,
                ctx: &Context<'_>,
                after: Option<String>,
                first: Option<i32>,
            ) -> Result<Option<Connection<Label>>, Error> {
                if let Some(error) = forbidden(ctx, &self.0) {
                    return Ok(null(ctx, &error));
                }
                labels(&self.0, &Paging::new(ctx, after, first)).map(Some)
            }
            async fn number(&self) -> i32 {
                i32::try_from(self.0.number).unwrap_or(i32::MAX)
            }
            async fn reactions(&self) -> ReactionConnection {
                ReactionConnection { total_count: self.0.reactions }
            }
            async fn title(&self) -> &str {
                &self.0.title
            }
            async fn updated_at(&self) -> DateTime {
                DateTime(self.0.updated_at)
            }
            async fn url(&self) -> Uri {
                Uri(self.0.url())
            }
            $($own)*
        }
    };
}

item_object!(Issue {
    async fn state(&self) -> IssueState {
        if self.0.is_open() { IssueState::Open } else { IssueState::Closed }
    }
    async fn timeline_items(
        &self,
        ctx: &Context<'_>,
        after: Option<String>,
        first: Option<i32>,
        item_types: Option<Vec<IssueTimelineItemsItemType>>,
    ) -> Result<Connection<IssueTimelineItems>, Error> {
        let wanted = |kind| item_types.as_ref().is_none_or(|wanted| wanted.contains(&kind));
        timeline(&self.0, &Paging::new(ctx, after, first), |event| match event.kind {
            EventKind::Closed if wanted(IssueTimelineItemsItemType::ClosedEvent) => {
                Some(IssueTimelineItems::ClosedEvent(ClosedEvent(event.clone())))
            }
            EventKind::Reopened if wanted(IssueTimelineItemsItemType::ReopenedEvent) => {
                Some(IssueTimelineItems::ReopenedEvent(ReopenedEvent(event.clone())))
            }
            _ => None,
        })
    }
});

item_object!(PullRequest {
    async fn merged(&self) -> bool {
        self.0.state == State::Merged
    }
    async fn merged_at(&self) -> Option<DateTime> {
        self.0.merged_at.map(DateTime)
    }
    async fn merged_by(&self) -> Option<Actor> {
        actor(self.0.merged_by.as_ref())
    }
    async fn reviews(
        &self,
        ctx: &Context<'_>,
        after: Option<String>,
        first: Option<i32>,
    ) -> Result<Option<Connection<PullRequestReview>>, Error> {
        if let Some(error) = forbidden(ctx, &self.0) {
            return Ok(null(ctx, &error));
        }
        reviews(&self.0, &Paging::new(ctx, after, first)).map(Some)
    }
    async fn state(&self) -> PullRequestState {
        match self.0.state {
            State::Open => PullRequestState::Open,
            State::Closed => PullRequestState::Closed,
            State::Merged => PullRequestState::Merged,
        }
    }
    async fn timeline_items(
        &self,
        ctx: &Context<'_>,
        after: Option<String>,
        first: Option<i32>,
        item_types: Option<Vec<PullRequestTimelineItemsItemType>>,
    ) -> Result<Connection<PullRequestTimelineItems>, Error> {
        use PullRequestTimelineItemsItemType as Wanted;
        let wanted = |kind| item_types.as_ref().is_none_or(|wanted| wanted.contains(&kind));
        timeline(&self.0, &Paging::new(ctx, after, first), |event| match event.kind {
            EventKind::Closed if wanted(Wanted::ClosedEvent) => {
                Some(PullRequestTimelineItems::ClosedEvent(ClosedEvent(event.clone())))
            }
            EventKind::Reopened if wanted(Wanted::ReopenedEvent) => {
                Some(PullRequestTimelineItems::ReopenedEvent(ReopenedEvent(event.clone())))
            }
            EventKind::Merged if wanted(Wanted::MergedEvent) => {
                Some(PullRequestTimelineItems::MergedEvent(MergedEvent(event.clone())))
            }
            _ => None,
        })
    }
});

impl From<Verdict> for PullRequestReviewState {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Approved => Self::Approved,
            Verdict::ChangesRequested => Self::ChangesRequested,
            Verdict::Commented => Self::Commented,
            Verdict::Dismissed => Self::Dismissed,
        }
    }
}

/// A repository as it was when the query began.
#[derive(Debug, Clone)]
struct Repository {
    node_id: String,
    items: Vec<Arc<model::Item>>,
}

impl Repository {
    fn of(repository: &model::Repository) -> Self {
        Self { node_id: repository.node_id(), items: repository.items.values().cloned().collect() }
    }

    /// The items that pass, in order, paged.
    fn list<T>(
        &self,
        ctx: &Context<'_>,
        field: &str,
        order: Option<IssueOrder>,
        paging: &Paging,
        pass: impl Fn(&model::Item) -> bool,
        node: impl Fn(Arc<model::Item>) -> T,
    ) -> Result<Connection<T>, Error> {
        let manages = fault(ctx, FaultKind::Heavy).and_then(|fault| fault.items);
        if manages.is_some_and(|items| paging.first > Some(items)) {
            return Err(typed(TOO_MUCH, "Resource limits for this query exceeded."));
        }
        let order =
            order.unwrap_or(IssueOrder { direction: OrderDirection::Asc, field: IssueOrderField::CreatedAt });
        let descending = order.direction == OrderDirection::Desc;
        let mut items: Vec<_> = self
            .items
            .iter()
            .filter(|item| pass(item))
            .map(|item| (order.field.place(item), item.clone()))
            .collect();
        items.sort_unstable_by_key(|(place, _)| *place);
        if descending {
            items.reverse();
        }
        let items = items.into_iter().map(|(place, item)| (place, node(item))).collect();
        Connection::of(items, field, paging, descending)
    }

    fn find(&self, kind: Kind, number: i32) -> Option<Arc<model::Item>> {
        let found = self.items.binary_search_by_key(&i64::from(number), |item| item.number).ok()?;
        Some(self.items[found].clone()).filter(|item| item.kind == kind)
    }
}

impl IssueOrderField {
    fn place(self, item: &model::Item) -> (i64, i64) {
        let number = i64::from(item.database_id);
        match self {
            Self::Comments => (i64::try_from(item.comments.len()).unwrap_or(i64::MAX), number),
            Self::CreatedAt => place(item.created_at, number),
            Self::UpdatedAt => place(item.updated_at, number),
        }
    }
}

fn is_in(item: &model::Item, states: Option<&[IssueState]>) -> bool {
    let state = if item.is_open() { IssueState::Open } else { IssueState::Closed };
    states.is_none_or(|states| states.contains(&state))
}

#[Object]
impl Repository {
    async fn id(&self) -> ID {
        ID(self.node_id.clone())
    }
    async fn issue(&self, ctx: &Context<'_>, number: i32) -> Option<Issue> {
        self.find(Kind::Issue, number).map(Issue).or_else(|| {
            let message = format!("Could not resolve to an Issue with the number of {number}.");
            null(ctx, &typed("NOT_FOUND", message))
        })
    }
    async fn issues(
        &self,
        ctx: &Context<'_>,
        after: Option<String>,
        filter_by: Option<IssueFilters>,
        first: Option<i32>,
        order_by: Option<IssueOrder>,
        states: Option<Vec<IssueState>>,
    ) -> Result<Connection<Issue>, Error> {
        let since = filter_by.unwrap_or_default().since;
        let pass = |item: &model::Item| {
            item.kind == Kind::Issue
                && since.is_none_or(|since| item.updated_at >= since.0)
                && is_in(item, states.as_deref())
        };
        self.list(ctx, "issues", order_by, &Paging::new(ctx, after, first), pass, Issue)
    }
    async fn pull_request(&self, ctx: &Context<'_>, number: i32) -> Option<PullRequest> {
        self.find(Kind::PullRequest, number).map(PullRequest).or_else(|| {
            let message = format!("Could not resolve to a PullRequest with the number of {number}.");
            null(ctx, &typed("NOT_FOUND", message))
        })
    }
    async fn pull_requests(
        &self,
        ctx: &Context<'_>,
        after: Option<String>,
        first: Option<i32>,
        order_by: Option<IssueOrder>,
        states: Option<Vec<PullRequestState>>,
    ) -> Result<Connection<PullRequest>, Error> {
        let pass = |item: &model::Item| {
            let state = match item.state {
                State::Open => PullRequestState::Open,
                State::Closed => PullRequestState::Closed,
                State::Merged => PullRequestState::Merged,
            };
            item.kind == Kind::PullRequest && states.as_ref().is_none_or(|states| states.contains(&state))
        };
        self.list(ctx, "pullRequests", order_by, &Paging::new(ctx, after, first), pass, PullRequest)
    }
}

/// The budget of the token that asks.
#[derive(Debug, SimpleObject)]
struct RateLimit {
    cost: i32,
    limit: i32,
    remaining: i32,
    reset_at: DateTime,
    used: i32,
}

/// `null` with `error` beside it, as GitHub answers a nullable field that it cannot resolve.
fn null<T>(ctx: &Context<'_>, error: &Error) -> Option<T> {
    ctx.add_error(ctx.set_error_path(error.clone().into_server_error(ctx.item.pos)));
    None
}

/// Works on the world while nobody changes it.
fn read<T>(ctx: &Context<'_>, work: impl FnOnce(&World) -> T) -> T {
    work(&ctx.data_unchecked::<SharedWorld>().read().unwrap_or_else(PoisonError::into_inner))
}

/// What can be asked.
pub(crate) struct Query;

#[Object]
impl Query {
    async fn node(&self, ctx: &Context<'_>, id: ID) -> Option<Node> {
        let found = read(ctx, |world| {
            Some(match world.node(&id)? {
                model::Node::Repository(repository) => Node::Repository(Repository::of(repository)),
                model::Node::Item(item) => node_of(item),
            })
        });
        found.or_else(|| null(ctx, &no_node(&id)))
    }

    async fn rate_limit(&self, ctx: &Context<'_>) -> Option<RateLimit> {
        let budget = ctx.data_opt::<Budget>()?;
        Some(RateLimit {
            cost: 1,
            limit: budget.limit,
            remaining: budget.remaining(),
            reset_at: DateTime(budget.reset_at),
            used: budget.used,
        })
    }

    async fn repository(&self, ctx: &Context<'_>, name: String, owner: String) -> Option<Repository> {
        let full = format!("{owner}/{name}");
        read(ctx, |world| world.repository(&full).map(Repository::of)).or_else(|| {
            let message = format!("Could not resolve to a Repository with the name '{full}'.");
            null(ctx, &typed("NOT_FOUND", message))
        })
    }

    /// The app that the token belongs to; `viewer` names it with its suffix, `author` without.
    async fn viewer(&self) -> User {
        User(model::Actor::user(format!("{}[bot]", super::APP)))
    }
}

fn node_of(item: &Arc<model::Item>) -> Node {
    match item.kind {
        Kind::Issue => Node::Issue(Issue(item.clone())),
        Kind::PullRequest => Node::PullRequest(PullRequest(item.clone())),
    }
}

fn no_node(id: &str) -> Error {
    typed("NOT_FOUND", format!("Could not resolve to a node with the global id of '{id}'"))
}

#[derive(Debug, InputObject)]
struct AddCommentInput {
    body: String,
    client_mutation_id: Option<String>,
    subject_id: ID,
}

#[derive(SimpleObject)]
struct AddCommentPayload {
    client_mutation_id: Option<String>,
    comment_edge: Option<Edge<IssueComment>>,
    subject: Option<Node>,
}

/// What can be changed.
pub(crate) struct Mutation;

#[Object]
impl Mutation {
    async fn add_comment(&self, ctx: &Context<'_>, input: AddCommentInput) -> Option<AddCommentPayload> {
        if input.body.trim().is_empty() {
            return null(ctx, &typed("UNPROCESSABLE", "Body cannot be blank"));
        }
        let world = ctx.data_unchecked::<SharedWorld>();
        let mut world = world.write().unwrap_or_else(PoisonError::into_inner);
        let Some(model::Node::Item(item)) = world.node(&input.subject_id) else {
            return null(ctx, &no_node(&input.subject_id));
        };
        let mut item = model::Item::clone(item);
        let at = world.next_instant(&item);
        let id = world.next_id();
        let comment = item.add_comment(id, at, Some(model::Actor::bot(super::APP)), input.body);
        let item = world.put(item);
        Some(AddCommentPayload {
            client_mutation_id: input.client_mutation_id,
            comment_edge: Some(Edge {
                cursor: connection::cursor(place(at, id)),
                node: Some(IssueComment(comment)),
            }),
            subject: Some(node_of(&item)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_has_the_names_that_were_checked_against_githubs() {
        let checked = include_str!("schema/checked.graphql");
        let ours = build(SharedWorld::default()).sdl();
        assert_eq!(
            ours, checked,
            "the schema changed: write it to src/github/schema/checked.graphql, \
             then compare it with GitHub's by .ci/check-github-schema"
        );
    }
}
