//! What other services ask: `/internal/waiting`, for digests. The gateway never leads there.

use std::sync::Arc;

use axum::{Json, Router, extract::State, middleware, routing::get};
use chassis::{
    auth::{self, Secret},
    extract::Query,
};
use domain::Item;
use serde::{Deserialize, Serialize};
use step_02_contracts::{Ctx, Fault, WaitingList};

/// How many items may be asked for at once.
const MOST: u32 = 1_000;

/// The route, for whoever shows `token`.
pub fn router(github: Arc<dyn WaitingList>, token: Secret) -> Router {
    Router::new()
        .route("/internal/waiting", get(waiting))
        .with_state(github)
        .layer(middleware::from_fn_with_state(Some(token), auth::services))
}

#[derive(Deserialize)]
struct Limit {
    limit: u32,
}

/// The first of the items that the community waits for, and how many there are.
#[derive(Serialize)]
struct Waiting {
    items: Vec<Item>,
    all: i64,
}

async fn waiting(
    State(github): State<Arc<dyn WaitingList>>,
    ctx: Ctx,
    Query(Limit { limit }): Query<Limit>,
) -> Result<Json<Waiting>, Fault> {
    if limit > MOST {
        return Err(Fault::invalid("limit", format!("must be at most {MOST}")));
    }
    let (items, all) = github.waiting(&ctx, limit).await?;
    Ok(Json(Waiting { items, all }))
}
