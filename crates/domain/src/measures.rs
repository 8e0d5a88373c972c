//! How long the community waits, and who of it contributes.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::names;

names! {
    /// By what the measures are grouped.
    Group {
        /// Each tracked repository.
        Repository = "repository",
        /// Each language.
        Language = "language",
        /// What items are about.
        Category = "category",
    }
}

/// Which period, and how it is grouped.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct MeasuresQuery {
    /// First day, UTC; the beginning unless told.
    #[serde(default, deserialize_with = "crate::day::optional")]
    #[param(value_type = Option<String>, format = Date)]
    pub from: Option<Date>,
    /// The day after the last, UTC; now unless told.
    #[serde(default, deserialize_with = "crate::day::optional")]
    #[param(value_type = Option<String>, format = Date)]
    pub to: Option<Date>,
    /// By repository unless told.
    pub group: Option<Group>,
}

/// A distribution of waiting times, in hours with two decimals. Percentiles are by nearest rank: a time that somebody
/// really waited.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Waits {
    /// How many.
    pub count: i64,
    /// The median; `null` when there are none.
    pub p50: Option<f64>,
    /// Nine of ten waited no longer.
    pub p90: Option<f64>,
    /// The longest.
    pub max: Option<f64>,
}

impl Waits {
    /// The distribution of these times, in milliseconds.
    #[must_use]
    pub fn of(mut milliseconds: Vec<i64>) -> Self {
        milliseconds.sort_unstable();
        let rank = |percent: usize| {
            // Nearest rank: the smallest time that at least `percent` of all do not exceed.
            let rank = (milliseconds.len() * percent).div_ceil(100);
            milliseconds.get(rank.checked_sub(1)?).map(|&time| hours(time))
        };
        Self {
            count: i64::try_from(milliseconds.len()).unwrap_or(i64::MAX),
            p50: rank(50),
            p90: rank(90),
            max: rank(100),
        }
    }
}

/// Milliseconds as hours, to the hundredth: nobody waits by the second.
fn hours(milliseconds: i64) -> f64 {
    (milliseconds as f64 / 36_000.0).round() / 100.0
}

/// The measures of one group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct GroupMeasures {
    /// Name of the repository, language or category; `null` for items without a category.
    pub key: Option<String>,
    /// From an item's creation to the first word, review or close by a maintainer.
    pub time_to_contact: Waits,
    /// From a comment of the community to the next comment or review by a maintainer.
    pub time_to_respond: Waits,
    /// From an item's creation to its first close or merge; duplicates and invalid ones are left out.
    pub time_to_close: Waits,
    /// How long those who wait now have been waiting.
    pub waiting_now: Waits,
}

/// Answer of `GET /api/measures`. Bots and maintainers do not count as community; a wait counts in the period in which it
/// ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Measures {
    /// First day; `null` for the beginning.
    #[schema(value_type = Option<String>, format = Date)]
    pub from: Option<Date>,
    /// The day after the last; `null` for now.
    #[schema(value_type = Option<String>, format = Date)]
    pub to: Option<Date>,
    /// By what they are grouped.
    pub group: Group,
    /// Groups in which anything was measured, by key.
    pub groups: Vec<GroupMeasures>,
}

/// One of the community on the leaderboard.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Leader {
    /// Place, from 1; the same for the same points.
    pub place: i64,
    /// GitHub login, in lower case.
    pub login: String,
    /// Points of merged pull requests, and half of those of others' that they reviewed.
    pub points: f64,
    /// Pull requests of theirs that were merged.
    pub merged: i64,
    /// Merged pull requests of others that they reviewed.
    pub reviewed: i64,
}

/// Answer of `GET /api/leaderboard`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Leaderboard {
    /// The year in which the pull requests were merged, UTC.
    #[schema(minimum = 2008, maximum = 9998)]
    pub year: i16,
    /// Most points first, then by login.
    pub leaders: Vec<Leader>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_a_time_that_somebody_waited() {
        let hours = |hours: &[i64]| Waits::of(hours.iter().map(|h| h * 3_600_000).collect());
        assert_eq!(hours(&[]), Waits::default());
        assert_eq!(hours(&[7]), Waits { count: 1, p50: Some(7.0), p90: Some(7.0), max: Some(7.0) });
        // Ten waits: the fifth, the ninth and the last, whatever their order.
        let ten = hours(&[10, 1, 9, 2, 8, 3, 7, 4, 6, 5]);
        assert_eq!(ten, Waits { count: 10, p50: Some(5.0), p90: Some(9.0), max: Some(10.0) });
        let eleven = hours(&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 100]);
        assert_eq!((eleven.p50, eleven.p90, eleven.max), (Some(6.0), Some(10.0), Some(100.0)));
    }

    #[test]
    fn an_hour_has_two_decimals() {
        let max = |milliseconds| Waits::of(vec![milliseconds]).max;
        assert_eq!(max(1_200_000), Some(0.33));
        assert_eq!(max(2_400_000), Some(0.67));
        assert_eq!(max(17_999), Some(0.0));
        assert_eq!(max(18_000), Some(0.01));
        assert_eq!(max(39_420_123_456), Some(10_950.03));
    }
}
