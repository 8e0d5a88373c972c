//! The proxy before a tiny upstream: what passes, and what each fault does to a client.

#![cfg(feature = "proxy")]
#![expect(clippy::unwrap_used, reason = "helpers of tests may, like tests")]

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    thread,
    time::{Duration, Instant},
};

use harness::{Fault, Proxy};

/// Answers every request with its own first line, as JSON.
fn upstream() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = Vec::new();
            let mut byte = [0];
            while !request.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|read| read == 1) {
                request.push(byte[0]);
            }
            let line = String::from_utf8_lossy(&request).lines().next().unwrap_or_default().to_owned();
            let body = format!("{{\"line\":\"{line}\",\"due\":\"2030-01-02\"}}");
            let length = body.len();
            let head = format!(
                "HTTP/1.1 200 OK\r\nx-kept: 1\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n"
            );
            let _ = stream.write_all(format!("{head}{body}").as_bytes());
        }
    });
    url
}

/// All that comes back until the connection closes.
async fn send(proxy: &Proxy, request: &str) -> String {
    let address = proxy.url().strip_prefix("http://").unwrap().to_owned();
    let request = format!("{request} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    tokio::task::spawn_blocking(move || {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        String::from_utf8(answer).unwrap()
    })
    .await
    .unwrap()
}

#[tokio::test]
async fn without_a_fault_everything_passes() {
    let proxy = Proxy::start(&upstream()).await.unwrap();
    let answer = send(&proxy, "GET /api/tasks?limit=2").await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.contains("x-kept: 1\r\n"), "{answer}");
    assert!(answer.contains("GET /api/tasks?limit=2 HTTP/1.1"), "{answer}");
    assert_eq!(proxy.seen()[0].1, "/api/tasks?limit=2");
}

#[tokio::test]
async fn a_status_is_answered_for_what_matches_and_as_often_as_said() {
    let proxy = Proxy::start(&upstream()).await.unwrap();
    proxy.add(Fault::answer_with(503, "busy").on("POST", "/v3").times(2));
    assert!(send(&proxy, "GET /v3/mail").await.starts_with("HTTP/1.1 200"));
    assert!(send(&proxy, "POST /v4").await.starts_with("HTTP/1.1 200"));
    let first = send(&proxy, "POST /v3/mail").await;
    assert!(first.starts_with("HTTP/1.1 503") && first.ends_with("busy"), "{first}");
    assert!(send(&proxy, "POST /v3/mail").await.starts_with("HTTP/1.1 503"));
    assert!(send(&proxy, "POST /v3/mail").await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn a_json_answer_is_rewritten_and_its_length_with_it() {
    let proxy = Proxy::start(&upstream()).await.unwrap();
    proxy
        .add(Fault::rewrite(|request, body| body["due"] = request.uri.path().len().into()).on("GET", "/api"));
    let answer = send(&proxy, "GET /api/tasks").await;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(body.contains("\"due\":10"), "{answer}");
    assert!(head.contains(&format!("content-length: {}", body.len())), "{answer}");
}

#[tokio::test]
async fn a_cut_answer_begins_and_does_not_end() {
    let proxy = Proxy::start(&upstream()).await.unwrap();
    proxy.add(Fault::cut());
    let answer = send(&proxy, "GET /").await;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let length: usize =
        head.split("content-length: ").nth(1).unwrap().lines().next().unwrap().parse().unwrap();
    assert!(!body.is_empty() && body.len() < length, "{answer}");
}

#[tokio::test]
async fn a_dropped_connection_answers_nothing_and_asks_nobody() {
    let proxy = Proxy::start("http://127.0.0.1:1").await.unwrap();
    proxy.add(Fault::drop_connection());
    assert_eq!(send(&proxy, "GET /").await, "");
    proxy.clear();
    assert!(send(&proxy, "GET /").await.starts_with("HTTP/1.1 502"));
}

#[tokio::test]
async fn a_delay_is_as_long_as_said() {
    let proxy = Proxy::start(&upstream()).await.unwrap();
    proxy.add(Fault::delay(Duration::from_millis(300)).times(1));
    let start = Instant::now();
    assert!(send(&proxy, "GET /").await.starts_with("HTTP/1.1 200"));
    assert!(start.elapsed() >= Duration::from_millis(300));
}

#[tokio::test]
async fn a_dropped_proxy_closes_its_port() {
    let proxy = Proxy::start(&upstream()).await.unwrap();
    let address = proxy.url().strip_prefix("http://").unwrap().to_owned();
    drop(proxy);
    for _ in 0..100 {
        if TcpStream::connect(&address).is_err() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(TcpStream::connect(&address).is_err(), "still open");
}
