//! A gateway at work, between a table and two upstreams.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Arc, LazyLock},
    time::Duration,
};

use acceptance::{
    harness::{Options, System},
    serde_json::Value,
    tempfile::TempDir,
    tokio::{
        runtime,
        time::{Instant, sleep, timeout},
    },
};

use crate::{
    client::{Answer, ask},
    upstream::Upstream,
};

/// Longer than any test takes.
const WITHIN: Duration = Duration::from_secs(60);

const SYSTEM: &str = r#"
step = "03"
binary = "system-03"
front = "gateway"

[[process]]
name = "gateway"
port = 8080
health = "/gateway/health/ready"
log = "debug"

[process.env]
GATEWAY_TABLE = "{folder}/gateway.toml"
GATEWAY_TRUSTED = "{trusted?}"
SERVE_ON_SECONDS = "{serve_on?}"
AUTOMATOR_API_TOKEN = "token-of-the-test"
OLD_URL = "{old}"
NEW_URL = "{new}"
"#;

/// Both upstreams; every table begins with them.
const UPSTREAMS: &str = "[upstream.old]\nurl = \"${OLD_URL}\"\n[upstream.new]\nurl = \"${NEW_URL}\"\n";

/// The table that most tests have.
pub(crate) const ALL_OLD: &str = "[[route]]\nname = \"all\"\nprefix = \"/\"\nold = \"old\"\nnew = \"new\"\ntimeout_ms = 5000\nkey = \"x-person\"\n";

/// The same table, for requests that wait until the test lets them go.
pub(crate) static PATIENT: LazyLock<String> = LazyLock::new(|| ALL_OLD.replace("5000", "60000"));

/// A gateway.
pub(crate) struct Started {
    pub(crate) system: Arc<System>,
    pub(crate) url: String,
    pub(crate) old: Upstream,
    pub(crate) new: Upstream,
    folder: TempDir,
}

/// Runs `test` on a gateway with `routes`.
pub(crate) fn with(routes: &str, test: impl AsyncFnOnce(&Started)) {
    with_options(routes, |options| options, test);
}

/// Runs `test` on a gateway that is started differently.
pub(crate) fn with_options(
    routes: &str,
    adjust: impl FnOnce(Options) -> Options,
    test: impl AsyncFnOnce(&Started),
) {
    let runtime =
        runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let started = Started::new(routes, adjust).await;
        let ended = timeout(WITHIN, test(&started)).await;
        assert!(ended.is_ok(), "it takes too long; the log:\n{}", started.system.tails());
    });
}

impl Started {
    async fn new(routes: &str, adjust: impl FnOnce(Options) -> Options) -> Self {
        let folder = TempDir::with_prefix("gateway-").expect("a temporary folder");
        fs::write(folder.path().join("system.toml"), SYSTEM).expect("the folder can be written");
        fs::write(table(folder.path()), format!("{UPSTREAMS}{routes}")).expect("the folder can be written");
        let (old, new) = (Upstream::start("old").await, Upstream::start("new").await);
        let options = Options::new(folder.path(), Path::new(env!("CARGO_BIN_EXE_system-03")))
            .value("old", &old.url)
            .value("new", &new.url);
        let system = System::start(&adjust(options)).expect("the gateway starts");
        let url = system.front().to_owned();
        Self { system: Arc::new(system), url, old, new, folder }
    }

    /// Writes other routes into the table, as an editor does; not yet seen by the gateway.
    pub(crate) fn write(&self, routes: &str) {
        let new = self.folder.path().join("gateway.toml.new");
        fs::write(&new, format!("{UPSTREAMS}{routes}")).expect("the folder can be written");
        fs::rename(new, table(self.folder.path())).expect("the table can be replaced");
    }

    /// Writes other routes and waits until they are in use.
    pub(crate) async fn change(&self, routes: &str) {
        let before = self.status().await["taken"].as_u64();
        self.write(routes);
        let _ = self.becomes(|status| status["taken"].as_u64() > before).await;
    }

    /// What `/gateway/routes` says.
    pub(crate) async fn status(&self) -> Value {
        let answer = self.own("/gateway/routes", "").await;
        acceptance::serde_json::from_str(answer.text()).expect("JSON")
    }

    /// Waits until `/gateway/routes` says so.
    pub(crate) async fn becomes(&self, wanted: impl Fn(&Value) -> bool) -> Value {
        let until = Instant::now() + Duration::from_secs(10);
        loop {
            let status = self.status().await;
            if wanted(&status) {
                return status;
            }
            assert!(Instant::now() < until, "it stays {status}");
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// `GET` of a path of the gateway's own, by the name of this machine.
    pub(crate) async fn own(&self, path: &str, more: &str) -> Answer {
        ask(&self.url, format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{more}\r\n")).await
    }
}

fn table(folder: &Path) -> PathBuf {
    folder.join("gateway.toml")
}
