//! Exercise 00, the warm-up: find one line, change one number, see it in the browser.
//!
//! Somebody answers our question, and nobody looks: a task with `feedback_received` weighs no more than one that nobody has
//! read yet. It should weigh 1.5, more than any other status.
//!
//! ```text
//! match status { Status::Intake => 1.0, … }   a status and its weight; every status has one
//! cargo workshop verify 00                    does it work?
//! ```

use domain::Status;

/// How much a task's status moves it up or down: the score is multiplied by it.
#[must_use]
pub fn status_weight(status: Status) -> f64 {
    match status {
        Status::Intake => 1.0,
        Status::NeedsReview => 1.2,
        Status::WaitingForFeedback => 0.5,
        // begin 00
        Status::FeedbackReceived => 1.5,
        //| Status::FeedbackReceived => 1.0,
        // end 00
        Status::InProgress => 1.25,
        Status::Done | Status::Deferred => 0.0,
    }
}
