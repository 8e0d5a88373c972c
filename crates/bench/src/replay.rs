//! A server that gives recorded answers from memory.

use std::{
    collections::HashMap,
    env,
    fs::File,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, Command, Stdio},
    sync::Arc,
};

use anyhow::{Context, Result};
use axum::{
    Router,
    extract::State,
    response::{IntoResponse, Response},
    routing::get,
};
use bytes::Bytes;
use chassis::{Fault, serve::Stop};
use http::{HeaderMap, HeaderName, HeaderValue, Uri, header};
use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;
use tokio::net::TcpListener;

use crate::{Connection, Visit};

/// The headers that belong to an answer, and not to its way.
const HEADERS: [HeaderName; 2] = [header::CONTENT_TYPE, header::ETAG];

/// What is around the handler that answers from memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Frame {
    /// What is around all handlers of our processes: request id, log, metrics, deadline, drain.
    Ours,
    /// Nothing.
    Bare,
}

/// Answers, by path and query.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Recording(HashMap<String, Answer>);

#[derive(Debug, Serialize, Deserialize)]
struct Answer {
    headers: Vec<(String, String)>,
    body: String,
}

impl Recording {
    /// Makes every variant of `visit` once at `base` and keeps the answers.
    ///
    /// # Errors
    /// As [`Visit::make`]; an answer is not text.
    pub async fn of(visit: &Visit, base: &str) -> Result<Self> {
        let mut recording = Self::default();
        let mut connection = Connection::open(base).await?;
        for number in 0..visit.variants() {
            let mut answers = Vec::new();
            visit
                .make(number, &mut connection, |path, answer| answers.push((path.to_owned(), answer)))
                .await?;
            for (path, answer) in answers {
                let answer = Answer::of(&answer).with_context(|| format!("GET {path} is not text"))?;
                recording.0.insert(path, answer);
            }
        }
        Ok(recording)
    }

    /// The bytes of all bodies.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.0.values().map(|answer| answer.body.len()).sum()
    }
}

impl Answer {
    fn of(answer: &http::Response<Bytes>) -> Result<Self> {
        let headers = HEADERS.iter().filter_map(|name| Some((name, answer.headers().get(name)?)));
        let headers = headers.map(|(name, value)| Ok((name.to_string(), value.to_str()?.to_owned())));
        Ok(Self {
            headers: headers.collect::<Result<_>>()?,
            body: String::from_utf8(answer.body().to_vec())?,
        })
    }
}

/// A process that answers from memory; it ends with this value.
#[derive(Debug)]
pub struct Memory {
    child: Child,
    base: String,
    _file: NamedTempFile,
}

impl Memory {
    /// Starts this program again, to answer as recorded. Blocks until it listens.
    ///
    /// # Errors
    /// It does not start.
    pub fn start(recording: &Recording, frame: Frame) -> Result<Self> {
        let file = NamedTempFile::with_prefix("recording-").context("cannot make a temporary file")?;
        serde_json::to_writer(file.as_file(), recording).context("cannot write the recording")?;
        let mut child = Command::new(env::current_exe()?)
            .arg("--replay")
            .arg(file.path())
            .args((frame == Frame::Bare).then_some("--bare"))
            // As the processes of a step: the same log, and an end when we are gone.
            .env("RUST_LOG", env::var("RUST_LOG").unwrap_or_else(|_| "info".to_owned()))
            .env("STOP_WITH_STDIN", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .context("cannot start the server that answers from memory")?;
        let mut base = String::new();
        if let Some(output) = child.stdout.take() {
            BufReader::new(output).read_line(&mut base)?;
        }
        let memory = Self { child, base: base.trim().to_owned(), _file: file };
        anyhow::ensure!(!memory.base.is_empty(), "the server that answers from memory ended at once");
        Ok(memory)
    }

    /// Where it listens.
    #[must_use]
    pub fn base(&self) -> &str {
        &self.base
    }

    /// The number of its process.
    #[must_use]
    pub fn process(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        // It holds nothing that is worth an orderly end.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

type Answers = Arc<HashMap<String, (HeaderMap, Bytes)>>;

/// Serves a recording until stopped; says on stdout where.
///
/// # Errors
/// The file is no recording.
pub(crate) async fn serve(file: &Path, frame: Frame) -> Result<()> {
    let Recording(answers) = serde_json::from_reader(BufReader::new(File::open(file)?))?;
    let answers = answers.into_iter().map(|(path, answer)| Ok((path, answer.ready()?)));
    let answers: Answers = Arc::new(answers.collect::<Result<_>>()?);
    let router = Router::new().route("/{*path}", get(answer)).with_state(answers);
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    println!("http://{}", listener.local_addr()?);
    std::io::stdout().flush()?;
    let stop = Stop::from_environment()?;
    match frame {
        Frame::Ours => chassis::serve::run(listener, chassis::http::frame(router), stop).await?,
        Frame::Bare => tokio::select! {
            ended = axum::serve(listener, router.into_make_service()).into_future() => ended?,
            () = stop.wait() => {}
        },
    }
    Ok(())
}

impl Answer {
    fn ready(self) -> Result<(HeaderMap, Bytes)> {
        let headers = self.headers.into_iter();
        let headers =
            headers.map(|(name, value)| Ok((name.parse::<HeaderName>()?, value.parse::<HeaderValue>()?)));
        Ok((headers.collect::<Result<_>>()?, self.body.into()))
    }
}

async fn answer(State(answers): State<Answers>, uri: Uri) -> Response {
    let asked = uri.path_and_query().map(|asked| answers.get(asked.as_str()));
    match asked.flatten() {
        Some((headers, body)) => (headers.clone(), body.clone()).into_response(),
        None => Fault::NotFound(uri.to_string()).into_response(),
    }
}
