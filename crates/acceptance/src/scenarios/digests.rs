//! Digests: everybody's open tasks and the team's waiting list, by mail.

use serde_json::{Value, json};

use crate::{App, eventually, scenario::scenarios};

scenarios![every_active_member_gets_their_tasks_and_the_waiting_list, a_repeated_digest_mails_nobody_twice];

const REST: &str = "sendgrid/rest";

/// The mails that went out, by recipient: subject and text.
async fn mails(app: &App, count: usize) -> Vec<(String, String, String)> {
    let mails = eventually("the mails go out", async || {
        let mails = app.simulators().taken("sendgrid").await;
        (mails.len() >= count).then_some(mails)
    })
    .await;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut mails: Vec<_> = mails
        .iter()
        .map(|mail| &mail["fields"])
        .map(|fields| {
            let to = &fields["personalizations"][0]["to"][0]["email"];
            (text(to), text(&fields["subject"]), text(&fields["content"][0]["value"]))
        })
        .collect();
    mails.sort();
    mails
}

async fn every_active_member_gets_their_tasks_and_the_waiting_list(app: &App) {
    for login in ["idle", "mona", "gone"] {
        let _ = app.member(login).await;
    }
    let _ = app.patch("/api/team/gone", &json!({ "active": false })).await.is(200);
    for (number, title) in ["<b>First</b> & foremost", "Second", "Nobody's"].iter().enumerate() {
        let opened = json!({ "action": "opened", "repository": REST, "author": "asker", "title": title });
        let key = format!("{REST}#{}", app.told(opened).await.number());
        let task = app.task(&key).await;
        let change = match number {
            0 => json!({ "assignee": "mona", "due_date": "2030-01-02", "rice": { "reach": 1_000 } }),
            1 => json!({ "assignee": "mona" }),
            _ => json!({}),
        };
        let _ = app
            .patch(&format!("/api/tasks/{}", task["id"].as_str().unwrap_or_default()), &change)
            .await
            .is(200);
    }
    let digests = app.post("/api/digests", &json!({})).await.is(202);
    let recipients: Vec<_> =
        digests["notifications"].as_array().into_iter().flatten().map(|mail| mail["to"].clone()).collect();
    assert_eq!(recipients, ["idle@example.com", "mona@example.com"], "whoever left gets nothing");

    let mails = mails(app, 2).await;
    let (_, subject, text) = &mails[1];
    assert_eq!(subject, "2 open tasks, 3 waiting");
    let first = text.find("1. <b>First</b> & foremost").expect("the first task is named");
    let second = text.find("2. Second").expect("the second task is named");
    assert!(first < second && text.contains("due 2030-01-02"), "{text}");
    let (own, waiting) = text.split_once("The community waits").expect("the waiting list is there");
    assert!(!own.contains("Nobody's") && waiting.contains("Nobody's"), "{text}");
    assert_eq!(mails[0].1, "0 open tasks, 3 waiting");
}

async fn a_repeated_digest_mails_nobody_twice(app: &App) {
    for n in 0..3 {
        let _ = app.member(&format!("member-{n}")).await;
    }
    let send =
        async |key: &str| app.post("/api/digests", &json!({})).header("idempotency-key", key).await.is(202);
    let answers = futures::future::join_all((0..4).map(|_| send("monday"))).await;
    assert!(answers.iter().all(|answer| answer.text == answers[0].text), "one digest, one answer");
    assert_eq!(mails(app, 3).await.len(), 3);
    let _ = send("tuesday").await;
    assert_eq!(mails(app, 6).await.len(), 6, "another day, another digest");
}
