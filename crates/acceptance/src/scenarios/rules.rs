//! Rules: what follows from what happened, once.

use serde_json::{Value, json};

use crate::{Answer, App, eventually, scenario::scenarios, snapshot};

scenarios![
    the_shipped_rules_are_there,
    a_pull_request_of_the_community_is_thanked_for_and_waits_for_review,
    an_answer_of_the_community_takes_the_task_up_again,
    a_security_label_calls_whoever_is_on_call,
    a_rule_runs_once_however_often_and_in_whatever_form_its_event_arrives,
    an_import_sets_off_no_rule,
    a_status_that_a_person_changes_sets_off_rules_and_one_that_a_rule_changes_does_not,
    what_a_rule_decided_outlives_a_power_cut,
    our_own_comment_sets_off_no_rule,
    our_own_comment_is_not_answered_where_github_did_not_say_in_time_that_it_is_ours,
    a_rule_is_added_and_taken_away,
    every_wrong_field_of_a_rule_is_named
];

const REST: &str = "sendgrid/rest";

/// Something happens in `sendgrid/rest`, and Automator is told.
async fn told(app: &App, action: &str, more: Value) -> i64 {
    let mut event = json!({ "action": action, "repository": REST });
    if let (Some(event), Some(more)) = (event.as_object_mut(), more.as_object()) {
        event.extend(more.clone());
    }
    app.told(event).await.number()
}

async fn task(app: &App, number: i64) -> Value {
    app.task(&format!("{REST}#{number}")).await
}

async fn has_status(app: &App, number: i64, status: &str) {
    let what = format!("#{number} is {status}");
    eventually(&what, async || (task(app, number).await["status"] == status).then_some(())).await;
}

/// The comments that Automator has made on GitHub, as GitHub took them.
async fn comments(app: &App) -> Vec<String> {
    let calls = app.simulators().taken("github").await;
    let texts = calls.iter().filter_map(|call| call["fields"]["variables"]["text"].as_str());
    texts.map(str::to_owned).collect()
}

/// Adds a rule that makes each opened item `deferred`, and opens one: whatever happened before it in the queue of rules is
/// done when that one is.
async fn marker(app: &App) {
    let rule = json!({
        "name": "marker", "when": "item_opened", "if": { "author": "community", "kind": "issue" },
        "then": [{ "set_status": "deferred" }]
    });
    let added = app.post("/api/rules", &rule).await;
    assert!(matches!(added.status, 201 | 409), "{added}");
    let number = told(app, "opened", json!({ "author": "marker", "title": "a marker" })).await;
    has_status(app, number, "deferred").await;
}

async fn add(app: &App, rule: Value) -> Answer {
    app.post("/api/rules", &rule).await.is(201)
}

async fn the_shipped_rules_are_there(app: &App) {
    snapshot("rules_shipped", &Value::from(app.all("/api/rules?limit=2").await), &[]);
}

async fn a_pull_request_of_the_community_is_thanked_for_and_waits_for_review(app: &App) {
    let _ = app.member("maintainer").await;
    let opened =
        |author: &str| json!({ "kind": "pull_request", "author": author, "title": "Mend it {author}" });
    let ours = told(app, "opened", opened("maintainer")).await;
    let bots = told(app, "opened", opened("dependabot[bot]")).await;
    let theirs = told(app, "opened", opened("giver")).await;
    has_status(app, theirs, "needs_review").await;
    eventually("they are thanked", async || (comments(app).await.len() == 1).then_some(())).await;
    marker(app).await;
    let all = comments(app).await;
    assert_eq!(all.len(), 1, "one thanks for one pull request: {all:?}");
    assert!(all[0].starts_with("Thank you for the pull request, @giver!"), "{all:?}");
    for number in [ours, bots] {
        assert_eq!(task(app, number).await["status"], "intake", "#{number} is not of the community");
    }
}

async fn an_answer_of_the_community_takes_the_task_up_again(app: &App) {
    let _ = app.member("maintainer").await;
    let mut numbers = Vec::new();
    for status in ["waiting_for_feedback", "waiting_for_feedback", "in_progress"] {
        let number = told(app, "opened", json!({ "author": "asker" })).await;
        let path = format!("/api/tasks/{}", task(app, number).await["id"].as_str().unwrap_or_default());
        let _ = app.patch(&path, &json!({ "status": status })).await.is(200);
        numbers.push(number);
    }
    for (number, author) in [(numbers[0], "asker"), (numbers[1], "Maintainer"), (numbers[2], "asker")] {
        let _ = told(app, "commented", json!({ "number": number, "author": author })).await;
    }
    has_status(app, numbers[0], "feedback_received").await;
    marker(app).await;
    assert_eq!(task(app, numbers[1]).await["status"], "waiting_for_feedback", "we answered ourselves");
    assert_eq!(task(app, numbers[2]).await["status"], "in_progress", "nobody waited for an answer");
}

async fn a_security_label_calls_whoever_is_on_call(app: &App) {
    for (login, phone, on_call) in [
        ("awake", Some("+15551110001"), true),
        ("asleep", Some("+15551110002"), false),
        ("unreachable", None, true),
        ("gone", Some("+15551110004"), true),
    ] {
        let member = json!({
            "login": login, "name": login, "email": format!("{login}@example.com"), "phone": phone, "on_call": on_call
        });
        let joined = app.post("/api/team", &member).await.is(201);
        assert_eq!(joined["on_call"], on_call);
    }
    let _ = app.patch("/api/team/gone", &json!({ "active": false })).await.is(200);
    let number = told(app, "opened", json!({ "author": "finder", "title": "Tokens in {url} logs" })).await;
    let _ = told(app, "labeled", json!({ "number": number, "label": "type: bug" })).await;
    let _ = told(app, "labeled", json!({ "number": number, "label": "type: Security" })).await;
    let texts = eventually("a text message goes out", async || {
        let texts = app.simulators().taken("twilio").await;
        (!texts.is_empty()).then_some(texts)
    })
    .await;
    assert_eq!(texts.len(), 1);
    let fields = &texts[0]["fields"];
    assert_eq!(fields["To"], "+15551110001");
    let url = app.item(REST, number).await["url"].as_str().unwrap_or_default().to_owned();
    assert_eq!(
        fields["Body"],
        format!("Security: Tokens in {{url}} logs {url}"),
        "what a title says is text"
    );
}

async fn a_rule_runs_once_however_often_and_in_whatever_form_its_event_arrives(app: &App) {
    let _ = add(
        app,
        json!({ "name": "count", "when": "comment_added", "then": [{ "add_reach": 1_000 }, { "comment": "Counted {key}" }] }),
    )
    .await;
    let number = told(app, "opened", json!({ "author": "asker" })).await;
    let before = task(app, number).await["rice"]["reach"].as_f64().unwrap_or_default();
    let comment = app
        .happens(json!({ "action": "commented", "repository": REST, "number": number, "author": "asker" }))
        .await;
    // The same delivery eight times at once, then as two hooks would tell of it: under other delivery ids.
    let same = futures::future::join_all((0..8).map(|_| async { app.delivery(&comment).await.status })).await;
    assert_eq!(same, [202; 8]);
    for n in 0..3 {
        let id = format!("another-hook-{n}");
        let _ = app.delivery(&comment).header("x-github-delivery", id).await.is(202);
    }
    let wanted = before + 1_000.0;
    let reach = async || task(app, number).await["rice"]["reach"].as_f64().unwrap_or_default();
    eventually("the rule has run", async || (reach().await >= wanted).then_some(())).await;
    eventually("the comment is made", async || (!comments(app).await.is_empty()).then_some(())).await;
    marker(app).await;
    // The comment itself adds one to what GitHub counts, but no longer to a reach that a rule has set.
    assert!((reach().await - wanted).abs() < 2.0, "{} instead of {wanted}", reach().await);
    assert_eq!(comments(app).await.len(), 1, "one comment, one answer");
}

async fn an_import_sets_off_no_rule(app: &App) {
    let rule = json!({
        "name": "all", "when": "item_opened", "if": { "kind": "pull_request" }, "then": [{ "set_status": "in_progress" }]
    });
    let _ = add(app, rule).await;
    let _ = app.import().await;
    marker(app).await;
    for status in ["in_progress", "needs_review"] {
        assert_eq!(app.all(&format!("/api/tasks?status={status}&limit=100")).await, Vec::<Value>::new());
    }
    assert!(comments(app).await.is_empty());
}

async fn a_status_that_a_person_changes_sets_off_rules_and_one_that_a_rule_changes_does_not(app: &App) {
    let _ = add(
        app,
        json!({
            "name": "forth", "when": "task_status_changed", "if": { "status": "in_progress" },
            "then": [{ "set_status": "needs_review" }]
        }),
    )
    .await;
    // With the first one, it would go back and forth for ever.
    let _ = add(
        app,
        json!({
            "name": "back", "when": "task_status_changed", "if": { "status": "needs_review" },
            "then": [{ "set_status": "in_progress" }]
        }),
    )
    .await;
    let number = told(app, "opened", json!({ "author": "asker" })).await;
    let path = format!("/api/tasks/{}", task(app, number).await["id"].as_str().unwrap_or_default());
    let changed = app.patch(&path, &json!({ "status": "in_progress" })).await.is(200);
    assert_eq!(changed["status"], "in_progress", "a consequence comes later");
    has_status(app, number, "needs_review").await;
    marker(app).await;
    let after = task(app, number).await;
    let changes =
        after["version"].as_i64().unwrap_or_default() - changed["version"].as_i64().unwrap_or_default();
    assert_eq!((&after["status"], changes), (&json!("needs_review"), 1), "rules set each other off: {after}");
}

async fn what_a_rule_decided_outlives_a_power_cut(app: &App) {
    let down = json!({ "service": "github", "kind": "status", "status": 502, "times": null, "contains": "addComment" });
    let _ = app.simulators().fault(&down).await.is(201);
    let mut numbers = Vec::new();
    for n in 0..5 {
        let opened = json!({ "kind": "pull_request", "author": format!("giver-{n}") });
        numbers.push(told(app, "opened", opened).await);
    }
    for number in numbers {
        // That says that the rule has decided; the comment was decided with it.
        has_status(app, number, "needs_review").await;
    }
    app.power_cut();
    let _ = app.simulators().heal().await;
    let all = eventually("five are thanked", async || {
        let all = comments(app).await;
        (all.len() >= 5).then_some(all)
    })
    .await;
    for n in 0..5 {
        let thanks = all.iter().filter(|text| text.contains(&format!("@giver-{n}!"))).count();
        assert_eq!(thanks, 1, "giver-{n}: {all:?}");
    }
}

async fn our_own_comment_sets_off_no_rule(app: &App) {
    let _ = add(
        app,
        json!({ "name": "parrot", "when": "comment_added", "then": [{ "comment": "You said something" }] }),
    )
    .await;
    let number = told(app, "opened", json!({ "author": "asker" })).await;
    let _ = told(app, "commented", json!({ "number": number, "author": "asker", "body": "Hello?" })).await;
    let first = eventually("the parrot speaks", async || comments(app).await.into_iter().next()).await;
    // GitHub tells of that comment too, under the account whose token made it.
    let world = app.simulators().get("/control/github").await.is(200);
    let ours = json!({ "number": number, "author": world["app"], "body": first });
    let _ = told(app, "commented", ours).await;
    marker(app).await;
    assert_eq!(comments(app).await.len(), 1, "the parrot answers itself");
    // Nobody else speaks as we do: not with our words, nor with what once marked them, nor as another app.
    for (author, body) in [
        ("asker", first.as_str()),
        ("asker", "Hello?\n\n<!-- automator -->"),
        ("codecov[bot]", first.as_str()),
    ] {
        let before = comments(app).await.len();
        let _ = told(app, "commented", json!({ "number": number, "author": author, "body": body })).await;
        eventually("the parrot hears it", async || (comments(app).await.len() == before + 1).then_some(()))
            .await;
    }
}

/// As it is where another process of ours has commented, and this one has not been told yet by GitHub who we are.
async fn our_own_comment_is_not_answered_where_github_did_not_say_in_time_that_it_is_ours(app: &App) {
    let _ = add(
        app,
        json!({ "name": "parrot", "when": "comment_added", "then": [{ "comment": "You said something, {author}" }] }),
    )
    .await;
    let number = told(app, "opened", json!({ "author": "asker" })).await;
    let world = app.simulators().get("/control/github").await.is(200);
    let who = json!({ "service": "github", "kind": "status", "status": 502, "contains": "viewer" });
    let _ = app.simulators().fault(&who).await.is(201);
    let ours = json!({ "number": number, "author": world["app"], "body": "Thank you" });
    let _ = told(app, "commented", ours).await;
    let left = app.simulators().get("/control/faults").await.is(200);
    assert_eq!(left["faults"], json!([]), "nobody has asked who we are");
    let _ = told(app, "commented", json!({ "number": number, "author": "asker", "body": "Hello?" })).await;
    let _ = eventually("the parrot speaks", async || comments(app).await.into_iter().next()).await;
    marker(app).await;
    assert_eq!(comments(app).await, ["You said something, asker"]);
}

async fn a_rule_is_added_and_taken_away(app: &App) {
    let rule = json!({
        "name": "Go to mona", "when": "item_opened", "if": { "language": "go" }, "then": [{ "assign": "mona" }]
    });
    let _ = app.member("mona").await;
    let added = add(app, rule.clone()).await;
    snapshot("rule_added", &added.to_json(), &[".body.id", ".headers.location"]);
    let path = added.header("location").expect("a new rule has a place").to_owned();
    assert_eq!(app.all("/api/rules").await.last(), Some(&added.body));
    assert_eq!(app.post("/api/rules", &rule).await.is(409)["type"], "urn:automator:taken");

    let first = told(app, "opened", json!({ "author": "asker" })).await;
    eventually("the task is assigned", async || (task(app, first).await["assignee"] == "mona").then_some(()))
        .await;
    let _ = app.delete(&path).without("authorization").await.is(401);
    let _ = app.delete(&path).await.is(204);
    let _ = app.delete(&path).await.is(404);
    let second = told(app, "opened", json!({ "author": "asker" })).await;
    marker(app).await;
    assert_eq!(task(app, second).await["assignee"], Value::Null);
}

async fn every_wrong_field_of_a_rule_is_named(app: &App) {
    let bad = json!({
        "name": "", "when": "item_opened", "if": { "label": "security" },
        "then": [{ "add_reach": 0 }, { "comment": " " }, { "notify": { "channel": "sms", "to": "a b", "text": "x" } }]
    });
    let answer = app.post("/api/rules", &bad).await.is(422);
    let expected = ["name", "if.label", "then[0].add_reach", "then[1].comment", "then[2].notify.to"];
    assert_eq!(answer.fields(), expected);
    for (body, field) in [
        (json!({ "name": "x", "when": "full_moon", "then": [{ "assign": "mona" }] }), "when"),
        (json!({ "name": "x", "when": "item_opened", "then": [{ "explode": true }] }), "then[0]"),
        (
            json!({ "name": "x", "when": "item_opened", "if": { "moon": "full" }, "then": [{ "assign": "m" }] }),
            "if.moon",
        ),
        (json!({ "name": "x", "when": "item_opened" }), "then"),
        (json!({ "name": "x", "when": "item_opened", "then": [] }), "then"),
    ] {
        assert_eq!(app.post("/api/rules", &body).await.is(422).fields(), [field], "{body}");
    }
    // As many as one likes to send: what is wrong with them is told in a few words, whatever carries it.
    for wrong in [167, 1_000] {
        let then = vec![json!({ "notify": { "channel": "sms", "to": "a b", "text": "x" } }); wrong];
        let body = json!({ "name": "x", "when": "item_opened", "then": then });
        let answer = app.post("/api/rules", &body).await.is(422);
        assert_eq!((answer.fields()[0], answer.fields().len()), ("then", 11), "{wrong}");
    }
    let long = json!({ "name": "x", "when": "full".repeat(10_000), "then": [{ "assign": "mona" }] });
    assert!(
        app.post("/api/rules", &long).await.is(422).text.len() < 2_000,
        "the answer is as long as what was sent"
    );
    assert_eq!(app.all("/api/rules").await.len(), 3, "only those that ship");
}
