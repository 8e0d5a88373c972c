//! What `backlog` asks back is answered to services alone, and never through the gateway.

use acceptance::{
    Database, SERVICE_TOKEN, TOKEN,
    reqwest::Method,
    serde_json::{Value, json},
    tokio::runtime,
};

#[test]
fn what_is_asked_back_is_for_services_alone() {
    let step = acceptance::Step {
        number: "05",
        binary: env!("CARGO_BIN_EXE_system-05"),
        folder: env!("CARGO_MANIFEST_DIR"),
    };
    let app =
        Database::sqlite().and_then(|database| acceptance::App::start(&step, database, |options| options));
    let app = app.unwrap();
    runtime::Builder::new_multi_thread().enable_all().build().unwrap().block_on(async {
        let _ = app.import().await;
        let _ = app.member("mona").await;
        let key = app.get("/api/items?limit=1").await.is(200).items()[0]["key"].clone();
        let inside = |method, path: &str, body: &Value| {
            app.request_to("monolith", method, path).token(SERVICE_TOKEN).json(body)
        };
        let keys = json!({ "keys": [key, "sendgrid/rest#99999"], "newer": true });
        let found = inside(Method::POST, "/internal/items", &keys).await.is(200);
        assert_eq!(found.items().len(), 1, "{found}");
        let active = inside(Method::GET, "/internal/maintainers", &Value::Null).await.is(200);
        assert_eq!(active["members"][0]["login"], "mona", "{active}");

        let many: Vec<&Value> = std::iter::repeat_n(&key, 5_001).collect();
        let _ = inside(Method::POST, "/internal/items", &json!({ "keys": many })).await.is(422);
        let _ = inside(Method::POST, "/internal/items", &json!({ "keys": ["no key"] })).await.is(422);
        let _ = inside(Method::POST, "/internal/comments", &json!({ "key": key })).await.is(422);

        for (method, path) in [
            (Method::POST, "/internal/items"),
            (Method::POST, "/internal/comments"),
            (Method::GET, "/internal/maintainers"),
        ] {
            // A client's token is none of ours.
            let _ = inside(method.clone(), path, &keys).token(TOKEN).await.is(401);
            // Through the gateway nobody gets there, with the right token either.
            let _ = app.request(method.clone(), path).token(SERVICE_TOKEN).json(&keys).await.is(404);
            let twisted = path.replace("/internal", "/api/../internal");
            let answer = app.request(method, &twisted).token(SERVICE_TOKEN).json(&keys).await;
            assert!(matches!(answer.status, 400 | 404), "{twisted}: {answer}");
        }
        assert_eq!(app.simulators().taken("github").await.iter().filter(|call| is_comment(call)).count(), 0);
    });
}

fn is_comment(call: &Value) -> bool {
    call["fields"]["variables"]["text"].is_string()
}
