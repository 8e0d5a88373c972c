//! A service on a real socket that answers as a test says, and remembers what it was asked.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use acceptance::{
    serde_json::{self, Value},
    tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::{TcpListener, TcpStream},
        time::sleep,
    },
};

/// What it does with a request that it has read.
#[derive(Debug, Clone)]
pub(crate) enum Does {
    /// Answers after a while.
    Answers(u16, String, Duration),
    /// Answers 202 with what it says it answered before.
    Repeats(String),
    /// Says nothing at all.
    Stalls,
    /// Sends the head of an answer and half of its body after a while, and then nothing.
    StallsInside(Duration),
    /// Sends the same at once, and hangs up.
    CutsOff,
    /// Hangs up without an answer.
    HangsUp,
}

/// A request as it came.
#[derive(Debug, Clone)]
pub(crate) struct ReceivedRequest {
    /// Method, path and version.
    pub(crate) line: String,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Value,
}

impl ReceivedRequest {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The keys of its messages.
    pub(crate) fn keys(&self) -> Vec<&str> {
        let messages = self.body["messages"].as_array().into_iter().flatten();
        messages.filter_map(|message| message["key"].as_str()).collect()
    }
}

/// The service.
pub(crate) struct Service {
    pub(crate) url: String,
    asked: Arc<Mutex<Vec<ReceivedRequest>>>,
}

impl Service {
    /// Does the same with every request.
    pub(crate) async fn that(does: Does) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("it listens"));
        let asked: Arc<Mutex<Vec<ReceivedRequest>>> = Arc::default();
        let heard = Arc::clone(&asked);
        acceptance::tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (does, heard) = (does.clone(), Arc::clone(&heard));
                acceptance::tokio::spawn(async move { serve(stream, does, &heard).await });
            }
        });
        Self { url, asked }
    }

    /// What it was asked so far.
    pub(crate) fn asked(&self) -> Vec<ReceivedRequest> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn serve(mut stream: TcpStream, does: Does, heard: &Mutex<Vec<ReceivedRequest>>) {
    let Some(asked) = read(&mut stream).await else { return };
    heard.lock().unwrap_or_else(PoisonError::into_inner).push(asked);
    let head = |status: u16, length: usize| {
        format!(
            "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
        )
    };
    let half = format!("{}{{\"notifications\":[", head(202, 1_000));
    let text = match &does {
        Does::Answers(status, body, after) => {
            sleep(*after).await;
            format!("{}{body}", head(*status, body.len()))
        }
        Does::Repeats(body) => {
            let marked = head(202, body.len()).replacen("\r\n", "\r\nidempotent-replayed: true\r\n", 1);
            format!("{marked}{body}")
        }
        Does::StallsInside(after) => {
            sleep(*after).await;
            half
        }
        Does::CutsOff => half,
        Does::Stalls | Does::HangsUp => String::new(),
    };
    // Whoever has gone away does not hear it.
    let _ = stream.write_all(text.as_bytes()).await;
    if matches!(does, Does::Stalls | Does::StallsInside(_)) {
        sleep(Duration::from_secs(60)).await;
    }
}

/// One request, to the end of its body.
async fn read(stream: &mut TcpStream) -> Option<ReceivedRequest> {
    let mut read = Vec::new();
    let end = loop {
        if let Some(end) = read.windows(4).position(|four| four == b"\r\n\r\n") {
            break end;
        }
        if stream.read_buf(&mut read).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8_lossy(&read[..end]).into_owned();
    let headers: Vec<(String, String)> = head
        .lines()
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
        .collect();
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let length: usize = length.and_then(|(_, value)| value.parse().ok()).unwrap_or(0);
    let mut body = read.split_off(end + 4);
    while body.len() < length {
        if stream.read_buf(&mut body).await.ok()? == 0 {
            return None;
        }
    }
    let line = head.lines().next().unwrap_or_default().to_owned();
    Some(ReceivedRequest { line, headers, body: serde_json::from_slice(&body).unwrap_or_default() })
}
