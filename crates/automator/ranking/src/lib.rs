//! The order of the backlog: RICE, weighted by status and due date.
//!
//! `score = reach × impact × confidence ÷ effort × status weight × due weight`, highest first, then the
//! oldest item, then its key. The score depends on the day, so it is computed where the rows are, in
//! SQL, and [`Score::expression`] is built from two functions: [`due_weight`] here and [`status_weight`],
//! which is a piece. A weight stands in one place.

pub mod pieces;

use domain::{Rice, Status};

pub use crate::pieces::status_weight::status_weight;

/// From how many days before the due day on its weight grows.
const DUE_HORIZON: i64 = 14;

/// How much a due date moves a task up: 1 without one or 14 days away, then linear up to 2 on the
/// due day and after it. `days_left` is negative when it is overdue.
#[must_use]
pub fn due_weight(days_left: Option<i64>) -> f64 {
    match days_left {
        None => 1.0,
        Some(days) => {
            let days = days.clamp(0, DUE_HORIZON);
            1.0 + (DUE_HORIZON - days) as f64 / DUE_HORIZON as f64
        }
    }
}

/// The score of a task on a day.
#[must_use]
pub fn score(rice: &Rice, status: Status, days_left: Option<i64>) -> f64 {
    rice.base_score() * status_weight(status) * due_weight(days_left)
}

/// The score as SQL over the columns of `tasks`.
pub struct Score;

impl Score {
    /// The expression on `today` (days since 1970-01-01), the same to the bit as [`score`]: both
    /// databases and Rust multiply doubles in the order in which they are written.
    #[must_use]
    pub fn expression(today: i64) -> String {
        let weights: String = Status::ALL
            .iter()
            .map(|&status| format!(" WHEN '{status}' THEN {}", literal(status_weight(status))))
            .collect();
        // One branch a day rather than a division in SQL: the numbers are those of `due_weight`.
        let due: String = (1..DUE_HORIZON)
            .map(|days| format!(" WHEN due_day - {today} = {days} THEN {}", literal(due_weight(Some(days)))))
            .collect();
        format!(
            "(reach * impact * confidence / effort \
              * CASE status{weights} ELSE 0.0 END \
              * CASE WHEN due_day IS NULL OR due_day - {today} >= {DUE_HORIZON} THEN {none}{due} ELSE {overdue} END)",
            none = literal(due_weight(None)),
            overdue = literal(due_weight(Some(0))),
        )
    }
}

/// A number that both databases read as a double: PostgreSQL takes a bare `0.5` for a NUMERIC, and
/// a cast of a literal is exact on both.
fn literal(weight: f64) -> String {
    format!("CAST({weight:?} AS DOUBLE PRECISION)")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_due_weight_is_one_far_away_two_when_due_and_linear_in_between() {
        assert_eq!(due_weight(None), 1.0);
        assert_eq!(due_weight(Some(15)), 1.0);
        assert_eq!(due_weight(Some(14)), 1.0);
        assert_eq!(due_weight(Some(7)), 1.5);
        assert_eq!(due_weight(Some(0)), 2.0);
        assert_eq!(due_weight(Some(-30)), 2.0);
    }

    #[test]
    fn done_and_deferred_weigh_nothing_and_an_answer_weighs_most() {
        let rice = Rice { reach: 40.0, impact: 2.0, confidence: 0.8, effort: 4.0 };
        assert_eq!(score(&rice, Status::Done, Some(0)), 0.0);
        assert_eq!(score(&rice, Status::Deferred, None), 0.0);
        assert_eq!(score(&rice, Status::FeedbackReceived, Some(0)), 16.0 * 1.5 * 2.0);
        let heaviest =
            Status::ALL.iter().copied().max_by(|a, b| status_weight(*a).total_cmp(&status_weight(*b)));
        assert_eq!(heaviest, Some(Status::FeedbackReceived));
    }
}
