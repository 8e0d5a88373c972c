//! The wish of exercise 02.2 went with the addresses: whoever is given a task gets a mail, because web hears of it.

use acceptance::{Step, eventually, serde_json::json, with_system};

#[test]
fn who_is_given_a_task_gets_one_mail() {
    let step =
        Step { number: "07", binary: env!("CARGO_BIN_EXE_system-07"), folder: env!("CARGO_MANIFEST_DIR") };
    with_system(
        &step,
        |options| options.env("web", "TELL_ASSIGNEES", "1"),
        async |app| {
            let _ = app.member("ada").await;
            let tasks = app.get("/api/tasks?limit=3").await.is(200);
            for (number, task) in (1..).zip(tasks.items()) {
                let path = format!("/api/tasks/{}", task["id"].as_str().unwrap());
                let _ = app.patch(&path, &json!({ "assignee": "ada" })).await.is(200);
                let mails = eventually("Ada has a mail for each task", async || {
                    let mails = app.simulators().taken("sendgrid").await;
                    (mails.len() >= number).then_some(mails)
                })
                .await;
                assert_eq!(mails.len(), number, "{mails:?}");
            }
        },
    );
}
