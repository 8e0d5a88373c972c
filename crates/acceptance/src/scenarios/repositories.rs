//! The tracked repositories.

use crate::{App, scenario::scenarios};

scenarios![
    imported:
    a_repository_counts_what_is_open_in_it;
    repositories_are_listed_by_name_before_anything_was_imported
];

async fn repositories_are_listed_by_name_before_anything_was_imported(app: &App) {
    let page = app.get("/api/repositories").await.is(200);
    let names: Vec<_> = page.items().iter().map(|repository| &repository["name"]).collect();
    assert_eq!(names, ["sendgrid/python-http-client", "sendgrid/rest"]);
    assert_eq!(page.items()[1]["language"], "go");
    assert_eq!(page.items()[1]["open_issues"], 0);
    assert_eq!(page.body["next_cursor"], serde_json::Value::Null);
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
