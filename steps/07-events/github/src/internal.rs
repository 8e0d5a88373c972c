//! What other services ask: `/internal/waiting`, for digests. The gateway never leads there.

use std::sync::Arc;

use axum::{Json, Router, extract::State, middleware, routing::get};
use chassis::{
    Problem,
    auth::{self, Secret},
    extract::Query,
};
use domain::Item;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use step_02_contracts::{Ctx, Fault, WaitingList};
use step_07_messaging::parked;
use utoipa::{IntoParams, OpenApi, ToSchema};

/// How many items may be asked for at once.
const MOST: u32 = 1_000;

/// What this router answers, described.
#[derive(OpenApi)]
#[openapi(paths(waiting), components(schemas(Problem)))]
pub struct Document;

/// The description of what clients ask at `paths`, and of what is here.
pub(crate) fn described(paths: &[&str]) -> Value {
    let mut between_services = Document::openapi();
    between_services.merge(parked::Document::openapi());
    let between_services = serde_json::to_value(between_services).unwrap_or_default();
    automator_api::merged(automator_api::document_of(paths), &between_services)
}

/// The route, for whoever shows `token`.
pub fn router(github: Arc<dyn WaitingList>, token: Secret) -> Router {
    Router::new()
        .route("/internal/waiting", get(waiting))
        .with_state(github)
        .layer(middleware::from_fn_with_state(Some(token), auth::services))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Limit {
    /// At most 1,000.
    #[param(maximum = 1_000)]
    limit: u32,
}

/// The first of the items that the community waits for, and how many there are.
#[derive(Serialize, ToSchema)]
struct WaitingItems {
    /// The longest wait first.
    items: Vec<Item>,
    /// Of all that wait.
    all: i64,
}

/// The items that the community waits for.
///
/// # Errors
/// 401 without the token of our services, 422 for a limit that is none.
#[utoipa::path(
    get,
    path = "/internal/waiting",
    params(Limit),
    security(("token" = [])),
    responses(
        (status = 200, body = WaitingItems),
        (status = 401, body = Problem, content_type = "application/problem+json"),
        (status = 422, body = Problem, content_type = "application/problem+json"),
    )
)]
async fn waiting(
    State(github): State<Arc<dyn WaitingList>>,
    ctx: Ctx,
    Query(Limit { limit }): Query<Limit>,
) -> Result<Json<WaitingItems>, Fault> {
    if limit > MOST {
        return Err(Fault::invalid("limit", format!("must be at most {MOST}")));
    }
    let (items, all) = github.waiting(&ctx, limit).await?;
    Ok(Json(WaitingItems { items, all }))
}
