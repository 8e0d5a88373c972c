//! 00: a status has another weight.

use acceptance::{
    App,
    serde_json::{Value, json},
};
use automator_ranking::status_weight;
use domain::Status;

use crate::system::with_system;

/// What every other status weighs.
const OTHERS: [(&str, f64); 6] = [
    ("intake", 1.0),
    ("needs_review", 1.2),
    ("waiting_for_feedback", 0.5),
    ("in_progress", 1.25),
    ("done", 0.0),
    ("deferred", 0.0),
];
/// What it should weigh that the community has answered.
const ANSWERED: f64 = 1.5;

/// The score's share that comes from the status.
async fn weight(app: &App, path: &str, status: &str) -> f64 {
    let task = app.patch(path, &json!({ "status": status })).await.is(200);
    let number = |value: &Value| value.as_f64().expect("a number");
    let rice = &task["rice"];
    let base = number(&rice["reach"]) * number(&rice["impact"]) * number(&rice["confidence"])
        / number(&rice["effort"]);
    number(&task["score"]) / base
}

/// Fails when the database could not even compute with a weight: then Automator does not start.
fn assert_numbers() {
    for &status in Status::ALL {
        let weight = status_weight(status);
        assert!(
            weight.is_finite(),
            "Automator does not start any more: tasks that are {status} weigh {weight}, and the database can neither compute \
             with that nor sort by it. Is every weight a number?"
        );
    }
}

/// A task whose item is closed stays done, so any open one will do.
async fn a_task(app: &App) -> String {
    let tasks = app.get("/api/tasks?limit=1").await.is(200);
    format!("/api/tasks/{}", tasks.items()[0]["id"].as_str().expect("a task has an id"))
}

fn are_equal(one: f64, other: f64) -> bool {
    (one - other).abs() < 1e-9
}

#[test]
fn a_task_moves_up_when_the_community_has_answered() {
    assert_numbers();
    with_system(2019, async |app| {
        let path = a_task(app).await;
        let weight = weight(app, &path, "feedback_received").await;
        assert!(
            are_equal(weight, ANSWERED),
            "Somebody has answered our question, and waits again. Their task weighs {weight:?} instead of {ANSWERED:?}: {}.",
            match weight {
                low if low <= 1.0 => "nobody sees that they answered",
                low if low <= 1.25 => "whatever is in progress anyway still stands before it",
                low if low < ANSWERED => "higher than before, but not as high as the team agreed",
                _ => "it pushes aside what is more important",
            }
        );
    });
}

#[test]
fn every_other_status_weighs_what_it_did() {
    assert_numbers();
    with_system(2019, async |app| {
        let path = a_task(app).await;
        for (status, before) in OTHERS {
            let weight = weight(app, &path, status).await;
            assert!(
                are_equal(weight, before),
                "Tasks that are {status} weighed {before:?} and now weigh {weight:?}: the whole team's order has changed, \
                 and nobody asked for it."
            );
        }
    });
}
