//! `/api/measures` and `/api/leaderboard`

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
};

use axum::Json;
use chassis::{Fault, Problem, extract::Query};
use domain::{
    Difficulty, Group, GroupMeasures, Leader, Leaderboard, Measures, MeasuresQuery, Waits, item::is_void,
};
use jiff::civil::{Date, date};
use serde::Deserialize;
use sqlx::FromRow;
use store::Sql;
use utoipa::IntoParams;

use crate::{
    Result,
    app::State,
    measures::{Line, Span, Speaker, waits},
};

/// A line of a timeline with its item, in the order of items, then of time.
#[derive(Debug, FromRow)]
pub struct LineRow {
    item_id: String,
    key: Option<String>,
    labels: String,
    waiting_since: Option<i64>,
    kind: String,
    at: i64,
    bot: i64,
    maintainer: i64,
}

/// The times of one group, in ms.
#[derive(Default)]
struct Times {
    contact: Vec<i64>,
    respond: Vec<i64>,
    close: Vec<i64>,
    waiting: Vec<i64>,
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
    let mut sql = Sql::new("SELECT i.id AS item_id, ");
    sql.push(match params.group.unwrap_or(Group::Repository) {
        Group::Repository => "r.name",
        Group::Language => "r.language",
        Group::Category => "i.category",
    });
    sql.push(
        " AS key, i.labels, i.waiting_since, w.kind, w.at, w.bot, CAST(CASE WHEN m.id IS NULL THEN 0 ELSE 1 END AS BIGINT) AS maintainer \
          FROM timeline w JOIN items i ON i.id = w.item_id JOIN repositories r ON r.id = i.repository_id \
          LEFT JOIN members m ON m.login = w.actor AND m.active = 1 \
          WHERE r.tracked = 1 AND w.kind <> 'deleted' ORDER BY i.id, w.at, w.source",
    );
    let rows: Vec<LineRow> = sql.fetch_all(&state.store).await?;
    Ok(measures_of(&rows, params, store::now())?)
}

/// Whether the period is one.
///
/// # Errors
/// 422 for a period that ends before it begins.
pub fn check(params: &MeasuresQuery) -> Result<(), Fault> {
    match (params.from, params.to) {
        (Some(from), Some(to)) if from > to => Err(Fault::invalid("from", "must not be after `to`")),
        _ => Ok(()),
    }
}

/// What these timelines measure; `now` is epoch ms.
///
/// # Errors
/// A row that we cannot have written.
pub fn measures_of(rows: &[LineRow], params: &MeasuresQuery, now: i64) -> Result<Measures, Fault> {
    let period = params.from.map_or(i64::MIN, midnight)..params.to.map_or(i64::MAX, midnight);
    let mut groups: BTreeMap<Option<&str>, Times> = BTreeMap::new();
    for item in rows.chunk_by(|a, b| a.item_id == b.item_id) {
        let Some(first) = item.first() else { continue };
        let lines: Vec<Line<'_>> = item.iter().map(LineRow::line).collect();
        let waits = waits(&lines);
        let ended = |span: &Span| period.contains(&span.1).then(|| span.1 - span.0);
        let times = groups.entry(first.key.as_deref()).or_default();
        times.contact.extend(waits.contact.as_ref().and_then(ended));
        times.respond.extend(waits.responses.iter().filter_map(ended));
        let labels: Vec<String> = serde_json::from_str(&first.labels).map_err(Fault::internal)?;
        if !is_void(&labels) {
            times.close.extend(waits.close.as_ref().and_then(ended));
        }
        times.waiting.extend(first.waiting_since.map(|since| (now - since).max(0)));
    }
    let groups = groups
        .into_iter()
        .map(|(key, times)| GroupMeasures {
            key: key.map(str::to_owned),
            time_to_contact: Waits::of(times.contact),
            time_to_respond: Waits::of(times.respond),
            time_to_close: Waits::of(times.close),
            waiting_now: Waits::of(times.waiting),
        })
        .collect();
    let group = params.group.unwrap_or(Group::Repository);
    Ok(Measures { from: params.from, to: params.to, group, groups })
}

impl LineRow {
    fn line(&self) -> Line<'_> {
        let speaker = match (self.maintainer, self.bot) {
            (1, _) => Speaker::Maintainer,
            (_, 1) => Speaker::Bot,
            _ => Speaker::Community,
        };
        Line { kind: &self.kind, speaker, at: self.at }
    }
}

/// The first moment of a day, epoch ms, UTC.
fn midnight(day: Date) -> i64 {
    super::tasks::day(day) * 86_400_000
}

/// Which year.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct YearParams {
    /// UTC; 2008, when GitHub began, to 9998.
    pub year: i16,
}

/// A merged pull request with one of its reviewers, or none.
#[derive(Debug, FromRow)]
pub struct MergeRow {
    item_id: String,
    author: String,
    author_bot: i64,
    author_maintains: i64,
    difficulty: String,
    reviewer: Option<String>,
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

/// A year as epoch ms, UTC.
///
/// # Errors
/// 422 for a year that GitHub has not seen.
pub fn milliseconds(year: i16) -> Result<Range<i64>, Fault> {
    if !(2008..=9998).contains(&year) {
        return Err(Fault::invalid("year", "must lie between 2008 and 9998"));
    }
    Ok(midnight(date(year, 1, 1))..midnight(date(year + 1, 1, 1)))
}

/// The leaderboard that these merges make.
///
/// # Errors
/// A row that we cannot have written.
pub fn leaders_of(rows: &[MergeRow], year: i16) -> Result<Leaderboard, Fault> {
    let mut leaders: BTreeMap<&str, Leader> = BTreeMap::new();
    let mut counted = BTreeSet::new();
    for row in rows {
        let merit = row.difficulty.parse::<Difficulty>().map_err(Fault::internal)?.merit();
        // A pull request comes once for each reviewer; its author is rewarded once.
        if row.author_bot == 0 && row.author_maintains == 0 && counted.insert(&row.item_id) {
            let leader = leaders.entry(&row.author).or_insert_with(|| nobody(&row.author));
            leader.points += merit;
            leader.merged += 1;
        }
        if let Some(reviewer) = &row.reviewer {
            let leader = leaders.entry(reviewer).or_insert_with(|| nobody(reviewer));
            leader.points += merit / 2.0;
            leader.reviewed += 1;
        }
    }
    let mut leaders: Vec<Leader> = leaders.into_values().filter(|leader| leader.login != "ghost").collect();
    // Stable: those with the same points stay in the order of their logins.
    leaders.sort_by(|a, b| b.points.total_cmp(&a.points));
    for index in 0..leaders.len() {
        leaders[index].place = match index.checked_sub(1).map(|above| &leaders[above]) {
            Some(above) if above.points == leaders[index].points => above.place,
            _ => i64::try_from(index + 1).unwrap_or(i64::MAX),
        };
    }
    Ok(Leaderboard { year, leaders })
}

fn nobody(login: &str) -> Leader {
    Leader { place: 0, login: login.to_owned(), points: 0.0, merged: 0, reviewed: 0 }
}
