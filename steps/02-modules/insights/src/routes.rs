//! `/api/measures` and `/api/leaderboard`

use std::sync::Arc;

use automator_insights::YearParams;
use axum::{Json, Router, extract::State, routing::get};
use chassis::extract::Query;
use domain::{Leaderboard, Measures, MeasuresQuery};
use step_02_contracts::{Ctx, Fault, Insights};

type Port = State<Arc<dyn Insights>>;

/// The routes of measures, over any `insights`.
pub fn router(insights: Arc<dyn Insights>) -> Router {
    Router::new()
        .route("/api/measures", get(measures))
        .route("/api/leaderboard", get(leaderboard))
        .with_state(insights)
}

async fn measures(
    State(insights): Port,
    ctx: Ctx,
    Query(query): Query<MeasuresQuery>,
) -> Result<Json<Measures>, Fault> {
    Ok(Json(insights.measures(&ctx, query).await?))
}

async fn leaderboard(
    State(insights): Port,
    ctx: Ctx,
    Query(YearParams { year }): Query<YearParams>,
) -> Result<Json<Leaderboard>, Fault> {
    Ok(Json(insights.leaderboard(&ctx, year).await?))
}
