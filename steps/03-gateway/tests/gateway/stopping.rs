//! The gateway stops, or does not even start.

use std::{sync::Arc, time::Duration};

use acceptance::{
    tempfile::TempDir,
    tokio::{self, net::TcpStream, time::sleep},
};

use crate::{
    client::Client,
    started::{ALL_OLD, PATIENT, with, with_options},
    switching::{all_are_answered, begin_many},
};

#[test]
fn requests_in_flight_across_a_stop_all_get_an_answer() {
    with(&PATIENT, async |gateway| {
        let waiting = begin_many(gateway).await;
        let mut idle = Client::connect(&gateway.url).await;
        let system = Arc::clone(&gateway.system);
        let stopping = tokio::task::spawn_blocking(move || system.terminate("gateway"));
        // As soon as nobody new is taken, the stop was heard.
        let address = gateway.url.trim_start_matches("http://").to_owned();
        let mut looks = 0;
        while TcpStream::connect(&address).await.is_ok() {
            looks += 1;
            assert!(looks < 500, "it still takes connections");
            sleep(Duration::from_millis(10)).await;
        }
        assert!(idle.more().await.is_empty(), "a connection without a request ends at once");
        all_are_answered(gateway, waiting).await;
        let status = stopping.await.unwrap().expect("it stops in time");
        assert!(status.success(), "{status}");
    });
}

/// Whoever sends requests learns of the stop by an answer, not by a request that is lost.
#[test]
fn a_kept_connection_is_served_on_and_told_that_it_ends() {
    with_options(
        ALL_OLD,
        |options| options.value("serve_on", "3"),
        async |gateway| {
            let mut kept = Client::connect(&gateway.url).await;
            let mut ask = async || {
                kept.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n").await;
                kept.answer().await
            };
            assert_eq!(ask().await.header("connection"), None);
            let system = Arc::clone(&gateway.system);
            let stopping = tokio::task::spawn_blocking(move || system.terminate("gateway"));
            let stopped = async || gateway.own("/gateway/health/ready", "").await.status == 503;
            while !stopped().await {
                sleep(Duration::from_millis(10)).await;
            }
            let answer = ask().await;
            assert_eq!((answer.text(), answer.header("connection")), ("old", Some("close")), "{answer:?}");
            assert!(kept.more().await.is_empty(), "the connection ends");
            let status = stopping.await.unwrap().expect("it stops in time");
            assert!(status.success(), "{status}");
        },
    );
}

#[test]
fn a_first_table_that_is_wrong_ends_the_process_with_one_line() {
    let folder = TempDir::new().unwrap();
    let table = folder.path().join("gateway.toml");
    for (text, words) in [
        (Some("[[route]]\nname = \"x\"\nprefix = \"/\"\nold = \"nobody\"\n"), ["line 4", "nobody"]),
        (None, ["gateway.toml", "GATEWAY_TABLE"]),
    ] {
        match text {
            Some(text) => std::fs::write(&table, text).unwrap(),
            None => std::fs::remove_file(&table).unwrap(),
        }
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_gateway"))
            .env("GATEWAY_TABLE", &table)
            .env("PORT", "0")
            .output()
            .unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(64), "{stderr}");
        let errors: Vec<_> = stderr.lines().filter(|line| line.starts_with("error: ")).collect();
        assert_eq!(errors.len(), 1, "{stderr}");
        assert!(words.iter().all(|word| errors[0].contains(word)), "{stderr}");
        assert!(errors[0].contains("GATEWAY_TABLE"), "{stderr}");
    }
}
