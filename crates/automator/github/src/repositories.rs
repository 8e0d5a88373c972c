//! The tracked repositories.

use chassis::Fault;
use domain::{Catalogue, Page, PageQuery, Repository, RepositoryName, RepositorySummary};
use sqlx::FromRow;
use store::{Sql, Store, Tx, cursor, query};
use uuid::Uuid;

/// A tracked repository as the tables know it.
#[derive(Debug, Clone, FromRow)]
pub struct TrackedRepository {
    /// Row id.
    pub id: String,
    /// `owner/name`.
    pub name: String,
    /// Base reach.
    pub reach: f64,
}

/// Writes the catalogue into `repositories`. What has left it stays, untracked. Returns those that were known and are in
/// the catalogue with another language or reach, or are back.
///
/// # Errors
/// The database's.
pub async fn track(tx: &mut Tx, catalogue: &Catalogue) -> Result<Vec<TrackedRepository>, store::Error> {
    let stored: Vec<(String, String, String, f64, i64)> =
        query("SELECT id, name, language, reach, tracked FROM repositories").fetch_all(&mut *tx).await?;
    for (id, name, _, _, tracked) in &stored {
        let is_listed = catalogue.repositories.iter().any(|repository| repository.name.as_str() == name);
        if *tracked == 1 && !is_listed {
            query("UPDATE repositories SET tracked = 0, version = version + 1 WHERE id = $1")
                .bind(id)
                .execute(&mut *tx)
                .await?;
        }
    }
    let mut changed = Vec::new();
    for repository in &catalogue.repositories {
        let known = stored.iter().find(|(_, name, ..)| name == repository.name.as_str());
        if known.is_some_and(|(_, _, language, reach, tracked)| {
            language == repository.language.as_str() && *reach == repository.reach && *tracked == 1
        }) {
            continue;
        }
        query(
            "INSERT INTO repositories (id, name, language, reach, tracked, version) VALUES ($1, $2, $3, $4, 1, 1) \
             ON CONFLICT (name) DO UPDATE SET language = excluded.language, reach = excluded.reach, tracked = 1, \
                                              version = repositories.version + 1",
        )
        .bind(Uuid::now_v7().to_string())
        .bind(repository.name.as_str())
        .bind(repository.language.as_str())
        .bind(repository.reach)
        .execute(&mut *tx)
        .await?;
        if let Some((id, ..)) = known {
            let name = repository.name.to_string();
            changed.push(TrackedRepository { id: id.clone(), name, reach: repository.reach });
        }
    }
    Ok(changed)
}

#[derive(FromRow)]
struct Row {
    name: String,
    language: String,
    open_issues: i64,
    open_pull_requests: i64,
}

/// A page of repositories.
///
/// # Errors
/// 422 for a cursor of another list.
pub async fn page(store: &Store, params: &PageQuery) -> Result<Page<RepositorySummary>, Fault> {
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
        .bind(cursor::one_more(params.limit));
    let rows: Vec<Row> = sql.fetch_all(store).await?;
    cursor::page(rows, params.limit, |last: &RepositorySummary| cursor::encode("repositories", &last.name))
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

/// The row of a tracked repository.
///
/// # Errors
/// The database's.
pub async fn tracked(tx: &mut Tx, name: &RepositoryName) -> Result<TrackedRepository, Fault> {
    query("SELECT id, name, reach FROM repositories WHERE name = $1")
        .bind(name.as_str())
        .fetch_one(&mut *tx)
        .await
        .map_err(Fault::from)
}

/// The repository of that name, with or without its owner.
///
/// # Errors
/// 404 none, 422 more than one.
pub fn named<'c>(catalogue: &'c Catalogue, name: &str) -> Result<&'c Repository, Fault> {
    if name.contains('/') {
        return catalogue.find(name).ok_or_else(|| Fault::NotFound(format!("repository {name}")));
    }
    let mut named = catalogue.repositories.iter();
    let mut next = || named.find(|repository| repository.name.name().eq_ignore_ascii_case(name));
    match (next(), next()) {
        (Some(repository), None) => Ok(repository),
        (Some(_), Some(_)) => Err(Fault::invalid("repo", "more than one owner has it: say owner/name")),
        (None, _) => Err(Fault::NotFound(format!("repository {name}"))),
    }
}
