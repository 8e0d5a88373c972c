//! What of a task a person may change, and what follows its item until a person does.

use automator_ranking::score;
use domain::{Login, Rice, RiceChange, TaskChange};
use sqlx::FromRow;
use store::time::{date, day};

use crate::history::Change;

/// The fields of a task that may change, as a row has them.
#[derive(Debug, Clone, PartialEq, FromRow)]
pub struct Fields {
    /// The status by its name.
    pub status: String,
    /// The login of who does it.
    pub assignee: Option<String>,
    /// Days since 1970.
    pub due_day: Option<i64>,
    /// See [`Rice`], as are the next three.
    pub reach: f64,
    /// 0 … 10
    pub impact: f64,
    /// Above 0 … 1
    pub confidence: f64,
    /// Above 0 … 100
    pub effort: f64,
    /// 1: a person has set a factor, so they no longer follow the item.
    pub rice_set: i64,
}

impl Fields {
    /// Gives it the factors of its item, unless a person has set one.
    pub fn follow(&mut self, rice: &Rice) {
        if self.rice_set == 0 {
            self.reach = rice.reach;
            self.impact = rice.impact;
            self.confidence = rice.confidence;
            self.effort = rice.effort;
        }
    }

    /// Gives it another reach, unless a person has set a factor.
    pub fn follow_reach(&mut self, reach: f64) {
        if self.rice_set == 0 {
            self.reach = reach;
        }
    }

    /// The place of the task in the backlog on `today`, smallest first: its score with the sign turned, as tables store it.
    #[must_use]
    pub fn precedence(&self, today: i64) -> f64 {
        let rice =
            Rice { reach: self.reach, impact: self.impact, confidence: self.confidence, effort: self.effort };
        let days_left = self.due_day.map(|day| day - today);
        // What is no status weighs nothing, in SQL too.
        -self.status.parse().map_or(0.0, |status| score(&rice, status, days_left))
    }

    /// The fields with the change applied.
    #[must_use]
    pub fn with(&self, change: &TaskChange) -> Self {
        let mut new = self.clone();
        if let Some(status) = change.status {
            status.as_str().clone_into(&mut new.status);
        }
        if let Some(assignee) = &change.assignee {
            new.assignee = assignee.as_ref().map(Login::to_string);
        }
        if let Some(due_date) = change.due_date {
            new.due_day = due_date.map(day);
        }
        if let Some(rice) = &change.rice {
            new.reach = rice.reach.unwrap_or(new.reach);
            new.impact = rice.impact.unwrap_or(new.impact);
            new.confidence = rice.confidence.unwrap_or(new.confidence);
            new.effort = rice.effort.unwrap_or(new.effort);
            if *rice != RiceChange::default() {
                new.rice_set = 1;
            }
        }
        new
    }

    /// The fields in which `new` differs, as the API names them.
    #[must_use]
    pub fn changes(&self, new: &Self) -> Vec<Change> {
        self.shown()
            .into_iter()
            .zip(new.shown())
            .filter(|((_, before), (_, after))| before != after)
            .map(|((field, before), (_, after))| Change { field, before, after })
            .collect()
    }

    fn shown(&self) -> [(&'static str, Option<String>); 7] {
        // A stored day is a date; should one not be, its number still tells something.
        let due_date = |day| date(day).map_or(day.to_string(), |date| date.to_string());
        [
            ("status", Some(self.status.clone())),
            ("assignee", self.assignee.clone()),
            ("due_date", self.due_day.map(due_date)),
            ("rice.reach", Some(self.reach.to_string())),
            ("rice.impact", Some(self.impact.to_string())),
            ("rice.confidence", Some(self.confidence.to_string())),
            ("rice.effort", Some(self.effort.to_string())),
        ]
    }
}
