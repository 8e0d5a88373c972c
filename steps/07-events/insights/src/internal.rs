//! What the pages ask: `/internal/measures`, `/internal/leaderboard`, `/internal/latest-year`. The gateway never leads there.

use std::sync::Arc;

use axum::{Json, Router, extract::State, middleware, routing::get};
use chassis::{
    Problem,
    auth::{self, Secret},
    extract::Query,
};
use domain::{Leaderboard, Measures, MeasuresQuery};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use step_02_contracts::{Ctx, Fault, Insights};
use step_07_messaging::parked;
use utoipa::{IntoParams, OpenApi, ToSchema};

type Port = State<Arc<dyn Insights>>;

/// What this router answers, described.
#[derive(OpenApi)]
#[openapi(paths(measures, leaderboard, latest_year), components(schemas(Problem)))]
pub struct Document;

/// The description of what clients ask at `paths`, and of what is here.
pub(crate) fn described(paths: &[&str]) -> Value {
    let mut between_services = Document::openapi();
    between_services.merge(parked::Document::openapi());
    let between_services = serde_json::to_value(between_services).unwrap_or_default();
    automator_api::merged(automator_api::document_of(paths), &between_services)
}

/// The routes, for whoever shows `token`.
pub fn router(insights: Arc<dyn Insights>, token: Secret) -> Router {
    Router::new()
        .route("/internal/measures", get(measures))
        .route("/internal/leaderboard", get(leaderboard))
        .route("/internal/latest-year", get(latest_year))
        .with_state(insights)
        .layer(middleware::from_fn_with_state(Some(token), auth::services))
}

/// The measures of a period.
///
/// # Errors
/// 401 without the token of our services, 422 naming the parameter.
#[utoipa::path(
    get,
    path = "/internal/measures",
    params(MeasuresQuery),
    security(("token" = [])),
    responses(
        (status = 200, body = Measures),
        (status = 401, body = Problem, content_type = "application/problem+json"),
        (status = 422, body = Problem, content_type = "application/problem+json"),
    )
)]
async fn measures(
    State(insights): Port,
    ctx: Ctx,
    Query(query): Query<MeasuresQuery>,
) -> Result<Json<Measures>, Fault> {
    Ok(Json(insights.measures(&ctx, query).await?))
}

/// A year.
#[derive(Serialize, Deserialize, IntoParams, ToSchema)]
#[into_params(parameter_in = Query)]
struct Year {
    /// Of our era, UTC.
    year: i16,
}

/// The leaderboard of a year.
///
/// # Errors
/// 401 without the token of our services, 422 naming the parameter.
#[utoipa::path(
    get,
    path = "/internal/leaderboard",
    params(Year),
    security(("token" = [])),
    responses(
        (status = 200, body = Leaderboard),
        (status = 401, body = Problem, content_type = "application/problem+json"),
        (status = 422, body = Problem, content_type = "application/problem+json"),
    )
)]
async fn leaderboard(
    State(insights): Port,
    ctx: Ctx,
    Query(Year { year }): Query<Year>,
) -> Result<Json<Leaderboard>, Fault> {
    Ok(Json(insights.leaderboard(&ctx, year).await?))
}

/// The year of the latest merge.
///
/// # Errors
/// 401 without the token of our services.
#[utoipa::path(
    get,
    path = "/internal/latest-year",
    security(("token" = [])),
    responses(
        (status = 200, body = Year),
        (status = 401, body = Problem, content_type = "application/problem+json"),
    )
)]
async fn latest_year(State(insights): Port, ctx: Ctx) -> Result<Json<Year>, Fault> {
    Ok(Json(Year { year: insights.latest_year(&ctx).await? }))
}
