//! `/api/repositories`

use axum::Json;
use chassis::{Fault, Problem, extract::Query};
use domain::{Page, PageQuery, RepositorySummary};
use sqlx::FromRow;
use store::{Sql, Store, cursor};

use crate::{Result, app::State};

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
    params(PageQuery),
    responses((status = 200, body = Page<RepositorySummary>), (status = 422, body = Problem, content_type = "application/problem+json"))
)]
pub async fn list(
    state: axum::extract::State<State>,
    Query(params): Query<PageQuery>,
) -> Result<Json<Page<RepositorySummary>>> {
    Ok(Json(page(&state.store, &params).await?))
}

/// A page of repositories.
///
/// # Errors
/// 422 for a cursor of another list.
pub async fn page(store: &Store, params: &PageQuery) -> Result<Page<RepositorySummary>> {
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
    sql.push(" GROUP BY r.id, r.name, r.language ORDER BY r.name LIMIT ").bind(super::one_more(params.limit));
    let rows: Vec<Row> = sql.fetch_all(store).await?;
    Ok(super::page(rows, params.limit, |last: &RepositorySummary| {
        cursor::encode("repositories", &last.name)
    })?)
}

impl TryFrom<Row> for RepositorySummary {
    type Error = Fault;

    /// # Errors
    /// [`Fault::Internal`] for a row that we cannot have written.
    fn try_from(row: Row) -> Result<Self, Fault> {
        Ok(Self {
            name: row.name.parse().map_err(Fault::internal)?,
            language: row.language.parse().map_err(Fault::internal)?,
            open_issues: row.open_issues,
            open_pull_requests: row.open_pull_requests,
        })
    }
}
