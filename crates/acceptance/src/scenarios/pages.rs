//! Pages for people.

use serde_json::json;

use crate::{App, scenario::scenarios};

scenarios![
    imported:
    the_backlog_page_leads_to_the_next;
    the_backlog_page_shows_tasks_by_rank,
    a_title_is_text_and_nothing_else
];

async fn the_backlog_page_shows_tasks_by_rank(app: &App) {
    let empty = app.get("/").await.is(200);
    assert!(empty.text.contains("Nothing here"), "{}", empty.text);
    let _ = app.import().await;
    let page = app.get("/").await.is(200);
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    let tasks = app.get("/api/tasks").await.is(200);
    let mut from = 0;
    for task in tasks.items() {
        let key = task["item"]["key"].as_str().unwrap_or_default();
        let place =
            page.text[from..].find(&format!("{key} ")).unwrap_or_else(|| panic!("{key} is not in its place"));
        from += place;
    }
    let filtered = app.get("/?kind=issue&status=").await.is(200);
    assert!(filtered.text.contains("· issue") && !filtered.text.contains("· pull_request"));
    let _ = app.get("/?kind=x").await.is(422);
}

async fn a_title_is_text_and_nothing_else(app: &App) {
    let title = "<script>alert(1)</script><img src=x onerror=alert(2)>";
    let _ = app.told(json!({ "action": "opened", "repository": "sendgrid/rest", "title": title })).await;
    let page = app.get("/").await.is(200);
    assert!(page.text.contains("alert(1)"), "the title is not shown");
    assert!(!page.text.contains("<script") && !page.text.contains("<img"), "{}", page.text);
    let policy = page.header("content-security-policy").unwrap_or_default();
    assert!(policy.starts_with("default-src 'none'"), "{policy}");
}

async fn the_backlog_page_leads_to_the_next(app: &App) {
    let first = app.get("/?limit=10&kind=issue").await.is(200);
    let link = first.text.split("rel=\"next\" href=\"").nth(1).and_then(|rest| rest.split('"').next());
    let link = link.expect("there is a next page").replace("&#38;", "&").replace("&amp;", "&");
    let second = app.get(&link).await.is(200);
    let tasks = app.get("/api/tasks?limit=20&kind=issue").await.is(200);
    for (index, task) in tasks.items().iter().enumerate() {
        let key = format!("{} ", task["item"]["key"].as_str().unwrap_or_default());
        assert_eq!(
            (first.text.contains(&key), second.text.contains(&key)),
            (index < 10, index >= 10),
            "{key}"
        );
    }
}
