//! Rules as they are stored.

use chassis::Fault;
use domain::{NewRule, Page, PageQuery, Rule};
use sqlx::FromRow;
use store::{OnConstraint, Sql, Store, Tx, cursor, query};
use uuid::Uuid;

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

/// A page of rules.
///
/// # Errors
/// 422 for a cursor of another list.
pub async fn page(store: &Store, params: &PageQuery) -> Result<Page<Rule>, Fault> {
    let mut sql = Sql::new("SELECT id, name, event, conditions, actions FROM rules WHERE 1 = 1");
    if let Some(cursor) = &params.cursor {
        sql.push_bind(" AND id > ", cursor::decode::<String>("rules", cursor)?);
    }
    sql.push(" ORDER BY id LIMIT ").bind(cursor::one_more(params.limit));
    let rows: Vec<Row> = sql.fetch_all(store).await?;
    cursor::page(rows, params.limit, |last: &Rule| cursor::encode("rules", &last.id))
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
pub async fn insert(tx: &mut Tx, rule: &Rule) -> Result<(), Fault> {
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
    .on_unique_violation("rules.name", || Fault::Taken(format!("name {}", rule.name)))?;
    Ok(())
}

/// Takes a rule away.
///
/// # Errors
/// 404 unknown rule.
pub async fn remove(store: &Store, id: Uuid) -> Result<(), Fault> {
    let deleted = query("DELETE FROM rules WHERE id = $1").bind(id.to_string()).execute(store).await?;
    match deleted {
        0 => Err(Fault::NotFound(format!("rule {id}"))),
        _ => Ok(()),
    }
}
