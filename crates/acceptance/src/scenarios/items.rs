//! Issues and pull requests.

use std::collections::HashSet;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::Value;

use crate::{App, scenario::scenarios, snapshot};

scenarios![
    imported:
    items_are_paged_newest_first_without_gap_or_repeat,
    items_are_filtered_by_each_parameter,
    filters_combine,
    an_item_is_found_by_its_key,
    an_unknown_item_is_not_found,
    a_wrong_parameter_is_named,
    a_cursor_is_taken_only_where_it_came_from;
];

const ITEMS: &str = "/api/items?limit=100";

async fn items_are_paged_newest_first_without_gap_or_repeat(app: &App) {
    let all = app.all(ITEMS).await;
    let by_seven = app.all("/api/items?limit=7").await;
    assert_eq!(by_seven, all);
    let keys: HashSet<_> = all.iter().map(|item| item["key"].to_string()).collect();
    assert_eq!(keys.len(), all.len(), "an item came twice");
    let order = |item: &Value| {
        let created = item["created_at"].as_str().unwrap_or_default().to_owned();
        (std::cmp::Reverse(created), item["key"].as_str().unwrap_or_default().to_owned())
    };
    assert!(all.is_sorted_by_key(order), "not newest first, then by key");
    let first = app.get("/api/items").await.is(200);
    assert_eq!(first.items().len(), 50, "a page has 50 unless told");
}

async fn items_are_filtered_by_each_parameter(app: &App) {
    let all = app.all(ITEMS).await;
    let filters = [
        ("repository", "sendgrid/rest"),
        ("language", "python"),
        ("kind", "issue"),
        ("kind", "pull_request"),
        ("state", "open"),
        ("state", "closed"),
        ("state", "merged"),
        ("category", "question"),
        ("category", "bug"),
        ("category", "enhancement"),
        ("waiting", "contact"),
    ];
    for (field, value) in filters {
        let expected: Vec<_> = all.iter().filter(|item| item[field] == value).cloned().collect();
        assert!(!expected.is_empty() && expected.len() < all.len(), "{field}={value} proves nothing");
        assert_eq!(app.all(&format!("{ITEMS}&{field}={value}")).await, expected, "{field}={value}");
    }
    let waiting: Vec<_> = all.iter().filter(|item| !item["waiting"].is_null()).cloned().collect();
    assert_eq!(app.all(&format!("{ITEMS}&waiting=any")).await, waiting);
    assert!(app.all(&format!("{ITEMS}&repository=sendgrid/nothing")).await.is_empty());
}

async fn filters_combine(app: &App) {
    let all = app.all(ITEMS).await;
    let expected: Vec<_> = all
        .into_iter()
        .filter(|item| item["kind"] == "issue" && item["state"] == "open" && item["language"] == "go")
        .collect();
    assert!(!expected.is_empty());
    assert_eq!(app.all(&format!("{ITEMS}&kind=issue&state=open&language=go")).await, expected);
}

async fn an_item_is_found_by_its_key(app: &App) {
    let list = app.get("/api/items?limit=1&kind=pull_request&category=bug").await.is(200);
    let listed = &list.items()[0];
    let number = listed["number"].as_i64().expect("an item has a number");
    let repository = listed["repository"].as_str().expect("an item has a repository");
    let item = app.item(repository, number).await;
    assert_eq!(&item.body, listed);
    snapshot("item", &item.to_json(), &[]);
    // GitHub's names ignore case.
    assert_eq!(app.item(&repository.to_uppercase(), number).await.body, item.body);
}

async fn an_unknown_item_is_not_found(app: &App) {
    let ways = [
        "sendgrid/rest/99999",
        "sendgrid/nothing/1",
        "sendgrid/rest/0",
        "sendgrid/rest/-1",
        "sendgrid/rest/x",
    ];
    for way in ways {
        let answer = app.get(&format!("/api/items/{way}")).await.is(404);
        assert_eq!(answer["type"], "urn:automator:not-found", "{way}");
    }
}

async fn a_wrong_parameter_is_named(app: &App) {
    let wrong = [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=ten", "limit"),
        ("kind=bug", "kind"),
        ("state=OPEN", "state"),
        ("category=x", "category"),
        ("waiting=x", "waiting"),
        ("repository=rest", "repository"),
        ("cursor=x", "cursor"),
        ("colour=red", "colour"),
    ];
    for (query, field) in wrong {
        let answer = app.get(&format!("/api/items?{query}")).await.is(422);
        assert_eq!(answer.fields(), [field], "{query}: {answer}");
        assert_eq!(answer.header("content-type"), Some("application/problem+json"));
    }
}

async fn a_cursor_is_taken_only_where_it_came_from(app: &App) {
    let page = app.get("/api/items?limit=1").await.is(200);
    let cursor = page["next_cursor"].as_str().expect("there is a second page");
    let _ = app.get(&format!("/api/items?limit=1&cursor={cursor}")).await.is(200);
    // Forged ones, base64 of JSON as ours are: the smallest number, a NUL, a day that never comes.
    let forged = [
        ("/api/items", r#"["items",[-9223372036854775808,"x"]]"#, 200),
        ("/api/items", r#"["items",[0,"\u0000"]]"#, 422),
        ("/api/tasks", r#"["tasks/rank",{"today":-9223372036854775807,"key":[0.0,0,"x"]}]"#, 422),
        ("/api/tasks", r#"["tasks/rank",{"today":1,"key":[0.0,0,"x"]}]"#, 422),
    ];
    for (path, json, status) in forged {
        let cursor = URL_SAFE_NO_PAD.encode(json);
        let _ = app.get(&format!("{path}?cursor={cursor}")).await.is(status);
    }
    for elsewhere in ["/api/tasks", "/api/team", "/api/repositories"] {
        let answer = app.get(&format!("{elsewhere}?cursor={cursor}")).await.is(422);
        assert_eq!(answer.fields(), ["cursor"], "{elsewhere}");
    }
}
