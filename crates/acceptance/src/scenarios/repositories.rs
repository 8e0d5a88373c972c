//! The tracked repositories.

use serde_json::{Value, json};

use crate::{App, scenario::scenarios};

scenarios![
    imported:
    a_repository_counts_what_is_open_in_it;
    copy:
    a_repository_that_leaves_the_catalogue_leaves_the_backlog,
    tasks_follow_the_base_reach_unless_a_person_set_theirs;
    repositories_are_listed_by_name_before_anything_was_imported
];

async fn repositories_are_listed_by_name_before_anything_was_imported(app: &App) {
    let page = app.get("/api/repositories").await.is(200);
    let names: Vec<_> = page.items().iter().map(|repository| &repository["name"]).collect();
    assert_eq!(names, ["sendgrid/python-http-client", "sendgrid/rest"]);
    assert_eq!(page.items()[1]["language"], "go");
    assert_eq!(page.items()[1]["open_issues"], 0);
    assert_eq!(page.body["next_cursor"], Value::Null);
    assert_eq!(app.all("/api/repositories?limit=1").await.len(), 2);
}

async fn a_repository_counts_what_is_open_in_it(app: &App) {
    let open = app.all("/api/items?state=open&limit=100").await;
    for repository in app.all("/api/repositories").await {
        let count = |kind: &str| {
            open.iter()
                .filter(|item| item["repository"] == repository["name"] && item["kind"] == kind)
                .count()
        };
        assert_eq!(repository["open_issues"], count("issue"), "{repository}");
        assert_eq!(repository["open_pull_requests"], count("pull_request"), "{repository}");
        assert!(count("issue") > 0 && count("pull_request") > 0, "nothing to count in {repository}");
    }
}

/// A catalogue of these names, languages and base reaches.
fn catalogue(repositories: &[(&str, &str, u32)]) -> String {
    repositories
        .iter()
        .map(|(name, language, reach)| {
            format!("[[repository]]\nname = \"{name}\"\nlanguage = \"{language}\"\nreach = {reach}\n")
        })
        .collect()
}

async fn a_repository_that_leaves_the_catalogue_leaves_the_backlog(app: &App) {
    let before = app.all("/api/tasks?limit=100").await;
    let gone =
        before.iter().find(|task| task["item"]["repository"] == "sendgrid/rest").expect("it has tasks");
    app.track(&catalogue(&[("sendgrid/python-http-client", "python", 55)]));

    assert_eq!(app.all("/api/repositories").await.len(), 1);
    let left = app.all("/api/tasks?limit=100").await;
    assert!(!left.is_empty() && left.len() < before.len());
    assert!(left.iter().all(|task| task["item"]["repository"] == "sendgrid/python-http-client"));
    assert!(left.iter().enumerate().all(|(index, task)| task["rank"] == index + 1), "ranks have gaps");
    let place = format!("/api/tasks/{}", gone["id"].as_str().unwrap_or_default());
    let _ = app.get(&place).await.is(404);
    let _ = app.patch(&place, &json!({ "status": "in_progress" })).await.is(404);
    assert!(app.all("/api/items?repository=sendgrid/rest").await.is_empty());
    let import = app.import().await;
    assert_eq!(import["repositories_total"], 1);

    // It comes back as it was.
    app.track(&catalogue(&[("sendgrid/python-http-client", "python", 55), ("sendgrid/rest", "go", 35)]));
    assert_eq!(app.all("/api/tasks?limit=100").await, before);
}

async fn tasks_follow_the_base_reach_unless_a_person_set_theirs(app: &App) {
    let before = app.all("/api/tasks?limit=100&sort=age&language=go").await;
    let own = format!("/api/tasks/{}", before[0]["id"].as_str().unwrap_or_default());
    let set = app.patch(&own, &json!({ "rice": { "impact": 9 } })).await.is(200);
    app.track(&catalogue(&[("sendgrid/python-http-client", "python", 55), ("sendgrid/rest", "go", 45)]));
    let after = app.all("/api/tasks?limit=100&sort=age&language=go").await;
    assert_eq!(after[0]["rice"], set["rice"]);
    for (old, new) in before.iter().zip(&after).skip(1) {
        let reach = |task: &Value| task["rice"]["reach"].as_f64();
        assert_eq!(reach(new), reach(old).map(|reach| reach + 10.0), "{new}");
    }
    let other = app.all("/api/tasks?limit=100&language=python").await;
    assert!(other.iter().all(|task| task["version"] == 1), "a task was written for nothing");
}
