//! Tasks: their order, their pages, and changes that nobody loses.

use std::collections::HashSet;

use serde_json::{Value, json};

use crate::{App, becomes, scenario::scenarios, snapshot};

scenarios![
    imported:
    a_rank_counts_among_all_open_tasks,
    an_unknown_task_is_not_found;
    copy:
    tasks_are_ranked_by_score_then_age_then_key,
    every_order_is_paged_without_gap_or_repeat,
    a_rank_is_right_after_every_kind_of_move,
    tasks_are_filtered_by_each_parameter,
    a_change_is_read_back_on_every_route,
    null_takes_assignee_and_due_date_away,
    a_due_date_moves_a_task_up,
    deferred_and_done_tasks_weigh_nothing,
    an_older_version_is_not_overwritten,
    eight_changes_of_one_version_are_one,
    a_change_that_changes_nothing_keeps_the_version,
    a_factor_out_of_range_is_named,
    a_body_that_does_not_fit_is_refused_and_changes_nothing,
    only_an_active_member_is_assigned;
    factors_follow_the_item_until_a_person_sets_one
];

const TASKS: &str = "/api/tasks?limit=100";

/// The path of the task with that rank.
async fn ranked(app: &App, rank: usize) -> String {
    let page = app.get(TASKS).await.is(200);
    format!("/api/tasks/{}", page.items()[rank - 1]["id"].as_str().expect("a task has an id"))
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("expected a number, not {value}"))
}

/// DOMAIN §3 once more, independent of what is tested.
fn score(task: &Value) -> f64 {
    let rice = &task["rice"];
    let weight = match task["status"].as_str() {
        Some("intake") => 1.0,
        Some("needs_review") => 1.2,
        Some("waiting_for_feedback") => 0.5,
        Some("feedback_received") => 1.5,
        Some("in_progress") => 1.25,
        _ => 0.0,
    };
    assert!(task["due_date"].is_null(), "this sum knows no due date");
    number(&rice["reach"]) * number(&rice["impact"]) * number(&rice["confidence"]) / number(&rice["effort"])
        * weight
}

async fn tasks_are_ranked_by_score_then_age_then_key(app: &App) {
    // Three with one score, two of them with one age: the older first, then by key.
    for at in ["2019-06-02T00:00:00Z", "2019-06-02T00:00:00Z", "2019-06-01T00:00:00Z"] {
        let _ = app
            .told(json!({ "action": "opened", "repository": "sendgrid/rest", "labels": ["type: bug"], "at": at }))
            .await;
    }
    app.is_followed().await;
    let statuses = ["needs_review", "waiting_for_feedback", "feedback_received", "in_progress", "deferred"];
    for (rank, status) in statuses.iter().enumerate() {
        let _ = app.patch(&ranked(app, 3 * rank + 2).await, &json!({ "status": status })).await.is(200);
    }
    let tasks = app.all(TASKS).await;
    for (index, task) in tasks.iter().enumerate() {
        assert_eq!(task["rank"], index + 1, "{task}");
        assert!(
            (number(&task["score"]) - score(task)).abs() < 1e-9,
            "the score is not {}: {task}",
            score(task)
        );
    }
    let order = |task: &Value| {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        (text(&task["item"]["created_at"]), text(&task["item"]["key"]))
    };
    for pair in tasks.windows(2) {
        let (above, below) = (number(&pair[0]["score"]), number(&pair[1]["score"]));
        assert!(
            above > below || (above == below && order(&pair[0]) < order(&pair[1])),
            "{} before {}",
            pair[0],
            pair[1]
        );
    }
    let three: Vec<_> = tasks
        .iter()
        .filter(|task| {
            task["item"]["created_at"]
                .as_str()
                .is_some_and(|at| at.starts_with("2019-06-0") && at.ends_with("T00:00:00Z"))
        })
        .collect();
    assert_eq!(three.len(), 3, "the ties are not there");
    assert_eq!(three[0]["item"]["created_at"], "2019-06-01T00:00:00Z");
}

async fn every_order_is_paged_without_gap_or_repeat(app: &App) {
    for (rank, due) in [(3, "2031-05-01"), (9, "2030-01-02"), (12, "2030-01-02")] {
        let _ = app.patch(&ranked(app, rank).await, &json!({ "due_date": due })).await.is(200);
    }
    for sort in ["rank", "due", "age"] {
        let all = app.all(&format!("{TASKS}&sort={sort}")).await;
        assert_eq!(app.all(&format!("/api/tasks?limit=3&sort={sort}")).await, all, "{sort}");
        let ids: HashSet<_> = all.iter().map(|task| task["id"].to_string()).collect();
        assert_eq!(ids.len(), all.len(), "a task came twice by {sort}");
        let sorted = match sort {
            "rank" => all.iter().is_sorted_by_key(|task| task["rank"].as_i64()),
            // Without a due date: last.
            "due" => all.iter().is_sorted_by_key(|task| task["due_date"].as_str().unwrap_or("9").to_owned()),
            _ => all.iter().is_sorted_by_key(|task| task["item"]["created_at"].to_string()),
        };
        assert!(sorted, "not in the order of {sort}");
    }
    let due = app.get("/api/tasks?sort=due&limit=4").await.is(200);
    let dates: Vec<_> = due.items().iter().map(|task| task["due_date"].as_str()).collect();
    assert_eq!(dates, [Some("2030-01-02"), Some("2030-01-02"), Some("2031-05-01"), None]);
}

async fn a_rank_counts_among_all_open_tasks(app: &App) {
    let all = app.all(TASKS).await;
    let issues = app.all(&format!("{TASKS}&kind=issue&language=go")).await;
    assert!(!issues.is_empty() && issues.len() < all.len());
    for task in &issues {
        assert!(all.contains(task), "the filter changed {task}");
    }
    for task in [&all[0], &all[17]] {
        let alone = app.get(&format!("/api/tasks/{}", task["id"].as_str().unwrap_or_default())).await.is(200);
        assert_eq!(&alone.body, task);
    }
}

async fn a_rank_is_right_after_every_kind_of_move(app: &App) {
    let moves = [
        (30, json!({ "status": "deferred" })),
        (2, json!({ "status": "done" })),
        (7, json!({ "due_date": "2020-01-01" })),
        (25, json!({ "status": "in_progress", "due_date": "2099-12-31" })),
        (11, json!({ "rice": { "effort": 9 } })),
        (12, json!({ "rice": { "reach": 0 } })),
        (29, json!({ "rice": { "impact": 10, "confidence": 1 } })),
    ];
    for (rank, change) in moves {
        let _ = app.patch(&ranked(app, rank).await, &change).await.is(200);
    }
    let to_and_fro = ranked(app, 4).await;
    for status in ["done", "intake"] {
        let _ = app.patch(&to_and_fro, &json!({ "status": status })).await.is(200);
    }
    // What GitHub tells moves tasks too: there is a new one, and one less.
    let new = json!({ "action": "opened", "repository": "sendgrid/rest", "title": "One more" });
    let new = app.told(new).await.number();
    let _ = app.task(&format!("sendgrid/rest#{new}")).await;
    let gone = app.get(TASKS).await.is(200).items()[9]["item"].clone();
    let closed = json!({ "action": "closed", "repository": gone["repository"], "number": gone["number"] });
    let _ = app.told(closed).await;
    app.no_task(gone["key"].as_str().unwrap_or_default()).await;

    let all = app.all(TASKS).await;
    for (task, rank) in all.iter().zip(1..) {
        assert_eq!(task["rank"], json!(rank), "{task}");
        let alone = app.get(&format!("/api/tasks/{}", task["id"].as_str().unwrap_or_default())).await.is(200);
        assert_eq!(&alone.body, task);
    }
    for sort in ["due", "age"] {
        let mut sorted = app.all(&format!("{TASKS}&sort={sort}")).await;
        sorted.sort_by_key(|task| task["rank"].as_i64());
        assert_eq!(sorted, all, "{sort}");
    }
}

async fn tasks_are_filtered_by_each_parameter(app: &App) {
    let _ = app.member("octocat").await;
    let _ = app
        .patch(&ranked(app, 2).await, &json!({ "assignee": "OctoCat", "status": "in_progress" }))
        .await
        .is(200);
    let all = app.all(TASKS).await;
    let wanted = |query: &str, keep: &dyn Fn(&Value) -> bool| {
        let expected: Vec<_> = all.iter().filter(|task| keep(task)).cloned().collect();
        assert!(!expected.is_empty() && expected.len() < all.len(), "{query} proves nothing");
        (format!("{TASKS}&{query}"), expected)
    };
    let cases = [
        wanted("status=in_progress", &|task| task["status"] == "in_progress"),
        wanted("assignee=octocat", &|task| task["assignee"] == "octocat"),
        wanted("language=python", &|task| task["item"]["language"] == "python"),
        wanted("kind=pull_request", &|task| task["item"]["kind"] == "pull_request"),
    ];
    for (path, expected) in cases {
        assert_eq!(app.all(&path).await, expected, "{path}");
    }
    for (query, field) in [("sort=score", "sort"), ("status=open", "status"), ("assignee=a%20b", "assignee")]
    {
        assert_eq!(app.get(&format!("/api/tasks?{query}")).await.is(422).fields(), [field], "{query}");
    }
}

async fn a_change_is_read_back_on_every_route(app: &App) {
    let _ = app.member("octocat").await;
    let place = ranked(app, 5).await;
    let before = app.get(&place).await.is(200);
    assert_eq!(before.header("etag"), Some("\"1\""));
    let change = json!({
        "status": "feedback_received", "assignee": "octocat", "due_date": "2099-12-31",
        "rice": { "reach": 1000, "impact": 2.5, "confidence": 0.5, "effort": 4 }
    });
    let changed = app.patch(&place, &change).await.is(200);
    assert_eq!(changed["version"], 2);
    assert_eq!(changed.header("etag"), Some("\"2\""));
    for field in ["status", "assignee", "due_date"] {
        assert_eq!(changed[field], change[field], "{field}");
    }
    assert_eq!(number(&changed["score"]), 1000.0 * 2.5 * 0.5 / 4.0 * 1.5);
    assert_eq!(changed["item"], before["item"]);
    snapshot("task_changed", &changed.to_json(), &[".body.updated_at"]);
    assert_eq!(app.get(&place).await.is(200).body, changed.body);
    let listed = app.all(TASKS).await.into_iter().find(|task| task["id"] == changed["id"]);
    assert_eq!(listed.as_ref(), Some(&changed.body));
}

async fn null_takes_assignee_and_due_date_away(app: &App) {
    let _ = app.member("octocat").await;
    let place = ranked(app, 1).await;
    let _ = app.patch(&place, &json!({ "assignee": "octocat", "due_date": "2030-01-02" })).await.is(200);
    let kept = app.patch(&place, &json!({ "status": "in_progress" })).await.is(200);
    assert_eq!((&kept["assignee"], &kept["due_date"]), (&json!("octocat"), &json!("2030-01-02")));
    let taken = app.patch(&place, &json!({ "assignee": null, "due_date": null })).await.is(200);
    assert_eq!((&taken["assignee"], &taken["due_date"]), (&Value::Null, &Value::Null));
    assert_eq!(taken["status"], "in_progress");
}

async fn a_due_date_moves_a_task_up(app: &App) {
    let all = app.all(TASKS).await;
    let place = ranked(app, 20).await;
    let plain = number(&all[19]["score"]);
    // Overdue counts as due; far away counts as without. Neither depends on which day it is.
    let due = app.patch(&place, &json!({ "due_date": "2019-01-01" })).await.is(200);
    assert_eq!(number(&due["score"]), plain * 2.0);
    assert!(due["rank"].as_i64() < Some(20), "{due}");
    let far = app.patch(&place, &json!({ "due_date": "2999-01-01" })).await.is(200);
    assert_eq!((number(&far["score"]), &far["rank"]), (plain, &json!(20)));
}

async fn deferred_and_done_tasks_weigh_nothing(app: &App) {
    let count = app.all(TASKS).await.len();
    let (first, second) = (ranked(app, 1).await, ranked(app, 2).await);
    let deferred = app.patch(&first, &json!({ "status": "deferred" })).await.is(200);
    assert_eq!((number(&deferred["score"]), &deferred["rank"]), (0.0, &json!(count)));
    let done = app.patch(&second, &json!({ "status": "done" })).await.is(200);
    assert_eq!((number(&done["score"]), &done["rank"]), (0.0, &Value::Null));
    let open = app.all(TASKS).await;
    assert_eq!(open.len(), count - 1, "a done task is no longer in the backlog");
    assert_eq!(app.all(&format!("{TASKS}&status=done")).await, [done.body]);
    assert_eq!(open[count - 2]["rank"], count - 1);
}

async fn an_older_version_is_not_overwritten(app: &App) {
    let place = ranked(app, 1).await;
    let first = app.patch(&place, &json!({ "status": "in_progress" })).if_match(1).await.is(200);
    let second = app.patch(&place, &json!({ "status": "deferred" })).if_match(1).await.is(412);
    assert_eq!(
        (&second["type"], &second["current_version"]),
        (&json!("urn:automator:version-mismatch"), &json!(2))
    );
    assert_eq!(app.get(&place).await.is(200).body, first.body);
    // Only what GET sent, quotes included, is a version; `*` is any.
    let _ = app.patch(&place, &json!({ "status": "done" })).header("if-match", "2").await.is(400);
    let _ = app.patch(&place, &json!({ "status": "done" })).header("if-match", "W/\"2\"").await.is(412);
    let _ = app.patch(&place, &json!({ "status": "intake" })).header("if-match", "*").await.is(200);
}

async fn eight_changes_of_one_version_are_one(app: &App) {
    let place = ranked(app, 1).await;
    let changes = (1..=8).map(|n| {
        let change = json!({ "rice": { "reach": n } });
        let request = app.patch(&place, &change).if_match(1);
        async move { request.await }
    });
    let answers = futures::future::join_all(changes).await;
    let (taken, refused): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 200);
    assert_eq!(taken.len(), 1, "{} of eight people think that they changed version 1", taken.len());
    assert!(refused.iter().all(|answer| answer.status == 412), "{refused:?}");
    assert_eq!(app.get(&place).await.is(200)["rice"], taken[0]["rice"]);
}

async fn a_change_that_changes_nothing_keeps_the_version(app: &App) {
    let place = ranked(app, 1).await;
    let change = json!({ "status": "in_progress", "rice": { "effort": 2 } });
    let first = app.patch(&place, &change).await.is(200);
    for again in [change, json!({})] {
        let repeated = app.patch(&place, &again).await.is(200);
        assert_eq!(repeated.body, first.body);
    }
}

async fn a_factor_out_of_range_is_named(app: &App) {
    let place = ranked(app, 1).await;
    let before = app.get(&place).await.is(200);
    for (factor, wrong) in [
        ("reach", vec![json!(-1), json!(1_000_001)]),
        ("impact", vec![json!(-0.1), json!(10.1)]),
        ("confidence", vec![json!(0), json!(1.01)]),
        ("effort", vec![json!(0), json!(-3), json!(100.5)]),
    ] {
        for value in wrong {
            let answer = app.patch(&place, &json!({ "rice": { factor: value } })).await.is(422);
            assert_eq!(answer.fields(), [format!("rice.{factor}")], "{value}");
        }
    }
    let all =
        app.patch(&place, &json!({ "rice": { "reach": -1, "effort": 0 }, "status": "done" })).await.is(422);
    snapshot("factors_out_of_range", &all.to_json(), &[]);
    assert_eq!(app.get(&place).await.is(200).body, before.body, "a refused change took effect");
}

async fn a_body_that_does_not_fit_is_refused_and_changes_nothing(app: &App) {
    let place = ranked(app, 1).await;
    let before = app.get(&place).await.is(200);
    let named = [
        (json!({ "status": "open" }), "status"),
        (json!({ "due_date": "tomorrow" }), "due_date"),
        (json!({ "due_date": "2030-02-30" }), "due_date"),
        (json!({ "due_date": "2030-01-02T23:00:00-08:00" }), "due_date"),
        (json!({ "due_date": "20300102" }), "due_date"),
        (json!({ "due_date": "-009999-01-02" }), "due_date"),
        (json!({ "assignee": 7 }), "assignee"),
        (json!({ "assignee": "a b" }), "assignee"),
        (json!({ "rice": { "reach": "many" } }), "rice.reach"),
        (json!({ "rice": { "speed": 1 } }), "rice.speed"),
        (json!({ "score": 1 }), "score"),
        (json!(["status"]), "body"),
    ];
    for (body, field) in named {
        assert_eq!(app.patch(&place, &body).await.is(422).fields(), [field], "{body}");
    }
    for broken in ["", "{", "{\"status\":\"done\"} {}", "\u{feff}{}"] {
        let answer = app.patch(&place, &Value::Null).text("application/json", broken).await.is(400);
        assert_eq!(answer["type"], "urn:automator:not-json", "{broken:?}");
    }
    let _ = app.patch(&place, &Value::Null).text("text/plain", "{}").await.is(415);
    let long = json!({ "status": "x".repeat(70_000) });
    let _ = app.patch(&place, &long).await.is(413);
    let _ = app.post(&place, &json!({})).await.is(405);
    assert_eq!(app.get(&place).await.is(200).body, before.body, "a refused change took effect");
}

async fn only_an_active_member_is_assigned(app: &App) {
    let _ = app.member("octocat").await;
    let _ = app.patch("/api/team/octocat", &json!({ "active": false })).await.is(200);
    let place = ranked(app, 1).await;
    for login in ["nobody", "octocat"] {
        let answer = app.patch(&place, &json!({ "assignee": login, "status": "done" })).await.is(422);
        assert_eq!(answer.fields(), ["assignee"]);
    }
    assert_eq!(app.get(&place).await.is(200)["status"], "intake", "half a change took effect");
}

async fn an_unknown_task_is_not_found(app: &App) {
    for id in ["00000000-0000-0000-0000-000000000000", "1", "x%00y"] {
        let _ = app.get(&format!("/api/tasks/{id}")).await.is(404);
        let _ = app.patch(&format!("/api/tasks/{id}"), &json!({ "status": "done" })).await.is(404);
    }
}

async fn factors_follow_the_item_until_a_person_sets_one(app: &App) {
    let opened = app
        .told(json!({ "action": "opened", "repository": "sendgrid/rest", "labels": ["difficulty: hard"] }))
        .await;
    let key = format!("sendgrid/rest#{}", opened.number());
    let event = |action: &str, label: &str| json!({ "action": action, "repository": "sendgrid/rest", "number": opened.number(), "label": label });
    let task = app.task(&key).await;
    assert_eq!(task["rice"], json!({ "reach": 35.0, "impact": 1.5, "confidence": 1.0, "effort": 5.0 }));

    let _ = app.told(event("labeled", "type: security")).await;
    let comment = json!({ "action": "commented", "repository": "sendgrid/rest", "number": opened.number() });
    let _ = app.told(comment).await;
    let expected = json!({ "reach": 36.0, "impact": 3.0, "confidence": 1.0, "effort": 5.0 });
    becomes(expected, async || app.task(&key).await["rice"].clone()).await;
    assert!(app.task(&key).await["version"].as_i64() > task["version"].as_i64());

    let place = format!("/api/tasks/{}", task["id"].as_str().unwrap_or_default());
    let _ = app.patch(&place, &json!({ "rice": { "effort": 8 } })).await.is(200);
    let _ = app.told(event("labeled", "difficulty: easy")).await;
    app.marker("sendgrid/rest").await;
    let kept = app.get(&place).await.is(200);
    assert_eq!(kept["rice"], json!({ "reach": 36.0, "impact": 3.0, "confidence": 1.0, "effort": 8.0 }));
}
