//! What the community waits for, derived from the timeline and the team.
//!
//! Whoever is an active member speaks for the maintainers, everybody else who is not a bot for the
//! community. The community waits while it has spoken and no maintainer has since: for a first
//! contact when none ever did, else for a response, and since the first word that nobody answered.
//! The result stands in `items`, because lists filter and sort by it.
//!
//! `team` names the table that says who is a member: one with the columns `login` (lower case) and `active`.

use std::collections::HashSet;

use store::{Sql, Tx};

/// Sets `waiting` and `waiting_since` where they are not what they should be, for the items that
/// `scope` adds a condition about; returns their ids.
fn refresh(team: &str, scope: impl FnOnce(&mut Sql)) -> Sql {
    // To speak is to open, comment or review; to close or to reopen says nothing.
    let words = "w.item_id = items.id AND w.kind IN ('opened', 'comment', 'review')";
    let last_maintainer = format!(
        "coalesce((SELECT max(w.at) FROM timeline w JOIN {team} m ON m.login = w.actor AND m.active = 1 \
                   WHERE {words}), -1)"
    );
    let waiting =
        "CASE WHEN n.since IS NULL THEN NULL WHEN n.answered < 0 THEN 'contact' ELSE 'response' END";
    let mut sql = Sql::new("WITH spoken AS (SELECT items.id, ");
    sql.push_own(&last_maintainer).push(" AS answered FROM items WHERE ");
    scope(&mut sql);
    sql.push_own(&format!(
        "), now_waiting AS ( \
             SELECT items.id, spoken.answered, \
                    (SELECT min(w.at) FROM timeline w \
                     WHERE {words} AND items.state = 'open' AND w.bot = 0 AND w.at > spoken.answered \
                       AND NOT EXISTS (SELECT 1 FROM {team} m WHERE m.login = w.actor AND m.active = 1)) AS since \
             FROM items JOIN spoken ON spoken.id = items.id) \
         UPDATE items SET waiting = {waiting}, waiting_since = n.since, version = items.version + 1 \
         FROM now_waiting n \
         WHERE n.id = items.id \
           AND (items.waiting_since IS DISTINCT FROM n.since OR items.waiting IS DISTINCT FROM {waiting}) \
         RETURNING items.id"
    ));
    sql
}

/// After these items, or their timelines, changed; the ids of those that wait differently now.
///
/// # Errors
/// The database's.
pub async fn refresh_items(
    connection: &mut Tx,
    team: &str,
    item_ids: impl Iterator<Item = &str>,
) -> Result<HashSet<String>, store::Error> {
    let sql = refresh(team, |sql| {
        sql.push("items.id IN (NULL");
        for id in item_ids {
            sql.push_bind(", ", id);
        }
        sql.push(")");
    });
    run(sql, connection).await
}

/// After somebody joined or left the team: only what that person has spoken on can change. The change of
/// `team` must be the first statement of the transaction: it waits for those who derive from the team.
///
/// # Errors
/// The database's.
pub async fn refresh_speaker(
    connection: &mut Tx,
    team: &str,
    login: &str,
) -> Result<HashSet<String>, store::Error> {
    let sql = refresh(team, |sql| {
        sql.push_bind("items.id IN (SELECT item_id FROM timeline WHERE actor = ", login).push(")");
    });
    run(sql, connection).await
}

async fn run(sql: Sql, connection: &mut Tx) -> Result<HashSet<String>, store::Error> {
    let rows: Vec<(String,)> = sql.fetch_all(connection).await?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}
