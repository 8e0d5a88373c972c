//! `/api/repositories`

use axum::Json;
use chassis::{Problem, extract::Query};
use domain::{Limit, Page, RepositorySummary};
use serde::Deserialize;
use sqlx::FromRow;
use store::{Sql, cursor};
use utoipa::IntoParams;

use crate::{Result, app::State};

/// Which page.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Params {
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// 1 to 100.
    #[serde(default)]
    limit: Limit,
}

#[derive(FromRow)]
struct Row {
    name: String,
    language: String,
    open_issues: i64,
    open_pull_requests: i64,
}

/// The tracked repositories by name, with what is open in them.
#[utoipa::path(
    get,
    path = "/api/repositories",
    params(Params),
    responses((status = 200, body = Page<RepositorySummary>), (status = 422, body = Problem, content_type = "application/problem+json"))
)]
pub async fn list(
    state: axum::extract::State<State>,
    Query(params): Query<Params>,
) -> Result<Json<Page<RepositorySummary>>> {
    let mut sql = Sql::new(
        "SELECT r.name, r.language, \
                count(CASE WHEN i.kind = 'issue' THEN 1 END) AS open_issues, \
                count(CASE WHEN i.kind = 'pull_request' THEN 1 END) AS open_pull_requests \
         FROM repositories r LEFT JOIN items i ON i.repository_id = r.id AND i.state = 'open' \
         WHERE r.tracked = 1",
    );
    if let Some(cursor) = &params.cursor {
        sql.push_bind(" AND r.name > ", cursor::decode::<String>("repositories", cursor)?);
    }
    sql.push(" GROUP BY r.id, r.name, r.language ORDER BY r.name LIMIT ")
        .bind(i64::from(params.limit.get()) + 1);
    let mut rows: Vec<Row> = sql.fetch_all(state.store.pool()).await?;
    let more = super::cut(&mut rows, params.limit);
    let next_cursor = match rows.last() {
        Some(last) if more => Some(cursor::encode("repositories", &last.name)?),
        _ => None,
    };
    let items = rows.into_iter().map(TryInto::try_into).collect::<Result<_>>()?;
    Ok(Json(Page { items, next_cursor }))
}

impl TryFrom<Row> for RepositorySummary {
    type Error = crate::Error;

    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            name: row.name.parse().map_err(chassis::Fault::internal)?,
            language: row.language.parse().map_err(chassis::Fault::internal)?,
            open_issues: row.open_issues,
            open_pull_requests: row.open_pull_requests,
        })
    }
}
