//! What is between services stays between them, and carries who asked.

#![expect(clippy::unwrap_used, reason = "a test")]

use acceptance::{
    App, Database, Request, SERVICE_TOKEN, Step, TOKEN, eventually,
    reqwest::Method,
    serde_json::{Value, json},
    tokio::runtime,
};

const ID: &str = "0192d1c5-0000-7000-8000-000000000001";

#[test]
fn no_way_leads_through_the_gateway() {
    with_app(async |app| {
        let send = |method, path: &str| app.request(method, path).token(SERVICE_TOKEN).json(&batch("k", ID));
        for path in [
            "/internal/messages",
            "/internal",
            "/internal/",
            "/INTERNAL/messages",
            "//internal/messages",
            "/./internal/messages",
            "/api/notifications/../../internal/messages",
            "/api/notifications/..%2f..%2finternal/messages",
            "/api/notifications/%2e%2e/%2e%2e/internal/messages",
            "/%69nternal/messages",
            "/internal%2fmessages",
        ] {
            let answer = send(Method::POST, path).await;
            assert!(matches!(answer.status, 400 | 404), "{path}: {answer}");
        }
        // A route whose upstream is the service itself, chosen by name of another host.
        let host = app.system().url("notify").unwrap().trim_start_matches("http://").to_owned();
        let answer = send(Method::POST, "/internal/messages").header("host", host).await;
        assert!(matches!(answer.status, 400 | 404), "{answer}");
        assert_eq!(app.simulators().taken("sendgrid").await, Vec::<Value>::new(), "a message got through");
    });
}

#[test]
fn only_services_are_answered() {
    with_app(async |app| {
        let place = format!("/internal/messages/{ID}");
        for token in [TOKEN, "", "service-token-of-the-suit"] {
            let read = internal(app, Method::GET, &place).token(token).await.is(401);
            assert!(read.header("www-authenticate").is_some(), "{read}");
            let _ = internal(app, Method::POST, "/internal/messages")
                .token(token)
                .json(&batch("k", ID))
                .await
                .is(401);
        }
        let _ = internal(app, Method::GET, &place).without_token().await.is(401);
        let _ = internal(app, Method::GET, &place).await.is(404);
        // And what services show is nothing to clients' routes.
        let write = app.request_to("notify", Method::POST, "/api/notifications").token(SERVICE_TOKEN);
        let _ = write.json(&json!({ "channel": "sms", "to": "+15551234567", "body": "x" })).await.is(401);
    });
}

#[test]
fn a_batch_is_queued_once_and_whole_or_not_at_all() {
    with_app(async |app| {
        let send = async |body: &Value| internal(app, Method::POST, "/internal/messages").json(body).await;
        let first = send(&batch("one", ID)).await.is(202);
        assert_eq!(first["notifications"][0]["id"], ID);
        // The same message under another id is the one that is there.
        let again = send(&batch("one", "0192d1c5-0000-7000-8000-000000000002")).await.is(202);
        assert_eq!(again["notifications"][0]["id"], ID);
        // Another message under its id is nobody's.
        let _ = send(&batch("two", ID)).await.is(409);

        let mut newer = batch("three", "0192d1c5-0000-7000-8000-000000000003");
        newer["priority"] = json!("high");
        newer["messages"][0]["colour"] = json!("red");
        let _ = send(&newer).await.is(202);

        let fields = async |change: fn(&mut Value)| -> Vec<String> {
            let mut wrong = batch("four", "0192d1c5-0000-7000-8000-000000000004");
            let right = wrong["messages"][0].clone();
            change(&mut wrong["messages"][0]);
            wrong["messages"].as_array_mut().unwrap().insert(0, right);
            wrong["messages"][0]["id"] = json!("0192d1c5-0000-7000-8000-000000000005");
            let answer = send(&wrong).await.is(422);
            let errors = answer["errors"].as_array().into_iter().flatten();
            errors.map(|error| error["field"].as_str().unwrap_or_default().to_owned()).collect()
        };
        assert_eq!(fields(|message| message["key"] = json!("")).await, ["messages[1].key"]);
        assert_eq!(fields(|message| message["key"] = json!("x".repeat(401))).await, ["messages[1].key"]);
        assert_eq!(fields(|message| message["to"] = json!("a\nb")).await, ["messages[1].to"]);
        assert_eq!(fields(|message| message["subject"] = Value::Null).await, ["messages[1].subject"]);
        assert_eq!(fields(|message| message["channel"] = json!("pigeon")).await, ["messages[1].channel"]);
        assert_eq!(fields(|message| message["id"] = json!("7")).await, ["messages[1].id"]);
        let right =
            internal(app, Method::GET, "/internal/messages/0192d1c5-0000-7000-8000-000000000005").await;
        let _ = right.is(404);

        let many: Vec<Value> = std::iter::repeat_n(batch("m", ID)["messages"][0].clone(), 1_001).collect();
        let answer = send(&json!({ "messages": many })).await.is(422);
        assert_eq!(answer["errors"][0]["field"], "messages");
        let answer = internal(app, Method::POST, "/internal/messages").text("application/json", "{").await;
        let _ = answer.is(400);
    });
}

#[test]
fn one_request_has_one_trace_and_one_id_in_both_logs() {
    with_app(async |app| {
        let _ = app.member("mona").await;
        let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
        let answer = app
            .post("/api/digests", &json!({}))
            .header("traceparent", format!("00-{trace}-00f067aa0ba902b7-01"))
            .header("x-request-id", "digest-of-today")
            .await
            .is(202);
        assert_eq!(answer.header("x-request-id"), Some("digest-of-today"));
        for process in ["monolith", "notify"] {
            let of_it = |line: &&str| line.contains("/digests") || line.contains("/internal/messages");
            let line = eventually(&format!("{process} logs it"), async || {
                app.system().log(process).unwrap().lines().find(of_it).map(str::to_owned)
            })
            .await;
            assert!(line.contains(trace) && line.contains("digest-of-today"), "{process}: {line}");
        }
    });
}

fn internal(app: &App, method: Method, path: &str) -> Request {
    app.request_to("notify", method, path).token(SERVICE_TOKEN)
}

/// One mail, under this key and id.
fn batch(key: &str, id: &str) -> Value {
    let message = json!({
        "id": id, "key": key, "channel": "email", "sender": null, "to": "mona@example.com", "subject": "Hello", "body": "x"
    });
    json!({ "messages": [message] })
}

/// Runs `test` on the processes of the step, which say what they answer.
fn with_app(test: impl AsyncFnOnce(&App)) {
    let step =
        Step { number: "04", binary: env!("CARGO_BIN_EXE_system-04"), folder: env!("CARGO_MANIFEST_DIR") };
    let talkative = |database| {
        App::start(&step, database, |options| {
            options.env("monolith", "RUST_LOG", "debug").env("notify", "RUST_LOG", "debug")
        })
    };
    let app = Database::sqlite().and_then(talkative).unwrap();
    let runtime = runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(test(&app));
}
