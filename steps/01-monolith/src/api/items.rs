//! `/api/items`

use automator_github::items;
use axum::{Json, extract::State as Shared};
use chassis::{
    Problem,
    extract::{Path, Query},
};
use domain::{Item, ItemQuery, Page};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{Result, state::State};

/// The routes of items.
pub fn router() -> OpenApiRouter<State> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(get))
}

/// Issues and pull requests, newest first.
#[utoipa::path(
    get,
    path = "/api/items",
    params(ItemQuery),
    responses((status = 200, body = Page<Item>), (status = 422, body = Problem, content_type = "application/problem+json"))
)]
pub async fn list(Shared(state): Shared<State>, Query(params): Query<ItemQuery>) -> Result<Json<Page<Item>>> {
    Ok(Json(items::page(&state.store, &params).await?))
}

/// One issue or pull request.
#[utoipa::path(
    get,
    path = "/api/items/{owner}/{name}/{number}",
    params(("owner" = String, Path), ("name" = String, Path), ("number" = i64, Path)),
    responses((status = 200, body = Item), (status = 404, body = Problem, content_type = "application/problem+json"))
)]
pub async fn get(
    Shared(state): Shared<State>,
    Path((owner, name, number)): Path<(String, String, i64)>,
) -> Result<Json<Item>> {
    Ok(Json(items::find(&state.store, &state.catalogue, &format!("{owner}/{name}#{number}")).await?))
}
