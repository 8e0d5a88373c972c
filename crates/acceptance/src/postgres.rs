//! One PostgreSQL server in a container.

use std::{
    collections::BTreeMap,
    env,
    sync::{Mutex, PoisonError},
    thread,
    time::Duration,
};

use anyhow::{Context, Result, bail};
use futures::StreamExt;
use testcontainers::{
    ContainerAsync, GenericImage, ImageExt,
    bollard::query_parameters::StatsOptionsBuilder,
    core::{CmdWaitFor, ExecCommand, IntoContainerPort, Mount, client},
    runners::AsyncRunner,
};
use tokio::{runtime::Runtime, time::timeout};

/// The image, unless `WORKSHOP_POSTGRES_IMAGE` names another one.
const IMAGE: &str = "postgres:16-alpine";

/// How long an engine may take to say that it is there.
const ENGINE_ANSWERS_WITHIN: Duration = Duration::from_secs(5);
/// How long a start may take, the download of the image included.
const STARTS_WITHIN: Duration = Duration::from_secs(300);
/// How long the server may take from its start to its first answer.
const READY_WITHIN: Duration = Duration::from_secs(60);

const USER: &str = "workshop";
const PASSWORD: &str = "workshop";

/// How many databases are made by one command: most of the time goes into starting it.
const BATCH: usize = 8;

/// The database that PostgreSQL itself keeps empty, to be copied.
const EMPTY: &str = "template0";

/// The data lies in memory: eight databases are made in 0.4 s there and in 2.9 s on a disk.
const MEMORY: &str = "/data-in-memory";

/// Tests lose nothing when the machine goes down, so nothing is forced to the disk; their databases are too short-lived
/// to be tidied, and their queries to be compiled.
const SETTINGS: [&str; 8] = [
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "wal_level=minimal",
    "max_wal_senders=0",
    "max_connections=400",
    "autovacuum=off",
    "jit=off",
];

/// Waits for the server, then lets clients show their password as it is: SCRAM hashes it thousands of times for every
/// connection, which an unoptimised client feels. The password protects nothing but these tests.
const WHEN_STARTED: &str = r#"
until pg_isready -q -h 127.0.0.1; do sleep 0.05; done
printf 'local all all trust\nhost all all all password\n' >"$PGDATA/pg_hba.conf"
psql -q -h 127.0.0.1 -U "$POSTGRES_USER" -d postgres -c 'SELECT pg_reload_conf()'
"#;

/// A running server.
pub(crate) struct Postgres {
    /// The container's own: it outlives the runtimes of the tests.
    runtime: Runtime,
    container: Mutex<Option<ContainerAsync<GenericImage>>>,
    address: String,
    databases: Mutex<Databases>,
}

#[derive(Default)]
struct Databases {
    made: usize,
    /// By the database that they are a copy of.
    free: BTreeMap<String, Vec<String>>,
    /// No test uses them any more; they go with the next batch, to make room in the memory.
    used: Vec<String>,
}

impl Postgres {
    /// Starts a container and waits until the server answers.
    pub(crate) fn start() -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let (container, address) = runtime.block_on(async {
            an_engine_answers().await?;
            start_container().await
        })?;
        Ok(Self { runtime, container: Mutex::new(Some(container)), address, databases: Mutex::default() })
    }

    /// A fresh, empty database: its name, and its URL.
    pub(crate) fn database(&self) -> Result<(String, String)> {
        self.copy(EMPTY)
    }

    /// A copy of the database `original`, which nobody uses and nobody will change: its name, and its URL.
    pub(crate) fn copy(&self, original: &str) -> Result<(String, String)> {
        let mut databases = self.databases.lock().unwrap_or_else(PoisonError::into_inner);
        let free = databases.free.get_mut(original).and_then(Vec::pop);
        let name = match free {
            Some(name) => name,
            None => {
                let mut names: Vec<_> = (0..BATCH).map(|n| format!("test_{}", databases.made + n)).collect();
                self.replace(&databases.used, &names, original).context("cannot create databases")?;
                databases.made += BATCH;
                databases.used.clear();
                let name = names.pop().context("no database was made")?;
                databases.free.insert(original.to_owned(), names);
                name
            }
        };
        let url = format!("postgres://{USER}:{PASSWORD}@{}/{name}?sslmode=disable", self.address);
        Ok((name, url))
    }

    /// Takes databases back that nobody uses any more.
    pub(crate) fn give_back(&self, names: impl IntoIterator<Item = String>) {
        self.databases.lock().unwrap_or_else(PoisonError::into_inner).used.extend(names);
    }

    /// Gathers what the planner wants to know about the rows of these databases.
    pub(crate) fn analyze(&self, names: &[String]) -> Result<()> {
        for name in names {
            let command = ["psql", "-q", "-h", "127.0.0.1", "-U", USER, "-d", name, "-c", "VACUUM ANALYZE"];
            self.exec(command.map(str::to_owned).into()).with_context(|| format!("cannot analyze {name}"))?;
        }
        Ok(())
    }

    /// CPU time of all that runs in the container.
    pub(crate) fn cpu_time(&self) -> Result<Duration> {
        let container = self.container.lock().unwrap_or_else(PoisonError::into_inner);
        let container = container.as_ref().context("the server is stopped")?;
        let once = StatsOptionsBuilder::new().stream(false).one_shot(true).build();
        let ask = async {
            let engine = client::docker_client_instance().await?;
            let mut stats = std::pin::pin!(engine.stats(container.id(), Some(once)));
            let stats = stats.next().await.context("the engine has no statistics")??;
            let usage = stats.cpu_stats.and_then(|cpu| cpu.cpu_usage?.total_usage);
            usage.context("the engine does not tell")
        };
        let nanoseconds = self.runtime.block_on(async { timeout(ENGINE_ANSWERS_WITHIN, ask).await })??;
        Ok(Duration::from_nanos(nanoseconds))
    }

    fn replace(&self, used: &[String], names: &[String], original: &str) -> Result<()> {
        let mut command: Vec<String> =
            ["psql", "-q", "-h", "127.0.0.1", "-U", USER, "-d", "postgres", "-v", "ON_ERROR_STOP=1"]
                .map(str::to_owned)
                .into();
        for name in used {
            command.extend(["-c".to_owned(), format!("DROP DATABASE {name} WITH (FORCE)")]);
        }
        for name in names {
            command.extend(["-c".to_owned(), format!("CREATE DATABASE {name} TEMPLATE {original}")]);
        }
        self.exec(command)
    }

    fn exec(&self, command: Vec<String>) -> Result<()> {
        let container = self.container.lock().unwrap_or_else(PoisonError::into_inner);
        let container = container.as_ref().context("the server is stopped")?;
        // On a thread of its own, since a test may ask from within its runtime, which refuses to wait for another one.
        thread::scope(|scope| {
            let run = scope.spawn(|| self.runtime.block_on(exec(container, command)));
            run.join().unwrap_or_else(|_| bail!("the command panicked"))
        })
    }

    /// Removes the container.
    pub(crate) fn stop(&self) {
        let container = self.container.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(container) = container
            && let Err(error) = self.runtime.block_on(container.rm())
        {
            eprintln!("could not remove the PostgreSQL container: {error}");
        }
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.stop();
    }
}

async fn an_engine_answers() -> Result<()> {
    let ping = async {
        let engine = client::docker_client_instance().await?;
        engine.ping().await?;
        anyhow::Ok(())
    };
    match timeout(ENGINE_ANSWERS_WITHIN, ping).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(error).context("no Docker engine answers"),
        Err(_) => bail!("no Docker engine answers within {ENGINE_ANSWERS_WITHIN:?}"),
    }
}

/// The image that `WORKSHOP_POSTGRES_IMAGE` names, where tests shall have PostgreSQL from there.
#[must_use]
pub fn other_postgres_image() -> Option<String> {
    env::var("WORKSHOP_POSTGRES_IMAGE").ok().filter(|image| !image.is_empty())
}

async fn start_container() -> Result<(ContainerAsync<GenericImage>, String)> {
    let image = other_postgres_image();
    let image = image.as_deref().unwrap_or(IMAGE);
    let (name, tag) = name_and_tag(image);
    let request = GenericImage::new(name, tag)
        .with_exposed_port(5432.tcp())
        .with_mount(Mount::tmpfs_mount(MEMORY))
        .with_env_var("PGDATA", format!("{MEMORY}/postgres"))
        .with_env_var("POSTGRES_USER", USER)
        .with_env_var("POSTGRES_PASSWORD", PASSWORD)
        .with_cmd(SETTINGS.iter().flat_map(|setting| ["-c", setting]))
        .with_startup_timeout(READY_WITHIN);
    let container = timeout(STARTS_WITHIN, request.start())
        .await
        .with_context(|| format!("{image} did not start within {STARTS_WITHIN:?}"))?
        .with_context(|| format!("cannot start {image} (WORKSHOP_POSTGRES_IMAGE names another image)"))?;

    // Not by the log, which differs between images, nor by a health check, which the official image has none of. Over
    // TCP, where the official image's first server, which only prepares the data, does not listen.
    timeout(READY_WITHIN, exec(&container, ["sh", "-c", WHEN_STARTED].map(str::to_owned).into()))
        .await
        .with_context(|| format!("the server of {image} was not ready within {READY_WITHIN:?}"))??;

    // `localhost` may mean ::1, where the engine need not listen.
    let host = container.get_host().await?.to_string().replace("localhost", "127.0.0.1");
    let port = container.get_host_port_ipv4(5432).await?;
    Ok((container, format!("{host}:{port}")))
}

/// Runs a command in the container to its end.
async fn exec(container: &ContainerAsync<GenericImage>, command: Vec<String>) -> Result<()> {
    let command = ExecCommand::new(command)
        .with_env_vars([("PGPASSWORD", PASSWORD)])
        .with_cmd_ready_condition(CmdWaitFor::exit());
    let mut done = container.exec(command).await?;
    let code = done.exit_code().await?;
    if code != Some(0) {
        let errors = done.stderr_to_vec().await.unwrap_or_default();
        bail!("exit code {code:?}: {}", String::from_utf8_lossy(&errors).trim());
    }
    Ok(())
}

/// `registry:5000/postgres:16` is `registry:5000/postgres` and `16`; without a tag it is `latest`.
fn name_and_tag(image: &str) -> (&str, &str) {
    match image.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => (name, tag),
        _ => (image, "latest"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_image_is_the_one_that_doctor_looks_for() {
        let list = include_str!("../../../workshop.toml");
        assert!(list.contains(&format!("name = \"{IMAGE}\"\nvariable = \"WORKSHOP_POSTGRES_IMAGE\"")));
    }

    #[test]
    fn an_image_is_a_name_and_a_tag() {
        assert_eq!(name_and_tag("postgres:16-alpine"), ("postgres", "16-alpine"));
        assert_eq!(name_and_tag("postgres"), ("postgres", "latest"));
        assert_eq!(name_and_tag("localhost:5000/a/postgres"), ("localhost:5000/a/postgres", "latest"));
        assert_eq!(name_and_tag("localhost:5000/a/postgres:16"), ("localhost:5000/a/postgres", "16"));
    }
}
