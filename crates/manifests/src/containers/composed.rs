//! The composition, brought up for tests under a name of its own, with ports of its own and the suite's secrets.

use std::{
    collections::{BTreeMap, HashMap},
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

use acceptance::{
    CATALOGUE, Missing, Platform, SECRET, SERVICE_TOKEN, Stage, TOKEN,
    anyhow::{Context, Result, bail},
    is_required,
    serde_json::{Value, from_str, json},
    tempfile::TempDir,
};
use harness::{Definition, http, ports::Port};

use super::engine::{self, Engine};
use crate::{root, shipped};

/// How many compositions this process has started.
static STARTED: AtomicUsize = AtomicUsize::new(0);

/// How long a service may take to be ready again, the patience of the engine before a restart included.
const READY_WITHIN: Duration = Duration::from_secs(60);
/// How long something may take to be as it should be again.
const WITHIN: Duration = Duration::from_secs(60);
/// How long one answer may take: longer than any deadline of the system's own.
const ANSWERS_WITHIN: Duration = Duration::from_secs(12);
/// How often we look.
const LOOK: Duration = Duration::from_millis(20);
/// How long a container may take to stop, in seconds: what `stop_grace_period` says.
const GRACE: i32 = 15;

/// Who may do everything in the composition's database server.
const ADMINISTRATOR: &str = "automator";

/// A running composition. Dropped, it is gone, volumes included.
pub struct Composed {
    engine: Engine,
    project: String,
    /// The container of each service.
    containers: HashMap<String, String>,
    urls: BTreeMap<&'static str, String>,
    /// From the command to the first answer.
    pub took: Duration,
    environment: Vec<(&'static str, String)>,
    files: Vec<PathBuf>,
    catalogue: PathBuf,
    _ports: Vec<Port>,
    _folder: TempDir,
}

impl Composed {
    /// Brings the composition in `files` up as `project`, and waits until its front answers.
    ///
    /// # Errors
    /// No engine, no images; or it does not come up, which is a failure everywhere.
    pub fn start(project: &str, files: Vec<PathBuf>) -> Result<Self, Missing> {
        let engine = Engine::with_images()?;
        engine::compose()
            .map_err(|error| Missing { reason: error.to_string(), required: is_required("images") })?;
        Self::up(engine, project, files)
            .map_err(|error| Missing { reason: format!("{error:#}"), required: true })
    }

    fn up(engine: Engine, project: &str, mut files: Vec<PathBuf>) -> Result<Self> {
        let folder = TempDir::with_prefix("composed-").context("cannot make a temporary folder")?;
        let mut ports = Vec::new();
        let mut urls = BTreeMap::new();
        for service in shipped::serving() {
            let port = Port::take()?;
            urls.insert(service, format!("http://127.0.0.1:{}", port.number()));
            ports.push(port);
        }
        files.push(write(folder.path(), &urls)?);
        let environment = vec![
            ("AUTOMATOR_SECRETS", folder.path().join("secrets").display().to_string()),
            ("AUTOMATOR_PORT", number(&urls["gateway"]).to_owned()),
            // The suite stands where a proxy in front would.
            ("AUTOMATOR_PROXY", "0.0.0.0/0".to_owned()),
        ];
        let mut composed = Self {
            engine,
            // Other compositions may be up at the same time: this process's, and those of another copy of the repository.
            project: format!("{project}-{}-{}", std::process::id(), STARTED.fetch_add(1, Ordering::Relaxed)),
            containers: HashMap::new(),
            urls,
            took: Duration::ZERO,
            environment,
            files,
            catalogue: folder.path().join("catalogue/catalogue.toml"),
            _ports: ports,
            _folder: folder,
        };
        let begun = Instant::now();
        composed.command(&["up", "-d", "--no-build"]).context("the composition does not come up")?;
        composed.containers = composed.engine.project(&composed.project)?;
        composed.ready("gateway")?;
        composed.took = begun.elapsed();
        Ok(composed)
    }

    /// The engine.
    #[must_use]
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The container of a service.
    ///
    /// # Panics
    /// The composition has no such service.
    #[must_use]
    pub fn container(&self, service: &str) -> &str {
        self.containers
            .get(service)
            .unwrap_or_else(|| panic!("no service {service} in {:?}", self.containers.keys()))
    }

    /// Kills the process in the container, as the kernel does when memory runs out: nobody asked for it, so whoever minds the
    /// container starts it again.
    ///
    /// # Errors
    /// It does not run.
    pub fn crash(&self, service: &str) -> Result<()> {
        let state = self.engine.inspect(self.container(service))?.state;
        let process = state.and_then(|state| state.pid).context("a running container has a process")?;
        // From a container that sees the processes of the engine's machine, which need not be this one.
        engine::run(
            engine::client().args(["run", "--rm", "--pid=host", "--network=none", "--user=0"]).args([
                "--entrypoint=sh",
                &self.postgres_image()?,
                "-c",
                &format!("kill -9 {process}"),
            ]),
        )
        .with_context(|| format!("cannot kill {service}"))?;
        Ok(())
    }

    /// Waits until a service answers that it is ready.
    ///
    /// # Errors
    /// It does not within a minute.
    pub fn ready(&self, service: &str) -> Result<()> {
        let until = Instant::now() + READY_WITHIN;
        loop {
            let reason = match self.ask_health(service) {
                Ok(answer) if answer.status == 200 => return Ok(()),
                Ok(answer) => answer.to_string(),
                Err(error) => error.to_string(),
            };
            if Instant::now() >= until {
                bail!("{service} was not ready within {READY_WITHIN:?}: {reason}\n{}", self.tail(service));
            }
            thread::sleep(LOOK);
        }
    }

    /// Runs a command of compose on this composition; what it printed.
    ///
    /// # Errors
    /// It fails.
    pub fn command(&self, arguments: &[&str]) -> Result<String> {
        engine::run(self.compose()?.args(arguments))
    }

    /// Asks a service as a client with the token does; `key` is an `Idempotency-Key`, or empty.
    ///
    /// # Errors
    /// It does not answer within 12 s.
    pub fn ask(
        &self,
        who: &str,
        method: &str,
        path: &str,
        body: &str,
        key: &str,
    ) -> std::io::Result<http::Answer> {
        let authorization = format!("Bearer {TOKEN}");
        let mut headers =
            vec![("authorization", authorization.as_str()), ("content-type", "application/json")];
        if !key.is_empty() {
            headers.push(("idempotency-key", key));
        }
        let base = &self.urls[who];
        http::Request { method, base, path, headers: &headers, body, limit: ANSWERS_WITHIN }.send()
    }

    /// What a service answers with 200; `None` as long as it does not.
    #[must_use]
    pub fn get(&self, who: &str, path: &str) -> Option<Value> {
        let answer = self.ask(who, "GET", path, "", "").ok()?;
        from_str(&answer.body).ok().filter(|_| answer.status == 200)
    }

    /// Somebody opens a pull request at GitHub, which tells the composition.
    ///
    /// # Errors
    /// Nobody takes the webhook.
    pub fn opens(&self, repository: &str, title: &str) -> Result<()> {
        let event = json!({
            "repository": repository, "action": "opened", "kind": "pull_request", "author": "first-timer", "title": title,
            "deliver_to": "http://gateway:8080/webhooks/github",
        });
        let said = self.ask("simulators", "POST", "/control/github/events", &event.to_string(), "")?;
        if said.status == 200 && said.body.contains("202") {
            return Ok(());
        }
        bail!("nobody took the webhook: {said}")
    }

    /// Runs SQL in the database server, each statement for itself.
    ///
    /// # Errors
    /// The server refuses.
    pub fn sql(&self, statements: &[impl AsRef<str>]) -> Result<String> {
        self.sql_in("postgres", statements)
    }

    /// The same in one of its databases.
    ///
    /// # Errors
    /// The server refuses.
    pub fn sql_in(&self, database: &str, statements: &[impl AsRef<str>]) -> Result<String> {
        let mut psql = engine::client();
        psql.args([
            "exec",
            self.container("postgres"),
            "psql",
            "-qtA",
            "-v",
            "ON_ERROR_STOP=1",
            "-U",
            ADMINISTRATOR,
            "-d",
            database,
        ]);
        for statement in statements {
            psql.args(["-c", statement.as_ref()]);
        }
        engine::run(&mut psql)
    }

    fn ask_health(&self, service: &str) -> Result<http::Answer> {
        let process = shipped::system().process(service).context("a process of the step")?;
        let path = process.health.as_deref().context("a process with a port has health")?;
        let base = Platform::url(self, service)?;
        let limit = Duration::from_secs(2);
        Ok(http::Request { method: "GET", base, path, headers: &[], body: "", limit }.send()?)
    }

    fn postgres_image(&self) -> Result<String> {
        let config = self.engine.inspect(self.container("postgres"))?.config;
        config.and_then(|config| config.image).context("a container has an image")
    }

    fn tail(&self, service: &str) -> String {
        self.engine.log(self.container(service), "15").unwrap_or_default()
    }

    fn compose(&self) -> Result<Command> {
        let mut compose = engine::compose()?;
        compose.args(["--project-name", &self.project, "--project-directory"]).arg(root());
        for file in &self.files {
            compose.arg("--file").arg(file);
        }
        compose.current_dir(root()).envs(self.environment.iter().cloned());
        Ok(compose)
    }
}

/// Waits until `look` finds something.
///
/// # Panics
/// It does not within a minute.
pub fn eventually<T>(what: &str, look: impl Fn() -> Option<T>) -> T {
    let until = Instant::now() + WITHIN;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < until, "not within {WITHIN:?}: {what}");
        thread::sleep(LOOK * 5);
    }
}

impl Platform for Composed {
    fn definition(&self) -> &Definition {
        shipped::system()
    }

    fn url(&self, process: &str) -> Result<&str> {
        self.urls
            .get(process)
            .map(String::as_str)
            .with_context(|| format!("{process} is not reached from here"))
    }

    fn kill(&self, process: &str) -> Result<()> {
        self.engine.kill(self.container(process))
    }

    fn terminate(&self, process: &str) -> Result<()> {
        match self.engine.stop(self.container(process), GRACE)? {
            0 => Ok(()),
            code => bail!(
                "a stop that was asked for is no failure: {process} ended with {code}\n{}",
                self.tail(process)
            ),
        }
    }

    fn start_again(&self, process: &str) -> Result<()> {
        self.engine.start(self.container(process))?;
        self.ready(process)
    }

    fn tails(&self) -> String {
        shipped::serving().map(|service| format!("── {service}\n{}\n", self.tail(service))).collect()
    }
}

impl Stage for Composed {
    fn catalogue(&self) -> &Path {
        &self.catalogue
    }

    fn keep(&self, name: &str) -> Result<()> {
        // A template must have no visitor.
        shipped::at_once(shipped::with_database(), |service| self.kill(service))?;
        self.sql(&shipped::keep(name))?;
        shipped::at_once(shipped::with_database(), |service| self.start_again(service))
    }

    fn renew(&self, name: &str) -> Result<()> {
        // The gateway remembers nothing.
        let services = shipped::serving().filter(|service| *service != "gateway");
        shipped::at_once(services, |service| match self.kill(service) {
            // A scenario may have left it stopped.
            Err(error) if format!("{error:#}").contains("is not running") => Ok(()),
            other => other,
        })?;
        self.sql(&shipped::renew(name))?;
        shipped::at_once(shipped::serving(), |service| self.start_again(service))
    }
}

impl Drop for Composed {
    fn drop(&mut self) {
        if let Err(error) = self.command(&["down", "--volumes", "--remove-orphans", "--timeout", "1"]) {
            eprintln!("could not take the composition {} away: {error:#}", self.project);
        }
    }
}

/// Writes what tests have in place of what the composition says: every service within reach, few repositories, known secrets.
fn write(folder: &Path, urls: &BTreeMap<&'static str, String>) -> Result<PathBuf> {
    let secrets = folder.join("secrets");
    copy(&root().join("steps/10-containers/secrets"), &secrets)?;
    for (name, secret) in
        [("automator_api_token", TOKEN), ("github_webhook_secret", SECRET), ("service_token", SERVICE_TOKEN)]
    {
        fs::write(secrets.join(name), secret)?;
    }
    let catalogue = folder.join("catalogue");
    fs::create_dir(&catalogue)?;
    // Tests lose nothing when the machine goes down, and make and drop databases all the time.
    let mut text = "services:\n  postgres:\n    command: [-c, fsync=off, -c, full_page_writes=off, -c, shared_buffers=32MB]\n".to_owned();
    // The gateway's port is a setting of the composition itself.
    for (service, url) in urls.iter().filter(|(service, _)| **service != "gateway") {
        text.push_str(&format!("  {service}:\n    ports: [\"127.0.0.1:{}:8080\"]\n", number(url)));
        let process = shipped::system().process(service);
        if process.is_some_and(|process| process.is_given("AUTOMATOR_CATALOGUE")) {
            text.push_str("    environment: { AUTOMATOR_CATALOGUE: /catalogue/catalogue.toml }\n");
            text.push_str(&format!("    volumes: [\"{}:/catalogue:ro\"]\n", catalogue.display()));
        }
    }
    fs::write(catalogue.join("catalogue.toml"), CATALOGUE)?;
    let file = folder.join("tests.yml");
    fs::write(&file, text)?;
    Ok(file)
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir(to)?;
    for file in fs::read_dir(from)? {
        let file = file?;
        fs::copy(file.path(), to.join(file.file_name()))?;
    }
    Ok(())
}

fn number(url: &str) -> &str {
    url.rsplit(':').next().unwrap_or_default()
}
