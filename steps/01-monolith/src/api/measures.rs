//! `/api/measures` and `/api/leaderboard`

use automator_insights::{
    ItemRow, LineRow, MergeRow, YearParams, check, leaders_of, measures_of, milliseconds,
};
use axum::Json;
use chassis::{Problem, extract::Query};
use domain::{Group, Leaderboard, Measures, MeasuresQuery};
use store::{Sql, query};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{Result, state::State};

/// The routes of measures.
pub fn router() -> OpenApiRouter<State> {
    OpenApiRouter::new().routes(routes!(measures)).routes(routes!(leaderboard))
}

/// How long the community waits. A wait counts in the period in which it ended.
#[utoipa::path(
    get,
    path = "/api/measures",
    params(MeasuresQuery),
    responses((status = 200, body = Measures), (status = 422, body = Problem, content_type = "application/problem+json"))
)]
pub async fn measures(
    state: axum::extract::State<State>,
    Query(params): Query<MeasuresQuery>,
) -> Result<Json<Measures>> {
    Ok(Json(measure(&state, &params).await?))
}

/// Measures a period.
///
/// # Errors
/// 422 for a period that ends before it begins.
pub async fn measure(state: &State, params: &MeasuresQuery) -> Result<Measures> {
    check(params)?;
    // Two statements, because their join would repeat an item with each of its lines: of 97,000 items it took longer than anybody waits.
    let lines: Vec<LineRow> = query(
        "SELECT w.item_id, w.kind, w.at, w.bot, CAST(CASE WHEN m.id IS NULL THEN 0 ELSE 1 END AS BIGINT) AS maintainer \
         FROM timeline w LEFT JOIN members m ON m.login = w.actor AND m.active = 1 \
         WHERE w.kind <> 'deleted' ORDER BY w.item_id, w.at, w.source",
    )
    .fetch_all(&state.store)
    .await?;
    let mut sql = Sql::new("SELECT i.id AS item_id, ");
    sql.push(match params.group.unwrap_or(Group::Repository) {
        Group::Repository => "r.name",
        Group::Language => "r.language",
        Group::Category => "i.category",
    });
    sql.push(
        " AS key, i.labels, i.waiting_since FROM items i JOIN repositories r ON r.id = i.repository_id WHERE r.tracked = 1",
    );
    let items: Vec<ItemRow> = sql.fetch_all(&state.store).await?;
    Ok(measures_of(&items, &lines, params, store::now())?)
}

/// Who of the community has had pull requests merged in a year, or reviewed others' that were.
#[utoipa::path(
    get,
    path = "/api/leaderboard",
    params(YearParams),
    responses((status = 200, body = Leaderboard), (status = 422, body = Problem, content_type = "application/problem+json"))
)]
pub async fn leaderboard(
    state: axum::extract::State<State>,
    Query(YearParams { year }): Query<YearParams>,
) -> Result<Json<Leaderboard>> {
    Ok(Json(leaders(&state, year).await?))
}

/// The leaderboard of a year.
///
/// # Errors
/// 422 for a year that GitHub has not seen.
pub async fn leaders(state: &State, year: i16) -> Result<Leaderboard> {
    let of_year = milliseconds(year)?;
    let mut sql = Sql::new(
        "SELECT i.id AS item_id, o.actor AS author, o.bot AS author_bot, \
                CAST(CASE WHEN am.id IS NULL THEN 0 ELSE 1 END AS BIGINT) AS author_maintains, i.difficulty, v.actor AS reviewer \
         FROM items i JOIN repositories r ON r.id = i.repository_id AND r.tracked = 1 \
         JOIN timeline o ON o.item_id = i.id AND o.kind = 'opened' \
         LEFT JOIN members am ON am.login = o.actor AND am.active = 1 \
         LEFT JOIN (SELECT DISTINCT w.item_id, w.actor FROM timeline w \
                    LEFT JOIN members m ON m.login = w.actor AND m.active = 1 \
                    WHERE w.kind = 'review' AND w.bot = 0 AND m.id IS NULL) v ON v.item_id = i.id AND v.actor <> o.actor \
         WHERE i.state = 'merged' AND i.closed_at >= ",
    );
    sql.bind(of_year.start).push_bind(" AND i.closed_at < ", of_year.end);
    sql.push(" ORDER BY i.id, v.actor");
    let rows: Vec<MergeRow> = sql.fetch_all(&state.store).await?;
    Ok(leaders_of(&rows, year)?)
}
