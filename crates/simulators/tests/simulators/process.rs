//! The binary: it starts, answers health, reads a file of data, and refuses what is wrong with 64.

use std::{
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Command, Output, Stdio},
    time::Duration,
};

const BINARY: &str = env!("CARGO_BIN_EXE_simulators");

fn refused(arguments: &[&str]) -> String {
    let Output { status, stderr, .. } =
        Command::new(BINARY).args(arguments).env_remove("AUTOMATOR_CATALOGUE").output().unwrap();
    let stderr = String::from_utf8(stderr).unwrap();
    assert_eq!(status.code(), Some(64), "{stderr}");
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    stderr
}

/// A file of this test's own.
fn file(name: &str, content: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("simulators-{}-{name}", std::process::id()));
    std::fs::write(&path, content).unwrap();
    path
}

#[test]
fn wrong_configuration_is_one_line_and_64() {
    assert!(refused(&["--port", "70000"]).contains("70000"));
    assert!(refused(&["--data", "no-such-file"]).contains("no-such-file"));
    let catalogue = file("bad.toml", "[[repository]]\nname = 1\n");
    assert!(refused(&["--catalogue", catalogue.to_str().unwrap()]).contains("AUTOMATOR_CATALOGUE"));
    let data = file("bad.jsonl", "\n{\"repository\": \"a\"}\n");
    let line = refused(&["--data", data.to_str().unwrap()]);
    assert!(line.contains("line 2") && line.contains("owner/name"), "{line}");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    assert!(refused(&["--port", &port]).contains(&port));
}

#[tokio::test]
async fn the_process_answers_health_and_ends_when_stdin_is_closed() {
    let line = r#"{"repository":"acme/one","language":"go","number":7,"title":"Ünïcode","author":"dev-1","merged_by":null,"opened_at":"2016-06-16T15:16:54-07:00","merged_at":"2016-06-17T00:00:00Z","commits":2,"closes":[]}"#;
    let data = file("good.jsonl", line);
    let mut process = Command::new(BINARY)
        .args(["--port", "0", "--data", data.to_str().unwrap()])
        .env("STOP_WITH_STDIN", "1")
        .env("RUST_LOG", "info")
        .env("NO_COLOR", "1")
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut log = BufReader::new(process.stderr.take().unwrap()).lines();
    let address = log.find_map(|line| Some(line.ok()?.split_once("address=")?.1.trim().to_owned())).unwrap();
    let client = chassis::client::client(Duration::from_secs(5)).unwrap();
    for path in ["/health/live", "/health/ready"] {
        assert_eq!(client.get(format!("http://{address}{path}")).send().await.unwrap().status(), 200);
    }
    let world: serde_json::Value =
        client.get(format!("http://{address}/control/github")).send().await.unwrap().json().await.unwrap();
    let repositories = world["repositories"].as_array().unwrap();
    assert_eq!((repositories.len(), &repositories[24]["name"]), (25, &serde_json::json!("acme/one")));
    drop(process.stdin.take());
    let status = tokio::task::spawn_blocking(move || process.wait()).await.unwrap().unwrap();
    assert!(status.success(), "{status}");
}
