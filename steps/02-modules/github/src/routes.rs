//! `/api/items`, `/api/repositories`, `/api/imports`, the tutorial's `/github/…`, and GitHub's own webhook

use std::sync::Arc;

use automator_github::{
    legacy::{Entry, Params},
    webhook::{self, LONGEST_PAYLOAD, signed},
};
use axum::{
    Json, Router,
    extract::{Request, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use chassis::{
    auth::Secret,
    extract::{Ignored, Path, Query, body},
    http,
    idempotency::{Answer, Keyed},
};
use domain::{Import, Item, ItemQuery, Kind, Page, PageQuery, RepositorySummary};
use step_02_contracts::{Ctx, Delivery, Fault, Github};
use uuid::Uuid;

/// What clients and GitHub ask.
pub const PATHS: [&str; 8] = [
    "/api/items",
    "/api/items/{owner}/{name}/{number}",
    "/api/repositories",
    "/api/imports",
    "/api/imports/{id}",
    "/github/issues",
    "/github/prs",
    "/webhooks/github",
];

type Port = State<Arc<dyn Github>>;

/// The routes of GitHub's side, over any `github`; those that want a token for a write.
pub fn router(github: Arc<dyn Github>) -> Router {
    Router::new()
        .route("/api/items", get(list))
        .route("/api/items/{owner}/{name}/{number}", get(find))
        .route("/api/repositories", get(repositories))
        .route("/api/imports", post(start))
        .route("/api/imports/{id}", get(import))
        .route("/github/issues", get(issues))
        .route("/github/prs", get(pull_requests))
        .with_state(github)
}

/// The route that GitHub tells, and signs for with `secret`; without a secret every webhook is refused.
pub fn intake(github: Arc<dyn Github>, secret: Option<Secret>) -> Router {
    let routes = Router::new().route("/webhooks/github", post(receive)).with_state(Intake { github, secret });
    http::limited(routes, LONGEST_PAYLOAD)
}

#[derive(Clone)]
struct Intake {
    github: Arc<dyn Github>,
    secret: Option<Secret>,
}

async fn list(
    State(github): Port,
    ctx: Ctx,
    Query(query): Query<ItemQuery>,
) -> Result<Json<Page<Item>>, Fault> {
    Ok(Json(github.page(&ctx, query).await?))
}

async fn find(
    State(github): Port,
    ctx: Ctx,
    Path((owner, name, number)): Path<(String, String, i64)>,
) -> Result<Json<Item>, Fault> {
    Ok(Json(github.item(&ctx, &format!("{owner}/{name}#{number}")).await?))
}

async fn repositories(
    State(github): Port,
    ctx: Ctx,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<RepositorySummary>>, Fault> {
    Ok(Json(github.repositories(&ctx, query).await?))
}

async fn start(State(github): Port, ctx: Ctx, Keyed(key, Ignored): Keyed<Ignored>) -> Result<Answer, Fault> {
    let started = github.start_import(&ctx, key).await?;
    Ok(started.answer(StatusCode::ACCEPTED)?.at(format!("/api/imports/{}", started.value.id)))
}

async fn import(State(github): Port, ctx: Ctx, Path(id): Path<Uuid>) -> Result<Json<Import>, Fault> {
    Ok(Json(github.import(&ctx, id).await?))
}

async fn issues(
    State(github): Port,
    ctx: Ctx,
    Query(params): Query<Params>,
) -> Result<Json<Vec<Entry>>, Fault> {
    open(&*github, &ctx, &params.repo, Kind::Issue).await
}

async fn pull_requests(
    State(github): Port,
    ctx: Ctx,
    Query(params): Query<Params>,
) -> Result<Json<Vec<Entry>>, Fault> {
    open(&*github, &ctx, &params.repo, Kind::PullRequest).await
}

async fn open(
    github: &dyn Github,
    ctx: &Ctx,
    repository: &str,
    kind: Kind,
) -> Result<Json<Vec<Entry>>, Fault> {
    let items = github.open(ctx, repository, kind).await?;
    Ok(Json(items.into_iter().map(Entry::from).collect()))
}

/// 401 wrong or missing signature, 400 no delivery id or event, or a payload that is not GitHub's, 413 too long.
async fn receive(
    State(Intake { github, secret }): State<Intake>,
    ctx: Ctx,
    headers: HeaderMap,
    request: Request,
) -> Result<StatusCode, Response> {
    let payload = body(request, &()).await.map_err(IntoResponse::into_response)?;
    let (id, event) = signed(&headers, secret.as_ref(), &payload).map_err(IntoResponse::into_response)?;
    let payload = webhook::payload(&headers, payload).map_err(IntoResponse::into_response)?;
    match github.deliver(&ctx, Delivery { id, event, payload }).await {
        Ok(()) => Ok(StatusCode::ACCEPTED),
        Err(Fault::Invalid(errors)) => {
            let reason = errors.into_iter().map(|error| error.message).next().unwrap_or_default();
            Err(webhook::not_githubs(&reason).into_response())
        }
        Err(fault) => Err(fault.into_response()),
    }
}
