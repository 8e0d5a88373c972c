//! Who may write.

use reqwest::Method;
use serde_json::{Value, json};

use crate::{App, TOKEN, scenario::scenarios, snapshot};

scenarios![
    imported:
    reads_want_no_token,
    the_api_describes_itself,
    the_api_describes_how_it_refuses_a_write;
    every_write_wants_the_whole_token
];

async fn every_write_wants_the_whole_token(app: &App) {
    let task = "/api/tasks/00000000-0000-0000-0000-000000000000";
    let writes = [
        (Method::POST, "/api/imports"),
        (Method::POST, "/api/team"),
        (Method::PATCH, "/api/team/octocat"),
        (Method::PATCH, task),
    ];
    let short = &TOKEN[..TOKEN.len() - 1];
    for (method, path) in writes {
        let body = json!({ "login": "octocat", "name": "x", "email": "x@example.com" });
        let request = || app.request(method.clone(), path).json(&body);
        let missing = request().await.is(401);
        assert_eq!(missing.header("www-authenticate"), Some("Bearer realm=\"automator\""), "{path}");
        for wrong in ["wrong", short, &format!("{TOKEN}x")] {
            let answer = request().token(wrong).await.is(401);
            assert!(!answer.text.contains(TOKEN), "{path} gave the token away");
        }
        let _ = request().header("authorization", format!("Basic {TOKEN}")).await.is(401);
    }
    assert!(app.all("/api/team").await.is_empty(), "a refused write took effect");
}

async fn reads_want_no_token(app: &App) {
    for path in ["/", "/api/repositories", "/api/items", "/api/tasks", "/api/team", "/openapi.json"] {
        let _ = app.get(path).await.is(200);
    }
}

async fn the_api_describes_itself(app: &App) {
    let document = app.get("/openapi.json").await.is(200);
    let paths = document["paths"].as_object().expect("a document has paths");
    let routes: serde_json::Map<_, _> = paths
        .iter()
        .map(|(path, methods)| {
            let methods: Vec<_> =
                methods.as_object().into_iter().flat_map(|methods| methods.keys()).collect();
            (path.clone(), json!(methods))
        })
        .collect();
    snapshot("routes", &routes.into(), &[]);
    for reference in references(&document.body) {
        let place = reference.trim_start_matches('#');
        assert!(document.body.pointer(place).is_some(), "{reference} leads nowhere");
    }
}

async fn the_api_describes_how_it_refuses_a_write(app: &App) {
    let document = app.get("/openapi.json").await.is(200);
    let mut asked = 0;
    for (path, methods) in document["paths"].as_object().expect("a document has paths") {
        for (method, operation) in methods.as_object().expect("a path has methods") {
            if operation["security"].is_null() {
                continue;
            }
            let method: Method = method.to_uppercase().parse().expect("a method");
            let path =
                path.replace("{id}", "00000000-0000-0000-0000-000000000000").replace("{login}", "nobody");
            let request = || app.request(method.clone(), &path);
            let mut refusals = vec![(request().without_token(), 401)];
            if !operation["requestBody"].is_null() {
                let body = |kind: &str, body: &str| request().token(TOKEN).text(kind, body);
                refusals.push((body("text/plain", "{}"), 415));
                refusals.push((body("application/json", "{"), 400));
                refusals.push((body("application/json", &" ".repeat(70_000)), 413));
            }
            for (request, status) in refusals {
                let _ = request.await.is(status);
                let said = &operation["responses"][status.to_string()];
                assert!(said["content"]["application/problem+json"].is_object(), "{method} {path}: {status}");
            }
            // Not tried here: nobody would be listened to for a minute.
            assert!(operation["responses"]["429"].is_object(), "{method} {path}: 429");
            asked += 1;
        }
    }
    assert!(asked >= 10, "{asked} writes");
}

/// What a document refers to in itself (JSON Reference).
fn references(part: &Value) -> Vec<&str> {
    match part {
        Value::Object(fields) => {
            let own = fields.get("$ref").and_then(Value::as_str);
            own.into_iter().chain(fields.values().flat_map(references)).collect()
        }
        Value::Array(elements) => elements.iter().flat_map(references).collect(),
        _ => Vec::new(),
    }
}
