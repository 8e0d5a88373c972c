//! `/api/rules`

use axum::{Json, http::StatusCode};
use chassis::{
    Fault, Problem,
    extract::{Json as JsonBody, Path, Query},
    idempotency::{Answer, IdempotencyKey, Keyed},
};
use domain::{NewRule, Page, PageQuery, Rule};
use sqlx::FromRow;
use store::{OnConstraint, Sql, Store, Tx, cursor, idempotency, query};
use uuid::Uuid;

use super::IDEMPOTENCY_KEYS;
use crate::{Error, Result, app::State};

#[derive(Debug, FromRow)]
struct Row {
    id: String,
    name: String,
    event: String,
    conditions: String,
    actions: String,
}

impl TryFrom<Row> for Rule {
    type Error = Fault;

    /// # Errors
    /// [`Fault::Internal`] for a row that we cannot have written.
    fn try_from(row: Row) -> Result<Self, Fault> {
        Ok(Self {
            id: row.id.parse().map_err(Fault::internal)?,
            name: row.name,
            when: row.event.parse().map_err(Fault::internal)?,
            conditions: serde_json::from_str(&row.conditions).map_err(Fault::internal)?,
            then: serde_json::from_str(&row.actions).map_err(Fault::internal)?,
        })
    }
}

/// The rules, oldest first.
#[utoipa::path(
    get,
    path = "/api/rules",
    params(PageQuery),
    responses((status = 200, body = Page<Rule>), (status = 422, body = Problem, content_type = "application/problem+json"))
)]
pub async fn list(
    state: axum::extract::State<State>,
    Query(params): Query<PageQuery>,
) -> Result<Json<Page<Rule>>> {
    Ok(Json(page(&state.store, &params).await?))
}

/// A page of rules.
///
/// # Errors
/// 422 for a cursor of another list.
pub async fn page(store: &Store, params: &PageQuery) -> Result<Page<Rule>> {
    let mut sql = Sql::new("SELECT id, name, event, conditions, actions FROM rules WHERE 1 = 1");
    if let Some(cursor) = &params.cursor {
        sql.push_bind(" AND id > ", cursor::decode::<String>("rules", cursor)?);
    }
    sql.push(" ORDER BY id LIMIT ").bind(super::one_more(params.limit));
    let rows: Vec<Row> = sql.fetch_all(store).await?;
    Ok(super::page(rows, params.limit, |last: &Rule| cursor::encode("rules", &last.id))?)
}

/// Add a rule. It runs for what happens from now on.
///
/// # Errors
/// 409 the name is taken, 422 naming the fields that are wrong.
#[utoipa::path(
    post,
    path = "/api/rules",
    params(IdempotencyKey),
    request_body = NewRule,
    security(("token" = [])),
    responses(
        (status = 201, body = Rule),
        (status = 409, body = Problem, content_type = "application/problem+json"),
        (status = 422, body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn create(
    state: axum::extract::State<State>,
    Keyed(key, JsonBody(new)): Keyed<JsonBody<NewRule>>,
) -> Result<Answer> {
    let rule = made(new)?;
    idempotency::once(&state.store, IDEMPOTENCY_KEYS, key, async |tx| {
        insert(tx, &rule).await?;
        Ok(Answer::json(StatusCode::CREATED, &rule)?.at(format!("/api/rules/{}", rule.id)))
    })
    .await
}

/// The rule that a new one becomes.
///
/// # Errors
/// 422 naming the fields that are wrong.
pub fn made(new: NewRule) -> Result<Rule, Fault> {
    new.validate().map_err(Fault::Invalid)?;
    let NewRule { name, when, conditions, then } = new;
    Ok(Rule { id: Uuid::now_v7(), name, when, conditions, then })
}

/// Writes a new rule.
///
/// # Errors
/// 409 the name is taken.
pub async fn insert(tx: &mut Tx, rule: &Rule) -> Result<()> {
    query(
        "INSERT INTO rules (id, name, event, conditions, actions, version, created_at) \
         VALUES ($1, $2, $3, $4, $5, 1, $6)",
    )
    .bind(rule.id.to_string())
    .bind(&rule.name)
    .bind(rule.when.as_str())
    .bind(serde_json::to_string(&rule.conditions).map_err(Fault::internal)?)
    .bind(serde_json::to_string(&rule.then).map_err(Fault::internal)?)
    .bind(store::now())
    .execute(&mut *tx)
    .await
    .on_unique_violation("rules.name", || Error::from(Fault::Taken(format!("name {}", rule.name))))?;
    Ok(())
}

/// Take a rule away. What it has decided is still done.
///
/// # Errors
/// 404 unknown rule.
#[utoipa::path(
    delete,
    path = "/api/rules/{id}",
    params(("id" = Uuid, Path)),
    security(("token" = [])),
    responses((status = 204), (status = 404, body = Problem, content_type = "application/problem+json"))
)]
pub async fn delete(state: axum::extract::State<State>, Path(id): Path<Uuid>) -> Result<StatusCode> {
    remove(&state.store, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Takes a rule away.
///
/// # Errors
/// 404 unknown rule.
pub async fn remove(store: &Store, id: Uuid) -> Result<()> {
    let deleted = query("DELETE FROM rules WHERE id = $1").bind(id.to_string()).execute(store).await?;
    match deleted {
        0 => Err(Fault::NotFound(format!("rule {id}")).into()),
        _ => Ok(()),
    }
}
