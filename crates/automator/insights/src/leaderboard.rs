//! `/api/leaderboard`: who of the community contributes.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
};

use chassis::Fault;
use domain::{Difficulty, Leader, Leaderboard};
use jiff::civil::date;
use serde::Deserialize;
use sqlx::FromRow;
use utoipa::IntoParams;

use crate::midnight;

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
