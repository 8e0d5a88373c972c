//! The page: what it shows is what the runner and the proxies tell; what its readers want done, it tells the runner.

mod ask;
mod guard;
mod lesson;
mod measure;
mod model;
mod now;
mod places;
mod visitors;

use std::{
    collections::{BTreeMap, HashMap},
    convert::Infallible,
    fs,
    net::Ipv4Addr,
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use anyhow::{Context, Result};
use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, Path, State},
    http::{StatusCode, header},
    middleware,
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
    routing::{MethodRouter, get, post},
};
use futures::{Stream, stream};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::{
    net::TcpListener,
    sync::{mpsc::UnboundedReceiver, oneshot},
    time::timeout,
};

use crate::parent;
use guard::Key;
use model::Model;
use now::{Now, Viewer};

/// How many ports are tried, from the first one on.
const PORTS: u16 = 30;
/// How long the runner may take to answer.
const ANSWERS_WITHIN: Duration = Duration::from_secs(3);
/// The longest body that is read, in bytes.
const LONGEST: usize = 1 << 10;
/// The only things that can be done to a process.
const ACTIONS: [&str; 5] = ["kill", "stop", "slow", "cut", "restart"];

const HTML: &str = include_str!("../static/map.html");
const CSS: &str = include_str!("../static/map.css");
const ICON: &str = include_str!("../static/map.svg");
const SCRIPT: &str = include_str!("../static/map.js");

/// What the runner tells first.
#[derive(Debug, Deserialize)]
struct Setting {
    root: PathBuf,
    step: String,
    port: u16,
    front: String,
    exercise: Option<String>,
}

/// What all requests share.
struct Site {
    now: Arc<Now>,
    model: Value,
    /// The folder of each step.
    folders: BTreeMap<String, PathBuf>,
    /// What the runner was asked and has not answered yet.
    asked: Mutex<HashMap<String, oneshot::Sender<Value>>>,
    count: AtomicU64,
}

/// Runs until standard input closes.
///
/// # Errors
/// The first line is no setting; the steps cannot be read; no port is free.
pub(crate) async fn run() -> Result<()> {
    let (first, lines) = parent::listen()?;
    let setting: Setting = serde_json::from_str(&first).context("the first line is no setting")?;
    let model = Model::read(&setting.root, &setting.step, &setting.front)?;
    let folders = model::folders(&setting.root)?;
    let mut model = serde_json::to_value(model)?;
    model["exercise"] = json!(setting.exercise);
    let listener = listen(setting.port).await?;
    let key = Key::new(listener.local_addr()?.port())?;
    let now = Arc::new(Now::new());
    let site = Arc::new(Site {
        now: Arc::clone(&now),
        model,
        folders,
        asked: Mutex::default(),
        count: AtomicU64::new(0),
    });
    tokio::spawn(hear(lines, Arc::clone(&site)));
    tokio::spawn(measure::run(Arc::clone(&now)));
    tokio::spawn(visitors::run(now, setting.front));
    parent::say(&format!("ready {}", key.address()));
    axum::serve(listener, router(site, key).into_make_service()).await.context("the page ended")
}

/// On the first free port from `first` on.
async fn listen(first: u16) -> Result<TcpListener> {
    let mut last = None;
    for port in (first..=u16::MAX).take(PORTS.into()) {
        match TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await {
            Ok(listener) => return Ok(listener),
            Err(error) => last = Some(error),
        }
    }
    Err(last.context("no port to try")?).with_context(|| format!("no port from {first} on is free"))
}

/// One of our own files.
fn file<S: Clone + Send + Sync + 'static>(kind: &'static str, text: &'static str) -> MethodRouter<S> {
    get(move || async move { ([(header::CONTENT_TYPE, kind)], text) })
}

fn router(site: Arc<Site>, key: Key) -> Router {
    let page: Router = Router::new()
        .route("/map.css", file("text/css; charset=utf-8", CSS))
        .route("/map.js", file("text/javascript; charset=utf-8", SCRIPT))
        .route("/map.svg", file("image/svg+xml", ICON))
        .route("/model", get(model))
        .route("/events", get(events))
        .route("/do", post(act))
        .route("/visitors", post(visitors))
        .route("/log/{process}", get(log))
        .route("/lesson/{step}", get(lesson))
        .with_state(site);
    Router::new()
        .nest("/{token}", page)
        .route("/{token}/", file("text/html; charset=utf-8", HTML))
        .layer(DefaultBodyLimit::max(LONGEST))
        .layer(middleware::from_fn_with_state(key, guard::check))
}

/// What the runner says.
async fn hear(mut lines: UnboundedReceiver<String>, site: Arc<Site>) {
    while let Some(line) = lines.recv().await {
        // The runner is ours: what it says can be read.
        let Ok(mut said) = serde_json::from_str::<Value>(&line) else { continue };
        for kind in ["done", "log"] {
            if let Some(id) = said[kind]["id"].as_str()
                && let Some(waiting) = site.asked().remove(id)
            {
                // Whoever asked may be gone.
                let _ = waiting.send(said[kind].take());
            }
        }
        if let Ok(processes) = serde_json::from_value(said["processes"].take()) {
            site.now.change(|facts| facts.processes = processes);
        }
        if let Ok(edges) = serde_json::from_value(said["edges"].take()) {
            site.now.change(|facts| facts.edges = edges);
        }
    }
}

impl Site {
    fn asked(&self) -> MutexGuard<'_, HashMap<String, oneshot::Sender<Value>>> {
        // Nothing panics while it is held.
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells the runner `word id rest`, and waits for its answer to that.
    async fn ask(&self, word: &str, rest: &str) -> Option<Value> {
        let id = self.count.fetch_add(1, Ordering::Relaxed).to_string();
        let (sender, answer) = oneshot::channel();
        self.asked().insert(id.clone(), sender);
        parent::say(&format!("{word} {id} {rest}"));
        let answer = timeout(ANSWERS_WITHIN, answer).await;
        self.asked().remove(&id);
        answer.ok()?.ok()
    }

    fn knows(&self, process: &str) -> bool {
        self.now.facts().processes.contains_key(process)
    }
}

/// `GET model`: the steps, as they are drawn.
async fn model(State(site): State<Arc<Site>>) -> Json<Value> {
    Json(site.model.clone())
}

/// `GET events`: all that is known, once and whenever it changes.
async fn events(State(site): State<Arc<Site>>) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let texts = stream::unfold(Viewer::new(&site.now), |mut viewer| async move {
        let text = viewer.next().await?;
        Some((Ok(Event::default().data(&*text)), viewer))
    });
    Sse::new(texts).keep_alive(KeepAlive::default())
}

/// What somebody wants done.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Order {
    action: String,
    process: String,
}

/// `POST do`: one of [`ACTIONS`], to one process. 200 with what was done, 409 with why it was not.
async fn act(State(site): State<Arc<Site>>, Json(order): Json<Order>) -> Response {
    // What is said to the runner has spaces and line ends between its words: nothing but known words may pass.
    if !ACTIONS.contains(&order.action.as_str()) {
        return said(StatusCode::UNPROCESSABLE_ENTITY, &format!("there are only {}", ACTIONS.join(", ")));
    }
    if !site.knows(&order.process) {
        return said(StatusCode::NOT_FOUND, "this step has no process of that name");
    }
    match site.ask("do", &format!("{} {}", order.action, order.process)).await {
        Some(answer) => {
            let status = if answer["ok"] == true { StatusCode::OK } else { StatusCode::CONFLICT };
            said(status, answer["said"].as_str().unwrap_or_default())
        }
        None => said(StatusCode::GATEWAY_TIMEOUT, "the runner does not answer"),
    }
}

/// Whether somebody wants visitors.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wish {
    on: bool,
}

/// `POST visitors`: sends visitors, or no more.
async fn visitors(State(site): State<Arc<Site>>, Json(wish): Json<Wish>) -> Response {
    site.now.change(|facts| {
        facts.visitors = wish.on;
        facts.visits.clear();
    });
    said(StatusCode::OK, if wish.on { "visitors come" } else { "no more visitors" })
}

/// `GET log/{process}`: its last lines.
async fn log(State(site): State<Arc<Site>>, Path((_, process)): Path<(String, String)>) -> Response {
    if !site.knows(&process) {
        return said(StatusCode::NOT_FOUND, "this step has no process of that name");
    }
    match site.ask("log", &process).await {
        Some(log) => log["lines"].as_str().unwrap_or_default().to_owned().into_response(),
        None => said(StatusCode::GATEWAY_TIMEOUT, "the runner does not answer"),
    }
}

/// `GET lesson/{step}`: the lesson of that number.
async fn lesson(State(site): State<Arc<Site>>, Path((_, step)): Path<(String, String)>) -> Response {
    let text = site.folders.get(&step).and_then(|folder| fs::read_to_string(folder.join("README.md")).ok());
    match text {
        Some(text) => {
            ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], lesson::html(&text)).into_response()
        }
        None => said(StatusCode::NOT_FOUND, "there is no such lesson"),
    }
}

fn said(status: StatusCode, text: &str) -> Response {
    (status, Json(json!({ "said": text }))).into_response()
}
