//! Requests that nobody sends who means well, and that everybody meets: whoever answers, alone or behind a gateway, says the same.
//!
//! What a gateway alone refuses, because others behind it could read it in another way (a `..`, two lengths), is in its own tests.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use crate::{App, SECRET, TOKEN, scenario::scenarios, signature};

scenarios![
    imported:
    odd_requests_get_the_same_answers_at_every_step;
];

/// How long one answer may take: longer than any deadline of the system's.
const WITHIN: Duration = Duration::from_secs(20);

/// A request, the status of its answer, and which problem it is, if it is one of ours.
struct Odd {
    name: String,
    request: Vec<u8>,
    status: u16,
    problem: &'static str,
}

/// `GET /api/team` with these lines in its head.
fn get(lines: &str) -> String {
    format!("GET /api/team HTTP/1.1\r\nHost: localhost\r\n{lines}\r\n")
}

/// `POST /api/team` with these lines in its head, and this behind it.
fn post(lines: &str, body: &str) -> String {
    format!(
        "POST /api/team HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n\
         Content-Type: application/json\r\n{lines}\r\n{body}"
    )
}

/// A webhook with a payload of so many bytes, signed.
fn webhook(bytes: usize) -> String {
    let payload = format!("{{\"zen\":\"{}\"}}", "x".repeat(bytes));
    format!(
        "POST /webhooks/github HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nX-GitHub-Event: ping\r\n\
         X-GitHub-Delivery: 7d1b3f0e-6a55-4f0c-9f0e-{bytes:012}\r\nX-Hub-Signature-256: {}\r\nContent-Length: {}\r\n\r\n{payload}",
        signature(SECRET, &payload),
        payload.len()
    )
}

/// The head of a request alone.
fn head_of(request: &str) -> String {
    request.split_inclusive("\r\n\r\n").take(1).collect()
}

fn many(lines: usize) -> String {
    (0..lines).map(|number| format!("X-Odd-{number}: 1\r\n")).collect()
}

fn odd_ones() -> Vec<Odd> {
    let chunked = "Transfer-Encoding: chunked\r\n";
    let target =
        |method: &str, target: &str| format!("{method} {target} HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let host = |line: &str| format!("GET /api/team HTTP/1.1\r\n{line}\r\n");
    let cases = [
        // Whom it is for.
        ("a host with a port", host("Host: localhost:1\r\n"), 200, ""),
        ("a host with a blank and a slash", host("Host: a b/c\r\n"), 400, "ambiguous-request"),
        ("a host with a user", host("Host: u@localhost\r\n"), 400, "ambiguous-request"),
        ("an empty host", host("Host:\r\n"), 200, ""),
        ("no host", host(""), 400, "ambiguous-request"),
        ("two hosts", host("Host: a\r\nHost: a\r\n"), 400, "ambiguous-request"),
        ("no host of an old client", "GET /api/team HTTP/1.0\r\n\r\n".to_owned(), 200, ""),
        ("a target in absolute form", target("GET", "http://localhost/api/team"), 200, ""),
        // Methods.
        ("HEAD", target("HEAD", "/api/team"), 200, ""),
        ("OPTIONS", target("OPTIONS", "/api/team"), 405, "method-not-allowed"),
        ("OPTIONS of the server as a whole", target("OPTIONS", "*"), 204, ""),
        ("GET of the server as a whole", target("GET", "*"), 404, "not-found"),
        ("TRACE", target("TRACE", "/api/team"), 405, "method-not-allowed"),
        (
            "TRACE that goes no further",
            "TRACE /api/team HTTP/1.1\r\nHost: localhost\r\nMax-Forwards: 0\r\n\r\n".to_owned(),
            405,
            "method-not-allowed",
        ),
        (
            "CONNECT",
            "CONNECT localhost:1 HTTP/1.1\r\nHost: localhost:1\r\n\r\n".to_owned(),
            405,
            "method-not-allowed",
        ),
        ("a method that nobody knows", target("BREW", "/api/team"), 405, "method-not-allowed"),
        ("a method in lower case", target("get", "/api/team"), 405, "method-not-allowed"),
        // Paths that lead nowhere, however they are read.
        ("an encoded letter", target("GET", "/api/%74eam"), 404, "not-found"),
        ("an encoded slash", target("GET", "/api%2fteam"), 404, "not-found"),
        ("two slashes", target("GET", "//api/team"), 404, "not-found"),
        ("a parameter of a segment", target("GET", "/api/team;x=1"), 404, "not-found"),
        ("an encoded NUL", target("GET", "/api/team%00"), 404, "not-found"),
        ("a path with more than ASCII", target("GET", "/api/t\u{e9}am"), 404, "not-found"),
        ("a long query", target("GET", &format!("/api/team?x={}", "x".repeat(9_000))), 422, "invalid"),
        // How long the client waits.
        ("a timeout with a sign", get("X-Request-Timeout: +5\r\n"), 422, "invalid"),
        ("a timeout that is none", get("X-Request-Timeout: soon\r\n"), 422, "invalid"),
        ("an empty timeout", get("X-Request-Timeout:\r\n"), 422, "invalid"),
        (
            "a timeout beyond all numbers",
            get("X-Request-Timeout: 99999999999999999999999\r\n"),
            422,
            "invalid",
        ),
        // Connections and hops.
        ("two Connection lines", get("Connection: keep-alive\r\nConnection: x-odd\r\nX-Odd: 1\r\n"), 200, ""),
        ("an upgrade that nobody takes up", get("Connection: upgrade\r\nUpgrade: websocket\r\n"), 200, ""),
        ("others on its way", get("Via: 1.1 gateway, 1.0 fred (x)\r\n"), 200, ""),
        (
            "an expectation that nobody knows",
            post("Expect: magic\r\nContent-Length: 2\r\n", "{}"),
            422,
            "invalid",
        ),
        // Bodies.
        ("a body of a GET", get("Content-Length: 2\r\n") + "{}", 200, ""),
        ("an extension of a chunk", post(chunked, "2;a=b\r\n{}\r\n0\r\n\r\n"), 422, "invalid"),
        ("a trailer", post(chunked, "2\r\n{}\r\n0\r\nX-Odd: 1\r\n\r\n"), 422, "invalid"),
        ("a chunk without a size", post(chunked, "zz\r\n{}\r\n0\r\n\r\n"), 400, "incomplete"),
        ("a second chunk without a size", post(chunked, "2\r\n{}\r\nzz\r\n"), 400, "incomplete"),
        ("two lengths", post("Content-Length: 2\r\nContent-Length: 3\r\n", "{}"), 400, ""),
        ("a length with a sign", post("Content-Length: +2\r\n", "{}"), 400, ""),
        ("a body of 70 kB", post("Content-Length: 70000\r\n", &"x".repeat(70_000)), 413, "too-large"),
        ("a webhook of 2 MB", webhook(2_000_000), 202, ""),
        ("a webhook of 6 MB, announced", head_of(&webhook(6_000_000)), 413, "too-large"),
        // Heads.
        ("a folded line", get("X-Odd: 1\r\n 2\r\n"), 400, ""),
        ("a blank before a colon", get("X-Odd : 1\r\n"), 400, ""),
        (
            "line ends without a carriage return",
            "GET /api/team HTTP/1.1\nHost: localhost\n\n".to_owned(),
            200,
            "",
        ),
        ("95 headers", get(&many(94)), 200, ""),
        ("100 headers", get(&many(99)), 200, ""),
        ("120 headers", get(&many(119)), 431, ""),
        ("a header of 30 kB", get(&format!("X-Odd: {}\r\n", "x".repeat(30_000))), 200, ""),
        ("a header of 100 kB", get(&format!("X-Odd: {}\r\n", "x".repeat(100_000))), 431, ""),
        ("a version that is none", "GET /api/team HTTP/1.2\r\nHost: localhost\r\n\r\n".to_owned(), 400, ""),
        ("what is no request", "hello\r\n\r\n".to_owned(), 400, ""),
    ];
    let bytes = [
        ("a timeout of no characters", b"X-Request-Timeout: \xff\r\n".as_slice(), 422, "invalid"),
        ("a header of no characters", b"X-Odd: \xe9\r\n".as_slice(), 200, ""),
    ];
    let text = cases.map(|(name, request, status, problem)| (name, request.into_bytes(), status, problem));
    let bytes = bytes.map(|(name, line, status, problem)| {
        let mut request = get("").into_bytes();
        request.truncate(request.len() - 2);
        (name, [request.as_slice(), line, b"\r\n".as_slice()].concat(), status, problem)
    });
    let all = text.into_iter().chain(bytes);
    all.map(|(name, request, status, problem)| Odd { name: name.to_owned(), request, status, problem })
        .collect()
}

async fn odd_requests_get_the_same_answers_at_every_step(app: &App) {
    let mut wrong = Vec::new();
    for odd in odd_ones() {
        let wanted = (odd.status, odd.problem.to_owned());
        let answer = timeout(WITHIN, ask(app.front(), &odd.request)).await.unwrap_or_default();
        if answer != wanted {
            wrong.push(format!("{}: {answer:?} in place of {wanted:?}", odd.name));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let _ = app.get("/api/team").await.is(200);
}

/// The status of the answer, and which problem of ours it is; zero when none comes.
async fn ask(url: &str, request: &[u8]) -> (u16, String) {
    let mut stream = TcpStream::connect(url.trim_start_matches("http://")).await.expect("it listens");
    let (mut reader, mut writer) = stream.split();
    let mut answer = Vec::new();
    let read = async {
        let mut piece = vec![0; 64 << 10];
        while !is_whole(&answer) {
            match reader.read(&mut piece).await {
                Ok(0) | Err(_) => break,
                Ok(length) => answer.extend_from_slice(&piece[..length]),
            }
        }
    };
    // Whoever refuses may do so before all of it was sent.
    let (_, ()) = tokio::join!(writer.write_all(request), read);
    let text = String::from_utf8_lossy(&answer);
    let status = text.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_default();
    let problem =
        text.split("\"urn:automator:").nth(1).and_then(|rest| rest.split('"').next()).unwrap_or_default();
    (status, problem.to_owned())
}

/// Whether an answer has come to its end, as far as one can tell without having read its request: its head alone for what has no
/// body, else the length that it announces.
fn is_whole(answer: &[u8]) -> bool {
    let Some(end) = answer.windows(4).position(|window| window == b"\r\n\r\n") else { return false };
    let head = String::from_utf8_lossy(&answer[..end]).to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
    let is_problem = head.contains("application/problem+json");
    !is_problem || length.is_none_or(|length| answer.len() >= end + 4 + length)
}
