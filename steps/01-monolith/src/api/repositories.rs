//! `/api/repositories`

use automator_github::repositories;
use axum::{Json, extract::State as Shared};
use chassis::{Problem, extract::Query};
use domain::{Page, PageQuery, RepositorySummary};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{Result, state::State};

/// The routes of repositories.
pub fn router() -> OpenApiRouter<State> {
    OpenApiRouter::new().routes(routes!(list))
}

/// The tracked repositories by name, with what is open in them.
#[utoipa::path(
    get,
    path = "/api/repositories",
    params(PageQuery),
    responses((status = 200, body = Page<RepositorySummary>), (status = 422, body = Problem, content_type = "application/problem+json"))
)]
pub async fn list(
    Shared(state): Shared<State>,
    Query(params): Query<PageQuery>,
) -> Result<Json<Page<RepositorySummary>>> {
    Ok(Json(repositories::page(&state.store, &params).await?))
}
