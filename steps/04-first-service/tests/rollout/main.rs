//! Messages move to the service and back by one number in the gateway's table, while they are sent: the monolith and the
//! service take them and deliver them side by side, over one queue.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test")]

use std::{collections::BTreeMap, fs};

use acceptance::{
    Answer, App, Database, Step, eventually,
    futures::{StreamExt, stream},
    serde_json::json,
    tempfile::TempDir,
};

acceptance::on_both_databases!(there_and_back_without_a_restart);

/// How many messages are sent at each share.
const EACH: usize = 40;
/// How many clients send them.
const CLIENTS: usize = 6;

/// The table of the step with another share, and another client for each key.
fn table(percent: u8) -> String {
    let step = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/gateway.toml")).unwrap();
    let table = step
        .replace("percent = 100", &format!("percent = {percent}"))
        .replace("key = \"authorization\"", "key = \"x-client\"");
    assert_ne!(table, step, "the step's table has changed");
    table
}

async fn there_and_back_without_a_restart(database: Database) {
    let folder = TempDir::new().unwrap();
    let place = folder.path().join("gateway.toml");
    fs::write(&place, table(0)).unwrap();
    let step = Step {
        number: "04",
        binary: env!("CARGO_BIN_EXE_system-04"),
        folder: concat!(env!("CARGO_MANIFEST_DIR"), "/tests/rollout"),
    };
    let shown = place.display().to_string();
    let app = App::start(&step, database, |options| options.env("gateway", "GATEWAY_TABLE", shown)).unwrap();

    let mut sent = Vec::new();
    let mut took = Vec::new();
    for (round, percent) in [0, 30, 100, 30, 0].into_iter().enumerate() {
        let before = taken(&app).await;
        let numbers: Vec<usize> = (round * EACH..(round + 1) * EACH).collect();
        // The table changes while a round is under way.
        let (first, rest) = numbers.split_at(EACH / 2);
        sent.extend(send_all(&app, first).await);
        let (places, ()) = acceptance::tokio::join!(send_all(&app, rest), async {
            if round > 0 {
                app.use_table(&place, &table(percent)).await;
            }
        });
        sent.extend(places);
        let late: Vec<usize> = (0..EACH).map(|number| 1_000 * (round + 1) + number).collect();
        sent.extend(send_all(&app, &late).await);
        let after = taken(&app).await;
        took.push((percent, after.0 - before.0, after.1 - before.1));
    }
    for (round, (percent, monolith, notify)) in took.iter().enumerate() {
        let sides = (*monolith > 0.0, *notify > 0.0);
        let wanted = match (round, percent) {
            (0, _) => (true, false),
            _ => (true, true),
        };
        assert_eq!(sides, wanted, "{percent} %: the monolith took {monolith}, the service {notify}");
    }

    // One key, one result, whoever took it first.
    let first = send(&app, 3).await;
    assert_eq!(first.header("idempotent-replayed"), Some("true"), "{first}");
    app.use_table(&place, &table(100)).await;
    let again = send(&app, 3).await;
    assert_eq!((again.header("idempotent-replayed"), &again.text), (Some("true"), &first.text), "{again}");

    for place in &sent {
        eventually("a message is sent", async || {
            (app.get(place).await.is(200)["status"] == "sent").then_some(())
        })
        .await;
    }
    let mut times: BTreeMap<String, usize> = BTreeMap::new();
    for call in app.simulators().taken("sendgrid").await {
        let to = call["fields"]["personalizations"][0]["to"][0]["email"].as_str().unwrap().to_owned();
        *times.entry(to).or_default() += 1;
    }
    assert_eq!(times.len(), sent.len());
    assert!(times.values().all(|times| *times == 1), "two workers sent one message: {times:?}");
}

/// Sends messages of these numbers, each by a client of its own; where they are then.
async fn send_all(app: &App, numbers: &[usize]) -> Vec<String> {
    let sent = stream::iter(numbers).map(async |number| {
        let answer = send(app, *number).await;
        answer.header("location").expect("a message has a place").to_owned()
    });
    sent.buffer_unordered(CLIENTS).collect().await
}

async fn send(app: &App, number: usize) -> Answer {
    let message = json!({ "channel": "email", "to": format!("m{number}@example.com"), "subject": "Hello", "body": "x" });
    app.post("/api/notifications", &message)
        .header("x-client", format!("client-{number}"))
        .idempotency_key(&format!("message-{number}"))
        .await
        .is(202)
}

/// How many messages the monolith and the service took from clients so far.
async fn taken(app: &App) -> (f64, f64) {
    let of = async |process| {
        let metrics = app.request_to(process, acceptance::reqwest::Method::GET, "/metrics").await.is(200);
        let sample = r#"http_requests_total{method="POST",route="/api/notifications",status="202"} "#;
        let line = metrics.text.lines().find_map(|line| line.strip_prefix(sample)).unwrap_or("0");
        line.parse::<f64>().unwrap()
    };
    (of("monolith").await, of("notify").await)
}
