//! How long the community waits, and who of it contributes: what both follow from, whoever keeps the rows.
//!
//! [`waits`] reads one item's timeline; [`measures_of`] and [`leaders_of`] make the answers of `/api/measures` and
//! `/api/leaderboard` of rows that somebody else has asked for.

mod leaderboard;
mod measures;
mod waits;

use jiff::{
    Timestamp,
    civil::{Date, date},
    tz::TimeZone,
};

pub use leaderboard::{MergeRow, YearParams, leaders_of, milliseconds};
pub use measures::{ItemRow, LineRow, check, measures_of};
pub use waits::{ItemWaits, Line, Span, Speaker, waits};

/// The year of the latest merge, epoch ms, UTC; this year where nothing was merged.
#[must_use]
pub fn year_of(latest_merge: Option<i64>) -> i16 {
    let stored = latest_merge.and_then(|at| Timestamp::from_millisecond(at).ok());
    stored.unwrap_or_else(Timestamp::now).to_zoned(TimeZone::UTC).year()
}

/// The first moment of a day, epoch ms, UTC. A day may lie outside what a [`Timestamp`] can say.
fn midnight(day: Date) -> i64 {
    day.duration_since(date(1970, 1, 1)).as_hours() * 3_600_000
}
