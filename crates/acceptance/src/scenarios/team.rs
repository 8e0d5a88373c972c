//! The team, and what it changes that somebody is in it.

use serde_json::{Value, json};

use crate::{App, becomes, scenario::scenarios, snapshot};

scenarios![
    a_member_joins_changes_and_leaves,
    a_taken_login_is_refused_in_any_spelling,
    eight_at_once_join_as_one,
    every_wrong_field_of_a_member_is_named,
    whoever_joins_has_answered_what_they_spoke_on,
    whoever_joins_while_people_talk_is_counted
];

async fn a_member_joins_changes_and_leaves(app: &App) {
    let body = json!({
        "login": "OctoCat", "name": "Mona", "email": "mona@example.com", "phone": "+15551234567", "role": "lead"
    });
    let joined = app.post("/api/team", &body).await.is(201);
    snapshot("member_joined", &joined.to_json(), &[]);
    let path = joined.header("location").expect("a new member has a place").to_owned();

    let changed = app.patch(&path, &json!({ "name": "Mona Lisa", "phone": null })).await.is(200);
    assert_eq!((&changed["name"], &changed["phone"]), (&json!("Mona Lisa"), &Value::Null));
    assert_eq!(changed["email"], "mona@example.com", "what is not named stays");
    assert_eq!(changed["version"], 2);

    let left = app.patch(&path, &json!({ "active": false })).await.is(200);
    assert_eq!(left["active"], false);
    assert_eq!(app.all("/api/team").await, [left.body], "whoever left stays in the list");
    let _ = app.patch("/api/team/nobody", &json!({ "active": true })).await.is(404);
}

async fn a_taken_login_is_refused_in_any_spelling(app: &App) {
    let _ = app.member("octocat").await;
    let again = json!({ "login": "OCTOCAT", "name": "x", "email": "x@example.com" });
    let answer = app.post("/api/team", &again).await.is(409);
    assert_eq!(answer["type"], "urn:automator:taken");
    assert_eq!(app.all("/api/team").await.len(), 1);
}

async fn eight_at_once_join_as_one(app: &App) {
    let body = json!({ "login": "octocat", "name": "x", "email": "x@example.com" });
    let answers =
        futures::future::join_all((0..8).map(|_| async { app.post("/api/team", &body).await.status })).await;
    let of = |status: u16| answers.iter().filter(|answer| **answer == status).count();
    assert_eq!((of(201), of(409)), (1, 7), "{answers:?}");
    assert_eq!(app.all("/api/team").await.len(), 1);
}

async fn every_wrong_field_of_a_member_is_named(app: &App) {
    let body = json!({ "login": "a b", "name": "", "email": "nowhere", "phone": "555" });
    let answer = app.post("/api/team", &body).await.is(422);
    assert_eq!(answer.fields(), ["login", "name", "email", "phone"]);
    let long = json!({ "login": "a".repeat(40), "name": "n".repeat(101), "email": "a@b.c\r\nBcc: d@e.f" });
    assert_eq!(app.post("/api/team", &long).await.is(422).fields(), ["login", "name", "email"]);
    let unseen = json!({ "login": "octocat", "name": "\u{200b}\u{3164}", "email": "x@example.com" });
    assert_eq!(app.post("/api/team", &unseen).await.is(422).fields(), ["name"]);
    let missing = app.post("/api/team", &json!({ "login": "octocat", "name": "x" })).await.is(422);
    assert_eq!(missing.fields(), ["email"]);
    assert!(app.all("/api/team").await.is_empty());
}

async fn whoever_joins_has_answered_what_they_spoke_on(app: &App) {
    let asked = app
        .told(json!({ "action": "opened", "repository": "sendgrid/rest", "author": "asker", "at": "2019-07-01T08:00:00Z" }))
        .await;
    let number = asked.number();
    let _ = app
        .told(json!({
            "action": "commented", "repository": "sendgrid/rest", "number": number, "author": "helper",
            "at": "2019-07-01T09:00:00Z"
        }))
        .await;
    let before = app.item("sendgrid/rest", number).await;
    assert_eq!(
        (&before["waiting"], &before["waiting_since"]),
        (&json!("contact"), &json!("2019-07-01T08:00:00Z"))
    );

    let _ = app.member("helper").await;
    let waits = async || {
        let item = app.item("sendgrid/rest", number).await;
        (item["waiting"].clone(), item["waiting_since"].clone())
    };
    becomes((Value::Null, Value::Null), waits).await;

    let _ = app
        .told(json!({
            "action": "commented", "repository": "sendgrid/rest", "number": number, "author": "asker",
            "at": "2019-07-01T10:00:00Z"
        }))
        .await;
    let again = app.item("sendgrid/rest", number).await;
    assert_eq!(
        (&again["waiting"], &again["waiting_since"]),
        (&json!("response"), &json!("2019-07-01T10:00:00Z"))
    );

    let _ = app.patch("/api/team/helper", &json!({ "active": false })).await.is(200);
    // Nobody of the team has spoken.
    becomes((json!("contact"), json!("2019-07-01T08:00:00Z")), waits).await;
}

/// Whether two meet in the middle is chance, so chance is given six times.
async fn whoever_joins_while_people_talk_is_counted(app: &App) {
    for round in 0..6 {
        let helper = format!("helper-{round}");
        let said = |number: i64, author: &str, hour: &str| {
            let at = format!("2019-07-01T{hour}:00:00Z");
            json!({ "action": "commented", "repository": "sendgrid/rest", "number": number, "author": author, "at": at })
        };
        let mut replies = Vec::new();
        for _ in 0..6 {
            let opened = json!({
                "action": "opened", "repository": "sendgrid/rest", "author": "asker", "at": "2019-07-01T08:00:00Z"
            });
            let number = app.told(opened).await.number();
            let _ = app.told(said(number, &helper, "09")).await;
            replies.push((number, app.happens(said(number, "asker", "10")).await));
        }
        let deliveries = futures::future::join_all(replies.iter().map(|(_, reply)| async {
            let _ = app.delivery(reply).await.is(202);
        }));
        let _ = futures::join!(deliveries, app.member(&helper));
        for (number, _) in &replies {
            let waits = async || {
                let item = app.item("sendgrid/rest", *number).await;
                (item["waiting"].clone(), item["waiting_since"].clone())
            };
            becomes((json!("response"), json!("2019-07-01T10:00:00Z")), waits).await;
        }
    }
}
