//! What the community waits for, derived from the timeline and the team.
//!
//! Whoever is an active member speaks for the maintainers, everybody else who is not a bot for the
//! community. The community waits while it has spoken and no maintainer has since: for a first
//! contact when none ever did, else for a response, and since the first word that nobody answered.
//! The result stands in `items`, because lists filter and sort by it.

use sqlx::{AnyConnection, AssertSqlSafe};

/// Sets `waiting` and `waiting_since` of the items in `scope` where they are not what they should
/// be. `$1` is the scope's parameter.
fn refresh(scope: &str) -> AssertSqlSafe<String> {
    // To speak is to open, comment or review; to close or to reopen says nothing.
    let words = "w.item_id = items.id AND w.kind IN ('opened', 'comment', 'review')";
    let last_maintainer = format!(
        "coalesce((SELECT max(w.at) FROM timeline w JOIN members m ON m.login = w.actor AND m.active = 1 \
                   WHERE {words}), -1)"
    );
    let waiting =
        "CASE WHEN n.since IS NULL THEN NULL WHEN n.answered < 0 THEN 'contact' ELSE 'response' END";
    AssertSqlSafe(format!(
        "WITH spoken AS ( \
             SELECT items.id, {last_maintainer} AS answered FROM items WHERE {scope}), \
         now_waiting AS ( \
             SELECT items.id, spoken.answered, \
                    (SELECT min(w.at) FROM timeline w \
                     WHERE {words} AND items.state = 'open' AND w.bot = 0 AND w.at > spoken.answered \
                       AND NOT EXISTS (SELECT 1 FROM members m WHERE m.login = w.actor AND m.active = 1)) AS since \
             FROM items JOIN spoken ON spoken.id = items.id) \
         UPDATE items SET waiting = {waiting}, waiting_since = n.since, version = items.version + 1 \
         FROM now_waiting n \
         WHERE n.id = items.id \
           AND (items.waiting_since IS DISTINCT FROM n.since OR items.waiting IS DISTINCT FROM {waiting})"
    ))
}

/// After the item or its timeline changed.
///
/// # Errors
/// The database's.
pub async fn refresh_item(connection: &mut AnyConnection, item_id: &str) -> Result<(), sqlx::Error> {
    sqlx::query(refresh("items.id = $1")).bind(item_id).execute(connection).await?;
    Ok(())
}

/// After somebody joined or left the team: only what that person has spoken on can change.
///
/// # Errors
/// The database's.
pub async fn refresh_speaker(connection: &mut AnyConnection, login: &str) -> Result<(), sqlx::Error> {
    sqlx::query(refresh("items.id IN (SELECT item_id FROM timeline WHERE actor = $1)"))
        .bind(login)
        .execute(connection)
        .await?;
    Ok(())
}

/// After an import: on PostgreSQL somebody may have joined the team while a page that they speak on
/// was being written, and neither transaction saw the other.
///
/// # Errors
/// The database's.
pub async fn refresh_open(connection: &mut AnyConnection) -> Result<(), sqlx::Error> {
    sqlx::query(refresh("items.state = $1")).bind("open").execute(connection).await?;
    Ok(())
}
