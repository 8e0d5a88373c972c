//! What Prometheus asks.

use serde_json::json;

use crate::{Answer, App, eventually, scenario::scenarios};

scenarios![
    imported:
    metrics_are_text_that_prometheus_reads;
    an_answer_is_counted_by_its_route_and_never_by_its_path,
    a_queue_shows_its_length
];

/// The value of a sample, `name{labels}` as it stands in the text; 0 when it is not there.
fn sample(metrics: &Answer, name: &str) -> f64 {
    let line = metrics.text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.map_or(0.0, |value| value.parse().unwrap_or_else(|_| panic!("{name} is no number: {value}")))
}

async fn metrics_are_text_that_prometheus_reads(app: &App) {
    let metrics = app.get("/metrics").await.is(200);
    let kind = metrics.header("content-type").unwrap_or_default();
    assert!(kind.starts_with("text/plain; version=0.0.4"), "{kind}");
    assert!(metrics.text.ends_with('\n'));
    for line in metrics.text.lines() {
        let mut words = line.split(' ');
        if words.next() == Some("#") {
            assert!(matches!(words.next(), Some("HELP" | "TYPE")), "{line}");
            continue;
        }
        let (name, value) = line.rsplit_once(' ').unwrap_or_else(|| panic!("{line:?} is no sample"));
        assert!(value.parse::<f64>().is_ok(), "{line}");
        let family = name.split('{').next().unwrap_or_default();
        assert!(family.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{line}");
        assert_eq!(name.contains('{'), name.ends_with('}'), "{line}");
    }
    assert!(metrics.text.contains("\nbuild_info{"), "{metrics}");
    assert!(metrics.text.contains("# TYPE http_request_duration_seconds histogram\n"), "{metrics}");
}

async fn an_answer_is_counted_by_its_route_and_never_by_its_path(app: &App) {
    let found = r#"http_requests_total{method="GET",route="/api/team",status="200"}"#;
    let unknown = r#"http_requests_total{method="GET",route="/api/tasks/{id}",status="404"}"#;
    let unmatched = r#"http_requests_total{method="GET",route="unmatched",status="404"}"#;
    let before = app.get("/metrics").await.is(200);
    for number in 0..3 {
        let _ = app.get("/api/team").await.is(200);
        let _ = app.get(&format!("/api/tasks/secret-{number}")).await.is(404);
        let _ = app.get(&format!("/secret-{number}?token=secret")).await.is(404);
    }
    let after = app.get("/metrics").await.is(200);
    for name in [found, unknown, unmatched] {
        assert_eq!(sample(&after, name) - sample(&before, name), 3.0, "{name}: {after}");
    }
    assert!(!after.text.contains("secret"), "a client made a label: {after}");
    let timed = r#"http_request_duration_seconds_count{method="GET",route="/api/team"}"#;
    assert_eq!(sample(&after, timed), sample(&after, found));
    assert_eq!(sample(&after, "http_requests_in_flight"), 1.0, "the one that asks");
}

async fn a_queue_shows_its_length(app: &App) {
    let down = json!({ "service": "sendgrid", "kind": "status", "status": 503, "times": null });
    let _ = app.simulators().fault(&down).await.is(201);
    assert_eq!(queued(app).await, 0.0);
    let message =
        json!({ "channel": "email", "to": "mona@example.com", "subject": "Hello", "body": "Hello" });
    for _ in 0..2 {
        let _ = app.post("/api/notifications", &message).await.is(202);
    }
    assert_eq!(queued(app).await, 2.0);
    let _ = app.simulators().heal().await;
    eventually("the queue is empty again", async || (queued(app).await == 0.0).then_some(())).await;
}

/// How many messages wait, as Prometheus learns it: it asks each process, since one of them has the queue.
async fn queued(app: &App) -> f64 {
    let all = app.metrics().await;
    let queues = all.iter().filter(|metrics| metrics.text.contains("notifications_queued"));
    queues
        .map(|metrics| sample(metrics, "notifications_queued"))
        .reduce(f64::max)
        .expect("a process has the queue")
}
