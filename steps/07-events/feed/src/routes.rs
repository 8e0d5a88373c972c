//! What services ask: `/internal/feed`. The gateway never leads there.

use std::time::Duration;

use axum::{Json, Router, extract::State, middleware, routing::get};
use chassis::{
    Ctx, Fault, Problem,
    auth::{self, Secret},
    event::Recorded,
    extract::{Json as JsonBody, Query},
    http,
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::{IntoParams, OpenApi, ToSchema};

use crate::log::{Log, Message, Placed, Wanted};

/// The longest body, in bytes, and how many messages it may have.
const LONGEST_BODY: usize = 8 * 1024 * 1024;
const MOST: usize = 500;
/// How many messages an answer has at most.
const LIMIT: i64 = 500;
/// What is kept of the caller's time for the answer's way back.
const MARGIN: Duration = Duration::from_millis(200);
/// The longest kind, in bytes, and how many contexts and kinds may be wanted.
const LONGEST_NAME: usize = 100;
const MOST_WANTED: usize = 50;

/// What this router answers, described.
#[derive(OpenApi)]
#[openapi(paths(append, read, count), components(schemas(Problem)))]
pub struct Document;

/// The routes, for whoever shows `token`.
pub fn router(log: Log, token: Secret) -> Router {
    let routes = Router::new()
        .route("/internal/feed", get(read).post(append))
        .route("/internal/feed/count", get(count))
        .with_state(log)
        .layer(middleware::from_fn_with_state(Some(token), auth::services));
    http::limited(routes, LONGEST_BODY)
}

/// Messages to append, in this order.
#[derive(Deserialize, ToSchema)]
struct Append {
    /// As CloudEvents 1.0 names their parts. Each is kept as it comes, with what only its readers know.
    #[schema(value_type = Vec<Envelope>, max_items = 500)]
    messages: Vec<Box<RawValue>>,
}

/// What the feed has to find in a message.
#[derive(ToSchema)]
#[expect(dead_code, reason = "a description: messages are kept as text")]
struct Envelope {
    /// By which a repeat is known.
    #[schema(format = Uuid)]
    id: String,
    /// `github.item_opened`: the context and what has happened.
    #[schema(pattern = r"^[!-\-/-~]+\.[!-~]+$", max_length = 100)]
    r#type: String,
    /// How to read `data`.
    #[schema(minimum = 0, maximum = 4_294_967_295_i64)]
    version: i64,
    /// Why it came about.
    origin: String,
    /// What the order counts for.
    subject: String,
    /// When it was recorded; RFC 3339.
    #[schema(format = DateTime)]
    time: String,
    /// Anything.
    data: serde_json::Value,
}

/// Where the feed is.
#[derive(Serialize, ToSchema)]
struct Head {
    /// The position of the last message.
    head: i64,
}

/// Append messages, all or none. Those whose id is there already are passed over.
///
/// # Errors
/// 401 without the token of our services, 422 naming the message.
#[utoipa::path(
    post,
    path = "/internal/feed",
    request_body = Append,
    security(("token" = [])),
    responses(
        (status = 200, body = Head),
        (status = 400, body = Problem, content_type = "application/problem+json"),
        (status = 401, body = Problem, content_type = "application/problem+json"),
        (status = 413, body = Problem, content_type = "application/problem+json"),
        (status = 415, body = Problem, content_type = "application/problem+json"),
        (status = 422, body = Problem, content_type = "application/problem+json"),
    )
)]
async fn append(State(log): State<Log>, JsonBody(append): JsonBody<Append>) -> Result<Json<Head>, Fault> {
    if append.messages.len() > MOST {
        return Err(Fault::invalid("messages", format!("must be at most {MOST}")));
    }
    let messages: Vec<_> = append
        .messages
        .iter()
        .enumerate()
        .map(|(index, raw)| message(index, raw))
        .collect::<Result<_, _>>()?;
    let head = if messages.is_empty() { log.head().await?.position } else { log.append(&messages).await? };
    Ok(Json(Head { head }))
}

/// A message with a whole envelope: one that nobody can read would hold up all its readers, and none of them could park it.
fn message(index: usize, raw: &RawValue) -> Result<Message, Fault> {
    let field = || format!("messages[{index}]");
    let Recorded { id, kind, .. } =
        serde_json::from_str(raw.get()).map_err(|error| Fault::invalid(field(), error.to_string()))?;
    let is_kind =
        |text: &str| text.split_once('.').is_some_and(|(of, what)| !of.is_empty() && !what.is_empty());
    if !is_name(&kind) || !is_kind(&kind) {
        return Err(Fault::invalid(format!("{}.type", field()), "must be like github.item_opened"));
    }
    Ok(Message { id: id.to_string(), kind, text: raw.get().to_owned() })
}

/// No database takes every character.
fn is_name(text: &str) -> bool {
    (1..=LONGEST_NAME).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// What a reader asks for.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Ask {
    /// The position of the last message that was taken; 0 for all.
    #[param(minimum = 0)]
    after: i64,
    /// The id of the feed that gave this position, as its answers say. In another feed the reader is before the first message.
    feed: Option<String>,
    /// Contexts (`github`) and kinds (`github.comment`), with commas; 50 at most.
    #[param(pattern = "^[!-~]+$")]
    wants: String,
    /// How many messages at most, from 1 to 500.
    #[serde(default = "most")]
    #[param(minimum = 1, maximum = 500)]
    limit: i64,
    /// How many milliseconds to wait for a message, if there is none; less when the caller has less time.
    #[serde(default)]
    wait_ms: u64,
}

fn most() -> i64 {
    LIMIT
}

impl Ask {
    fn wanted(self) -> Result<Wanted, Fault> {
        if self.after < 0 {
            return Err(Fault::invalid("after", "must not be negative"));
        }
        if !(1..=LIMIT).contains(&self.limit) {
            return Err(Fault::invalid("limit", format!("must be from 1 to {LIMIT}")));
        }
        let names: Vec<String> =
            self.wants.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect();
        if !(1..=MOST_WANTED).contains(&names.len()) || !names.iter().all(|name| is_name(name)) {
            return Err(Fault::invalid("wants", format!("must be 1 to {MOST_WANTED} contexts and kinds")));
        }
        let (kinds, contexts) = names.into_iter().partition(|name| name.contains('.'));
        Ok(Wanted { after: self.after, feed: self.feed, contexts, kinds })
    }
}

/// Messages that follow.
#[derive(Serialize, ToSchema)]
struct Read {
    /// The id of this feed: of one that was made anew, it is another one.
    feed: String,
    /// In the order of their positions.
    messages: Vec<Placed>,
}

/// The next messages; waits for the first one (long polling).
///
/// # Errors
/// 401 without the token of our services, 422 naming the parameter.
#[utoipa::path(
    get,
    path = "/internal/feed",
    params(Ask),
    security(("token" = [])),
    responses(
        (status = 200, body = Read),
        (status = 401, body = Problem, content_type = "application/problem+json"),
        (status = 422, body = Problem, content_type = "application/problem+json"),
    )
)]
async fn read(State(log): State<Log>, ctx: Ctx, Query(ask): Query<Ask>) -> Result<Json<Read>, Fault> {
    let wait = Duration::from_millis(ask.wait_ms).min(ctx.remaining().saturating_sub(MARGIN));
    let limit = ask.limit;
    let (feed, messages) = log.read(ask.wanted()?, limit, wait).await?;
    Ok(Json(Read { feed, messages }))
}

/// How many messages there are.
#[derive(Serialize, ToSchema)]
struct Count {
    /// The id of this feed.
    feed: String,
    /// All of them, if the reader's position is one in another feed.
    count: i64,
}

/// How many messages follow.
///
/// # Errors
/// 401 without the token of our services, 422 naming the parameter.
#[utoipa::path(
    get,
    path = "/internal/feed/count",
    params(Ask),
    security(("token" = [])),
    responses(
        (status = 200, body = Count),
        (status = 401, body = Problem, content_type = "application/problem+json"),
        (status = 422, body = Problem, content_type = "application/problem+json"),
    )
)]
async fn count(State(log): State<Log>, Query(ask): Query<Ask>) -> Result<Json<Count>, Fault> {
    let (feed, count) = log.count(ask.wanted()?).await?;
    Ok(Json(Count { feed, count }))
}
