//! The test `loss` of step 02, turned round: the same kill, after the commit and before anybody was told, loses nothing.

#![expect(clippy::unwrap_used, reason = "a test")]

use std::fs;

use acceptance::{App, Database, Step, eventually, serde_json::json, tempfile::TempDir};

acceptance::on_both_databases!(a_process_that_dies_after_its_commit_leaves_no_item_without_a_task);

async fn a_process_that_dies_after_its_commit_leaves_no_item_without_a_task(database: Database) {
    let step =
        Step { number: "07", binary: env!("CARGO_BIN_EXE_system-07"), folder: env!("CARGO_MANIFEST_DIR") };
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("crash");
    let crash = file.display().to_string();
    let app = App::start(&step, database, |options| options.env("github", "CRASH_FILE", crash)).unwrap();
    let delivery = app.happens(json!({ "action": "opened", "repository": "sendgrid/rest" })).await;

    fs::write(&file, "outbox.committed").unwrap();
    // The answer is lost with the process: GitHub does not know, and does not ask again.
    let _ = app.delivery(&delivery).send().await;
    eventually("github is dead", async || (!file.exists()).then_some(())).await;
    // It may have ended already.
    let _ = app.system().kill("github");
    assert!(
        app.task_about(&format!("sendgrid/rest#{}", delivery.number())).await.is_none(),
        "who told backlog?"
    );

    app.system().start_again("github").unwrap();
    assert_eq!(app.item("sendgrid/rest", delivery.number()).await["state"], "open", "it had committed");
    let _ = app.task(&format!("sendgrid/rest#{}", delivery.number())).await;
}
