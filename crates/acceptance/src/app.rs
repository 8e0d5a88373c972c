//! Automator as a scenario sees it: a URL, a token, and processes that can be broken.

use std::{
    env, fs,
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
    time::Duration,
};

use anyhow::{Context, Result};
use harness::{Options, Part, System};
use hmac::{Hmac, KeyInit, Mac};
use reqwest::Method;
use serde_json::{Value, json};
use sha2::Sha256;
use tempfile::TempDir;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use crate::{
    Answer, Database, Platform, Request, Simulators, Stage, eventually, platform, request::Exchanges,
};

/// The token that writes show.
pub const TOKEN: &str = "token-of-the-suite";
/// What webhooks are signed with.
pub const SECRET: &str = "secret-of-the-suite";

/// What services show each other.
pub const SERVICE_TOKEN: &str = "service-token-of-the-suite";

/// The repositories of every scenario: two, so that an import is quick and paging still crosses a border.
pub const CATALOGUE: &str = include_str!("catalogue.toml");

/// Where a scenario's catalogue lies, in the folder of its system.
const CATALOGUE_FILE: &str = "catalogue.toml";

/// How long one answer may take. Longer than any deadline of the system's own, so that those are seen.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long an import of the two repositories may take.
const IMPORT_WITHIN: Duration = Duration::from_secs(30);

/// A step, as its test file knows it. Made by [`crate::main!`].
#[derive(Debug, Clone, Copy)]
pub struct Step {
    /// `01`
    pub number: &'static str,
    /// The built `system-01`.
    pub binary: &'static str,
    /// The step's folder, which has its `system.toml`.
    pub folder: &'static str,
}

/// A running Automator that belongs to one scenario.
pub struct App {
    // Dropped in this order: processes, then the files that they hold.
    place: Place,
    client: reqwest::Client,
    exchanges: Exchanges,
    step: Step,
    catalogue: PathBuf,
}

/// Where its processes are.
enum Place {
    /// Beside the tests, for this scenario alone.
    Here { system: Box<System>, database: Database, _folder: TempDir },
    /// Elsewhere, for one scenario after the other.
    Elsewhere(Arc<dyn Stage>),
}

impl App {
    /// Starts the step's processes on `database`; `adjust` may change how. Blocks.
    ///
    /// # Errors
    /// The processes do not start.
    pub fn start(step: &Step, database: Database, adjust: impl FnOnce(Options) -> Options) -> Result<Self> {
        // Refused only when a provider is installed already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let (system, folder) = system(step, &database, adjust)?;
        let catalogue = folder.path().join(CATALOGUE_FILE);
        Self::at(step, Place::Here { system: Box::new(system), database, _folder: folder }, catalogue)
    }

    /// The system that stands on `stage`, as it was when it was kept under `name`. Blocks.
    ///
    /// # Errors
    /// It cannot be brought back.
    pub(crate) fn on_stage(step: &Step, stage: Arc<dyn Stage>, name: &str) -> Result<Self> {
        let catalogue = stage.catalogue().to_owned();
        fs::write(&catalogue, CATALOGUE).context("cannot write the catalogue")?;
        stage.renew(name)?;
        Self::at(step, Place::Elsewhere(stage), catalogue)
    }

    fn at(step: &Step, place: Place, catalogue: PathBuf) -> Result<Self> {
        Ok(Self { place, client: client()?, exchanges: Exchanges::default(), step: *step, catalogue })
    }

    /// Starts the step's processes on a `database` that [`App::prepare`] prepared. Blocks.
    ///
    /// # Errors
    /// The processes do not start.
    pub(crate) fn start_prepared(step: &Step, database: Database) -> Result<Self> {
        Self::start(step, database, |options| options.part(Part::Lasting))
    }

    /// Runs what prepares the step's databases, and nothing else. Blocks.
    ///
    /// # Errors
    /// A process does not start, or fails.
    pub(crate) fn prepare(step: &Step, database: &Database) -> Result<()> {
        system(step, database, |options| options.part(Part::Once)).map(drop)
    }

    /// The processes, to be broken.
    ///
    /// # Panics
    /// They are not ours alone: [`App::platform`] has what can be done to any.
    #[must_use]
    pub fn system(&self) -> &System {
        match &self.place {
            Place::Here { system, .. } => system,
            Place::Elsewhere(_) => panic!("these processes do not run beside the tests"),
        }
    }

    /// The processes, wherever they run.
    #[must_use]
    pub fn platform(&self) -> &dyn Platform {
        match &self.place {
            Place::Here { system, .. } => &**system,
            Place::Elsewhere(stage) => &**stage,
        }
    }

    /// Where clients find it, e.g. `http://127.0.0.1:20017`.
    ///
    /// # Panics
    /// The step's `system.toml` names no front, which it may not.
    #[must_use]
    pub fn front(&self) -> &str {
        platform::front(self.platform()).expect("every system has a front that listens")
    }

    /// Ends its processes without a word: the scenario has seen what there was to see, and how a stop goes that is asked for is for
    /// those that ask for one. Only what they covered would go with them. A system that stands elsewhere goes on.
    pub(crate) fn end(self) {
        if let Place::Here { system, .. } = &self.place
            && env::var_os("LLVM_PROFILE_FILE").is_none()
        {
            system.kill_all();
        }
    }

    /// The step that runs.
    #[must_use]
    pub fn step(&self) -> &Step {
        &self.step
    }

    /// The database that it runs on.
    ///
    /// # Panics
    /// As [`App::system`].
    #[must_use]
    pub fn database(&self) -> &Database {
        match &self.place {
            Place::Here { database, .. } => database,
            Place::Elsewhere(_) => panic!("this database is not the tests' own"),
        }
    }

    /// Puts a route table in place of the gateway's, at `path`, and waits until it is in use.
    ///
    /// # Panics
    /// The file cannot be written, or the gateway does not take it within 10 s.
    pub async fn use_table(&self, path: &Path, text: &str) {
        let taken = async || self.get("/gateway/routes").await.is(200)["taken"].as_u64();
        let before = taken().await;
        fs::write(path, text).expect("the folder can be written");
        eventually("the table is in use", async || (taken().await > before).then_some(())).await;
    }

    /// From now on these repositories are tracked: writes the catalogue and starts everything but the simulators again.
    ///
    /// # Panics
    /// The file cannot be written, or a process does not come back.
    pub fn track(&self, catalogue: &str) {
        fs::write(&self.catalogue, catalogue).expect("the folder can be written");
        self.power_cut();
    }

    /// The outside world.
    #[must_use]
    pub fn simulators(&self) -> Simulators {
        let base =
            self.platform().url("simulators").expect("every step's system.toml has simulators with a port");
        Simulators::new(&self.client, base, &self.exchanges)
    }

    /// A request without a body and without a token.
    pub fn request(&self, method: Method, path: &str) -> Request {
        Request::new(&self.client, self.front(), method, path, &self.exchanges)
    }

    /// The same, to one of the processes behind the front.
    ///
    /// # Panics
    /// There is none of that name that listens.
    pub fn request_to(&self, process: &str, method: Method, path: &str) -> Request {
        let base = self.platform().url(process).expect("a process that listens");
        Request::new(&self.client, base, method, path, &self.exchanges)
    }

    /// What each process that has metrics says of itself.
    pub async fn metrics(&self) -> Vec<Answer> {
        let listening =
            self.platform().definition().processes.iter().filter(|process| process.port.is_some());
        let mut all = Vec::new();
        for process in listening {
            let asked = self.request_to(&process.name, Method::GET, "/metrics").send().await;
            all.extend(asked.ok().filter(|answer| answer.status == 200));
        }
        all
    }

    /// `GET path`, without a token: reads want none.
    pub fn get(&self, path: &str) -> Request {
        self.request(Method::GET, path)
    }

    /// `POST path` with the token.
    pub fn post(&self, path: &str, body: &Value) -> Request {
        self.request(Method::POST, path).token(TOKEN).json(body)
    }

    /// `PATCH path` with the token.
    pub fn patch(&self, path: &str, body: &Value) -> Request {
        self.request(Method::PATCH, path).token(TOKEN).json(body)
    }

    /// `DELETE path` with the token.
    pub fn delete(&self, path: &str) -> Request {
        self.request(Method::DELETE, path).token(TOKEN)
    }

    /// A webhook as GitHub sends it, signed, with a delivery id of its own. Both can be changed on the request.
    pub fn webhook(&self, event: &str, payload: &Value) -> Request {
        let body = payload.to_string();
        self.request(Method::POST, "/webhooks/github")
            .header("x-github-event", event)
            .header("x-github-delivery", Uuid::now_v7().to_string())
            .header("x-hub-signature-256", signature(SECRET, &body))
            .text("application/json", body)
    }

    /// Imports the two repositories and waits for the end; the import as it is then.
    ///
    /// # Panics
    /// It fails, or takes longer than 30 s.
    pub async fn import(&self) -> Answer {
        let started = self.post("/api/imports", &json!({})).await;
        assert!((200..300).contains(&started.status), "expected an import, but {started}");
        self.imported(started["id"].as_str().expect("an import has an id")).await
    }

    /// Waits for the end of an import, and for its consequences: tasks and measures.
    ///
    /// # Panics
    /// It fails, or takes longer than 30 s; or its consequences take longer than 10 s.
    pub async fn imported(&self, id: &str) -> Answer {
        let import = self.read_whole(id).await;
        self.is_followed().await;
        import
    }

    /// Waits until tasks and measures are about the items that are there.
    pub async fn is_followed(&self) {
        eventually("every open item has a task, and every wait is measured", async || {
            let open = self.all("/api/items?limit=100&state=open").await.len();
            let waiting = self.all("/api/items?limit=100&waiting=any").await.len();
            let measures = self.get("/api/measures").await.is(200);
            let groups = measures["groups"].as_array()?;
            let measured: i64 =
                groups.iter().filter_map(|group| group["waiting_now"]["count"].as_i64()).sum();
            let tasks = self.all("/api/tasks?limit=100").await.len();
            (tasks == open && usize::try_from(measured) == Ok(waiting)).then_some(())
        })
        .await;
    }

    async fn read_whole(&self, id: &str) -> Answer {
        let until = Instant::now() + IMPORT_WITHIN;
        loop {
            let import = self.get(&format!("/api/imports/{id}")).await.is(200);
            match import["status"].as_str() {
                Some("done") => return import,
                Some("queued" | "running") => {}
                _ => panic!("expected an import under way, but {import}"),
            }
            assert!(Instant::now() < until, "the import was not done within {IMPORT_WITHIN:?}: {import}");
            sleep(Duration::from_millis(10)).await;
        }
    }

    /// Somebody joins the team; the member as the answer shows them.
    pub async fn member(&self, login: &str) -> Answer {
        let email = format!("{login}@example.com");
        self.post("/api/team", &json!({ "login": login, "name": login, "email": email })).await.is(201)
    }

    /// Takes every rule away: for a scenario in which GitHub shall hear nothing but what the scenario makes happen.
    pub async fn without_rules(&self) {
        for rule in self.all("/api/rules").await {
            let id = rule["id"].as_str().unwrap_or_default();
            let _ = self.delete(&format!("/api/rules/{id}")).await.is(204);
        }
    }

    /// Every element of a list, page by page. `path` may have a query.
    ///
    /// # Panics
    /// More than 1,000 pages: a cursor goes round in a circle.
    pub async fn all(&self, path: &str) -> Vec<Value> {
        let mut all = Vec::new();
        let mut next = path.to_owned();
        for _ in 0..1_000 {
            let page = self.get(&next).await.is(200);
            all.extend_from_slice(page.items());
            let Some(cursor) = page["next_cursor"].as_str() else { return all };
            let separator = if path.contains('?') { '&' } else { '?' };
            // Opaque, but not necessarily fit for a URL.
            let cursor: String = reqwest::Url::parse_with_params("x:", [("cursor", cursor)])
                .expect("x: is a URL")
                .query()
                .unwrap_or_default()
                .to_owned();
            next = format!("{path}{separator}{cursor}");
        }
        panic!("{path} has more than 1,000 pages");
    }

    /// The last exchanges and the tail of every process's log.
    pub(crate) fn report(&self) -> String {
        format!("the last requests:\n{}the logs:\n{}", self.exchanges.report(), self.platform().tails())
    }
}

/// Starts the step's processes, with a folder of their own. Blocks.
fn system(
    step: &Step,
    database: &Database,
    adjust: impl FnOnce(Options) -> Options,
) -> Result<(System, TempDir)> {
    let folder = TempDir::with_prefix("automator-").context("cannot make a temporary folder")?;
    let catalogue = folder.path().join(CATALOGUE_FILE);
    fs::write(&catalogue, CATALOGUE).context("cannot write the catalogue")?;
    let databases = database.clone();
    let options = Options::new(Path::new(step.folder), Path::new(step.binary))
        .working_directory(folder.path())
        .value("database", database.url())
        .value("token", TOKEN)
        .value("secret", SECRET)
        .value("service_token", SERVICE_TOKEN)
        .value("catalogue", catalogue.display().to_string())
        // `{database.backlog}`: a database for each module.
        .resolve(move |name| databases.named(name.strip_prefix("database.")?).ok());
    Ok((System::start(&adjust(options))?, folder))
}

/// The client of all scenarios. No connection is kept: a scenario that kills a process must not stumble over one to its
/// former life, and a connection dies with the runtime of the scenario that made it.
fn client() -> Result<reqwest::Client> {
    static CLIENT: OnceLock<reqwest::Client> = OnceLock::new();
    if let Some(client) = CLIENT.get() {
        return Ok(client.clone());
    }
    let client = reqwest::Client::builder()
        .timeout(PATIENCE)
        .pool_max_idle_per_host(0)
        .no_proxy()
        // Where an answer leads is part of what it says.
        .redirect(reqwest::redirect::Policy::none())
        .build()?;
    Ok(CLIENT.get_or_init(|| client).clone())
}

/// `X-Hub-Signature-256` of a body: HMAC-SHA256 in hex (RFC 2104).
#[must_use]
pub fn signature(secret: &str, body: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes keys of any length");
    mac.update(body.as_bytes());
    format!("sha256={}", hex::encode(mac.finalize().into_bytes()))
}
