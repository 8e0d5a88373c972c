//! What the platform asks.

use crate::{App, scenario::scenarios};

scenarios![a_started_system_is_alive_and_ready, an_unknown_path_is_a_problem];

async fn a_started_system_is_alive_and_ready(app: &App) {
    let _ = app.get("/health/live").await.is(200);
    let _ = app.get("/health/ready").await.is(200);
}

async fn an_unknown_path_is_a_problem(app: &App) {
    let answer = app.get("/api/nothing").await.is(404);
    assert_eq!(answer.header("content-type"), Some("application/problem+json"));
}
