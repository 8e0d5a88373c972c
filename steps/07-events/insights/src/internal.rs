//! What the pages ask: `/internal/measures`, `/internal/leaderboard`, `/internal/latest-year`. The gateway never leads there.

use std::sync::Arc;

use axum::{Json, Router, extract::State, middleware, routing::get};
use chassis::{
    auth::{self, Secret},
    extract::Query,
};
use domain::{Leaderboard, Measures, MeasuresQuery};
use serde::{Deserialize, Serialize};
use step_02_contracts::{Ctx, Fault, Insights};

type Port = State<Arc<dyn Insights>>;

/// The routes, for whoever shows `token`.
pub fn router(insights: Arc<dyn Insights>, token: Secret) -> Router {
    Router::new()
        .route("/internal/measures", get(measures))
        .route("/internal/leaderboard", get(leaderboard))
        .route("/internal/latest-year", get(latest_year))
        .with_state(insights)
        .layer(middleware::from_fn_with_state(Some(token), auth::services))
}

async fn measures(
    State(insights): Port,
    ctx: Ctx,
    Query(query): Query<MeasuresQuery>,
) -> Result<Json<Measures>, Fault> {
    Ok(Json(insights.measures(&ctx, query).await?))
}

/// A year.
#[derive(Serialize, Deserialize)]
struct Year {
    year: i16,
}

async fn leaderboard(
    State(insights): Port,
    ctx: Ctx,
    Query(Year { year }): Query<Year>,
) -> Result<Json<Leaderboard>, Fault> {
    Ok(Json(insights.leaderboard(&ctx, year).await?))
}

async fn latest_year(State(insights): Port, ctx: Ctx) -> Result<Json<Year>, Fault> {
    Ok(Json(Year { year: insights.latest_year(&ctx).await? }))
}
