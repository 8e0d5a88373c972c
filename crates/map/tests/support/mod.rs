//! A real system with a map, as `cargo workshop run` starts them.

use std::{
    collections::BTreeMap,
    env,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{
        OnceLock,
        mpsc::{Receiver, channel},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use acceptance::{
    CATALOGUE, Databases, Engine, SECRET, SERVICE_TOKEN, TOKEN,
    harness::{
        Definition, Options, Stop, System,
        live::{self, Edges, Event, Live, Page, Setting},
        ports::Port,
    },
    reqwest,
    serde_json::{self, Value, json},
    tempfile, tokio,
};

/// The program under test.
pub(crate) const MAP: &str = env!("CARGO_BIN_EXE_map");

/// The root of this repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// The step's binary, built once for each program of tests.
pub(crate) fn binary(number: &str) -> PathBuf {
    static BUILT: OnceLock<()> = OnceLock::new();
    BUILT.get_or_init(|| {
        let mut cargo = Command::new(env::var_os("CARGO").unwrap());
        cargo.args(["build", "--workspace"]).current_dir(root()).stdin(Stdio::null());
        for number in ["01", "05", "07"] {
            cargo.args(["--bin", &format!("system-{number}")]);
        }
        // What cargo tells a test about its own package would make build scripts run again, and all that is above them.
        for (name, _) in env::vars_os() {
            let name = name.to_string_lossy();
            if ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_"].iter().any(|it| name.starts_with(it))
                || ["CARGO_CRATE_NAME", "CARGO_PRIMARY_PACKAGE", "OUT_DIR"].contains(&name.as_ref())
            {
                cargo.env_remove(&*name);
            }
        }
        assert!(cargo.status().unwrap().success());
    });
    Path::new(MAP).with_file_name(format!("system-{number}"))
}

/// A running system, its proxies and its page.
pub(crate) struct RunningMap {
    pub(crate) address: String,
    pub(crate) front: String,
    pub(crate) page: u32,
    pub(crate) proxies: u32,
    pub(crate) definition: Definition,
    said: Receiver<String>,
    stop: Stop,
    thread: Option<JoinHandle<()>>,
}

impl RunningMap {
    /// Starts the step in the folder `step`.
    pub(crate) fn start(step: &str) -> Self {
        let number = step.split('-').next().unwrap().to_owned();
        let folder = root().join("steps").join(step);
        let definition = Definition::load(&folder).unwrap();
        let program = binary(&number);
        let (tell, said) = channel();
        let (ready, is_ready) = channel();
        let stop = Stop::default();
        let (stopped, declared, step) = (stop.clone(), definition.clone(), step.to_owned());
        let thread = thread::spawn(move || {
            let database = Databases::default().fresh(Engine::Sqlite).map_err(|it| it.reason).unwrap();
            let databases = database.clone();
            let own = tempfile::tempdir().unwrap();
            let catalogue = own.path().join("catalogue.toml");
            std::fs::write(&catalogue, CATALOGUE).unwrap();
            let mut options = Options::new(&folder, program)
                .value("database", database.url())
                .value("token", TOKEN)
                .value("secret", SECRET)
                .value("service_token", SERVICE_TOKEN)
                .value("catalogue", catalogue.display().to_string())
                .working_directory(own.path())
                .stop(stopped.clone())
                .resolve(move |name| databases.named(name.strip_prefix("database.")?).ok());
            let mut held = Vec::new();
            let mut ports = BTreeMap::new();
            for process in declared.processes.iter().filter(|process| process.port.is_some()) {
                let port = Port::take().unwrap();
                options = options.port(&process.name, port.number());
                ports.insert(process.name.clone(), port.number());
                held.push(port);
            }
            let edges = Edges::start(Path::new(MAP), &declared, &ports).unwrap();
            let proxies = edges.id();
            let system = System::start(&edges.told(options)).unwrap();
            let (root, front) = (root(), system.front());
            let exercise = Some("05.1 Errors and unknowns on the wire".to_owned());
            let setting = Setting { root: &root, step: &step, port: 18_070, front, exercise };
            let page = Page::start(Path::new(MAP), &setting).unwrap();
            ready.send((page.address().to_owned(), front.to_owned(), page.id(), proxies)).unwrap();
            thread::scope(|scope| {
                let mut live = Live::new(&system, Some(edges), Some(page), scope);
                while !stopped.requested() {
                    match live.turn() {
                        Some(Event::Said(text)) => _ = tell.send(text),
                        Some(Event::Ended(ended)) => panic!("{} ended: {}", ended.name, ended.log),
                        None => live::rest(),
                    }
                }
            });
        });
        let Ok((address, front, page, proxies)) = is_ready.recv_timeout(Duration::from_secs(60)) else {
            panic!("the system did not start: {:?}", thread.join().err());
        };
        Self { address, front, page, proxies, definition, said, stop, thread: Some(thread) }
    }

    /// Waits until the runner says something that has `words` in it.
    pub(crate) fn says(&self, words: &str) {
        let until = Instant::now() + Duration::from_secs(20);
        while let Ok(text) = self.said.recv_timeout(until.saturating_duration_since(Instant::now())) {
            if text.contains(words) {
                return;
            }
        }
        panic!("nobody says {words}");
    }

    /// Orders it on the page; the status, and what was said.
    pub(crate) async fn order(&self, action: &str, process: &str) -> (u16, String) {
        let order = json!({ "action": action, "process": process }).to_string();
        let answer = self.post("do").body(order).send().await.unwrap();
        let status = answer.status().as_u16();
        let said: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap_or_default();
        (status, said["said"].as_str().unwrap_or_default().to_owned())
    }

    /// A request as the page makes it.
    pub(crate) fn post(&self, path: &str) -> reqwest::RequestBuilder {
        let origin = self.address.splitn(4, '/').take(3).collect::<Vec<_>>().join("/");
        client()
            .post(format!("{}{path}", self.address))
            .header("origin", origin)
            .header("content-type", "application/json")
    }

    /// What the page is told first, now.
    pub(crate) async fn now(&self) -> Value {
        let mut events = client().get(format!("{}events", self.address)).send().await.unwrap();
        let mut text = String::new();
        while !text.contains("\n\n") {
            text.push_str(&String::from_utf8_lossy(&events.chunk().await.unwrap().unwrap()));
        }
        serde_json::from_str(text.trim().strip_prefix("data: ").unwrap()).unwrap()
    }

    /// The numbers of an edge, once they are as wanted.
    pub(crate) async fn numbers(&self, from: &str, to: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let what = format!("numbers of {from} → {to}");
        acceptance::eventually(&what, async || {
            let now = self.now().await;
            let edge = now["edges"].as_array()?.iter().find(|it| it["from"] == from && it["to"] == to)?;
            wanted(&edge["numbers"]).then(|| edge["numbers"].clone())
        })
        .await
    }

    /// The status of a page of the application.
    pub(crate) async fn visit(&self, path: &str) -> u16 {
        client()
            .get(format!("{}{path}", self.front))
            .send()
            .await
            .map_or(0, |answer| answer.status().as_u16())
    }
}

impl Drop for RunningMap {
    fn drop(&mut self) {
        self.stop.request();
        let ended = self.thread.take().map(JoinHandle::join);
        if !thread::panicking() {
            assert!(ended.is_none_or(|ended| ended.is_ok()));
            for id in [self.page, self.proxies] {
                assert!(is_gone(id), "process {id} outlives its runner");
            }
        }
    }
}

/// Whether a process is gone, within two seconds.
pub(crate) fn is_gone(id: u32) -> bool {
    let until = Instant::now() + Duration::from_secs(2);
    while Path::new(&format!("/proc/{id}")).exists() {
        if Instant::now() > until {
            return false;
        }
        thread::sleep(Duration::from_millis(20));
    }
    true
}

/// Runs a test's future.
pub(crate) fn run(test: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap()
        .block_on(test);
}

/// A client that asks nobody else for the way.
pub(crate) fn client() -> reqwest::Client {
    chassis::client::install_crypto();
    reqwest::Client::builder().no_proxy().build().unwrap()
}
