//! What the platform asks.

use std::{
    io::{self, Read, Write},
    net::TcpStream,
    time::{Duration, Instant},
};

use crate::{App, TOKEN, scenario::scenarios};

scenarios![
    imported:
    an_unknown_path_is_a_problem,
    an_answer_bears_the_callers_request_id;
    a_started_system_is_alive_and_ready,
    a_request_under_way_is_answered_before_the_process_stops
];

async fn a_started_system_is_alive_and_ready(app: &App) {
    let _ = app.get("/health/live").await.is(200);
    let _ = app.get("/health/ready").await.is(200);
}

async fn an_unknown_path_is_a_problem(app: &App) {
    let answer = app.get("/api/nothing").await.is(404);
    assert_eq!(answer.header("content-type"), Some("application/problem+json"));
}

async fn an_answer_bears_the_callers_request_id(app: &App) {
    let answer = app.get("/api/team").header("x-request-id", "of-the-caller-1").await.is(200);
    assert_eq!(answer.header("x-request-id"), Some("of-the-caller-1"));
    let made = app.get("/api/team").await.is(200);
    assert!(made.header("x-request-id").is_some_and(|id| !id.is_empty()));
}

/// A deployment stops the old process while people use it.
async fn a_request_under_way_is_answered_before_the_process_stops(app: &App) {
    let address = app.front().trim_start_matches("http://").to_owned();
    let body = r#"{"login":"octocat","name":"x","email":"x@example.com"}"#;
    let (half, rest) = body.split_at(10);
    let mut stream = TcpStream::connect(&address).expect("the system listens");
    stream.set_read_timeout(Some(Duration::from_secs(10))).expect("a timeout above zero");
    let head = format!(
        "POST /api/team HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {TOKEN}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{half}",
        body.len()
    );
    stream.write_all(head.as_bytes()).expect("the system reads");

    // Stopping waits for the end, so it has a thread of its own; the rest of the request comes meanwhile.
    let (answer, stopped) = std::thread::scope(|scope| {
        // Whoever has not read the head yet takes the connection for one that idles.
        std::thread::sleep(Duration::from_millis(500));
        let platform = app.platform();
        let front = platform.definition().front.as_str();
        let stopping = scope.spawn(move || platform.terminate(front));
        let since = Instant::now();
        while answers(&address) {
            assert!(since.elapsed() < Duration::from_secs(4), "a stopping process takes new requests");
            std::thread::sleep(Duration::from_millis(50));
        }
        stream.write_all(rest.as_bytes()).expect("the connection is kept");
        let mut answer = String::new();
        let _ = stream.read_to_string(&mut answer);
        (answer, stopping.join().expect("no panic"))
    });
    assert!(answer.starts_with("HTTP/1.1 201 "), "the request under way was dropped: {answer:?}");
    stopped.expect("it stops in time, and well");
}

/// Whether somebody new is answered. An engine's own proxy may take the connection where nobody listens behind it.
fn answers(address: &str) -> bool {
    let ask = || -> io::Result<usize> {
        let mut stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(Duration::from_secs(1)))?;
        write!(stream, "GET /api/team HTTP/1.0\r\nhost: {address}\r\n\r\n")?;
        stream.read(&mut [0; 1])
    };
    ask().is_ok_and(|read| read > 0)
}
