//! One PostgreSQL server in a container, for every program of tests that runs within two minutes of another.
//!
//! The first one starts it, the others find it by its name, each has databases of its own in it. Nobody ends it: it ends by itself
//! when nobody has been connected for a while ([`SERVE`]). So a program that is killed leaves nothing behind for long, and a
//! program that runs alone needs no other. `docs/decisions/0045` has what that saves.

mod client;

use std::{
    env,
    net::SocketAddr,
    sync::{Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use futures::StreamExt;
use sha2::{Digest, Sha256};
use testcontainers::{
    ContainerAsync, GenericImage, ImageExt, ReuseDirective,
    bollard::query_parameters::StatsOptionsBuilder,
    core::{Healthcheck, IntoContainerPort, Mount, client::docker_client_instance},
    runners::AsyncRunner,
};
use tokio::{runtime::Runtime, time::timeout};
use uuid::Uuid;

use self::client::Session;

/// The image, unless `WORKSHOP_POSTGRES_IMAGE` names another one.
const IMAGE: &str = "postgres:16-alpine";

/// How long an engine may take to say that it is there.
const ENGINE_ANSWERS_WITHIN: Duration = Duration::from_secs(5);
/// How long a start may take, the download of the image included.
const STARTS_WITHIN: Duration = Duration::from_secs(300);
/// How long the server may take from its start to its first answer.
const READY_WITHIN: Duration = Duration::from_secs(60);
/// How often a start looks whether it answers.
const LOOK: Duration = Duration::from_millis(20);

/// How often a server is looked for and, where there is none, started: another program may do the same at this moment, or one that
/// was found be about to end.
const TRIES: u32 = 6;
/// How long to wait in between.
const PAUSE: Duration = Duration::from_millis(500);

const USER: &str = "workshop";
/// What it asks for whoever does not come from this machine: it protects nothing but these tests.
const PASSWORD: &str = "workshop";

/// The database that PostgreSQL itself keeps empty, to be copied.
const EMPTY: &str = "template0";

/// The data lies in memory: eight databases are made in 0.3 s there and in 2.9 s on a disk.
const MEMORY: &str = "/data-in-memory";

/// Tests lose nothing when the machine goes down, so nothing is forced to the disk; their databases are too short-lived
/// to be tidied, and their queries to be compiled. Of a small memory each new connection has less to map, and each database
/// that is dropped less to look through; each that is made or dropped takes a checkpoint, of which nobody reads.
const SETTINGS: [&str; 10] = [
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "wal_level=minimal",
    "max_wal_senders=0",
    "max_connections=400",
    "shared_buffers=16MB",
    "log_checkpoints=off",
    "autovacuum=off",
    "jit=off",
];

/// What the container runs: the server, until it is told to stop or nobody has been connected for two minutes. It asks for no
/// password, since to check one takes as long as all the rest of a connection; only whoever comes from further away than the
/// container's own network, whose gateway is the engine's machine, shows one. The entrypoint is the official image's, or that of
/// `.ci/postgres`.
const SERVE: &str = r#"
trap exit INT QUIT TERM
printf '%s\n' 'local all all trust' 'host all all samenet trust' 'host all all all password' >/tmp/pg_hba.conf
entrypoint=$(command -v docker-entrypoint.sh || command -v entrypoint) || exit
"$entrypoint" postgres -c hba_file=/tmp/pg_hba.conf "$@" &
server=$!
quiet=0
while kill -0 $server && [ $quiet -lt 24 ]; do
    sleep 5 &
    wait $! # a signal is heard at once here
    others=$(psql -qtA -U "$POSTGRES_USER" -d postgres -c "
        SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()")
    quiet=$((quiet + 1))
    [ "${others:-0}" = 0 ] || quiet=0
done
"#;

/// A session at the running server, and the databases that were made through it.
pub(crate) struct Postgres {
    /// The container's own: it outlives the runtimes of the tests.
    runtime: Runtime,
    container: ContainerAsync<GenericImage>,
    address: SocketAddr,
    /// What the names of our databases begin with.
    ours: String,
    made: Mutex<Made>,
}

struct Made {
    /// As long as it is open, the server is in use. `None` when we have left.
    session: Option<Session>,
    /// How many there were so far.
    count: usize,
    /// Those that are still there.
    names: Vec<String>,
}

impl Postgres {
    /// Finds the server, or starts it, and waits until it answers.
    pub(crate) fn start() -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        runtime.block_on(an_engine_answers())?;
        let mut left = TRIES;
        let (container, address, session) = loop {
            left -= 1;
            match runtime.block_on(join()) {
                Ok(joined) => break joined,
                Err(error) if left == 0 => return Err(error),
                Err(_) => thread::sleep(PAUSE),
            }
        };
        let ours = format!("test_{}", Uuid::now_v7().simple());
        let made = Mutex::new(Made { session: Some(session), count: 0, names: Vec::new() });
        Ok(Self { runtime, container, address, ours, made })
    }

    /// A fresh, empty database: its name, and its URL.
    pub(crate) fn database(&self) -> Result<(String, String)> {
        self.copy(EMPTY)
    }

    /// A copy of the database `original`, which nobody uses and nobody will change: its name, and its URL.
    pub(crate) fn copy(&self, original: &str) -> Result<(String, String)> {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        let name = format!("{}_{}", self.ours, made.count);
        made.count += 1;
        // As files: the other way, through the log, takes twice the time for databases as small as these.
        made.run(&format!("CREATE DATABASE {name} TEMPLATE {original} STRATEGY file_copy"))?;
        made.names.push(name.clone());
        let url = format!("postgres://{USER}:{PASSWORD}@{}/{name}?sslmode=disable", self.address);
        Ok((name, url))
    }

    /// Takes databases back that nobody uses any more.
    pub(crate) fn give_back(&self, names: impl IntoIterator<Item = String>) {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        for name in names {
            made.names.retain(|other| *other != name);
            made.remove(&name);
        }
    }

    /// Gathers what the planner wants to know about the rows of these databases.
    pub(crate) fn analyze(&self, names: &[String]) -> Result<()> {
        for name in names {
            Session::open(self.address, USER, PASSWORD, name)?.run("VACUUM ANALYZE")?;
        }
        Ok(())
    }

    /// CPU time of all that runs in the container.
    pub(crate) fn cpu_time(&self) -> Result<Duration> {
        let once = StatsOptionsBuilder::new().stream(false).one_shot(true).build();
        let ask = async {
            let engine = docker_client_instance().await?;
            let mut stats = std::pin::pin!(engine.stats(self.container.id(), Some(once)));
            let stats = stats.next().await.context("the engine has no statistics")??;
            let usage = stats.cpu_stats.and_then(|cpu| cpu.cpu_usage?.total_usage);
            usage.context("the engine does not tell")
        };
        let nanoseconds = self.runtime.block_on(async { timeout(ENGINE_ANSWERS_WITHIN, ask).await })??;
        Ok(Duration::from_nanos(nanoseconds))
    }

    /// Takes all our databases away, and leaves.
    pub(crate) fn stop(&self) {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        for name in std::mem::take(&mut made.names) {
            made.remove(&name);
        }
        made.session = None;
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Made {
    fn run(&mut self, statement: &str) -> Result<()> {
        self.session.as_mut().context("the tests are over")?.run(statement)
    }

    /// Drops a database, whoever is still connected. What is left goes with the server.
    fn remove(&mut self, name: &str) {
        if self.session.is_some()
            && let Err(error) = self.run(&format!("DROP DATABASE {name} WITH (FORCE)"))
        {
            eprintln!("{error:#}");
        }
    }
}

async fn an_engine_answers() -> Result<()> {
    let ping = async {
        let engine = docker_client_instance().await?;
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

/// The container of that name, running, where it listens, and a session there.
async fn join() -> Result<(ContainerAsync<GenericImage>, SocketAddr, Session)> {
    let image = other_postgres_image();
    let image = image.as_deref().unwrap_or(IMAGE);
    let (name, tag) = name_and_tag(image);
    let command = ["sh", "-c", SERVE, "sh"].into_iter();
    let command: Vec<_> = command.chain(SETTINGS.iter().flat_map(|setting| ["-c", setting])).collect();
    let request = GenericImage::new(name, tag)
        .with_exposed_port(5432.tcp())
        .with_health_check(Healthcheck::none())
        .with_container_name(name_of_container(image, &command))
        .with_reuse(ReuseDirective::Always)
        .with_host_config_modifier(|host| host.auto_remove = Some(true))
        .with_mount(Mount::tmpfs_mount(MEMORY))
        .with_env_var("PGDATA", format!("{MEMORY}/postgres"))
        .with_env_var("POSTGRES_USER", USER)
        .with_env_var("POSTGRES_PASSWORD", PASSWORD)
        .with_cmd(command)
        .with_startup_timeout(READY_WITHIN);
    let container = timeout(STARTS_WITHIN, request.start())
        .await
        .with_context(|| format!("{image} did not start within {STARTS_WITHIN:?}"))?
        .with_context(|| format!("cannot start {image} (WORKSHOP_POSTGRES_IMAGE names another image)"))?;
    // `localhost` may mean ::1, where the engine need not listen.
    let host = container.get_host().await?.to_string().replace("localhost", "127.0.0.1");
    let port = container.get_host_port_ipv4(5432).await?;
    let address = tokio::net::lookup_host((host.as_str(), port)).await?.next().context("no such host")?;

    // Not by the log, which differs between images. Over TCP, where the official image's first server, which only prepares the
    // data, does not listen.
    let until = Instant::now() + READY_WITHIN;
    let session = loop {
        match Session::open(address, USER, PASSWORD, "postgres") {
            Ok(session) => break session,
            Err(error) if Instant::now() > until => {
                return Err(error)
                    .with_context(|| format!("the server of {image} was not ready within {READY_WITHIN:?}"));
            }
            Err(error) if !container.is_running().await.unwrap_or(false) => {
                return Err(error).with_context(|| format!("the server of {image} has ended"));
            }
            Err(_) => tokio::time::sleep(LOOK).await,
        }
    };
    Ok((container, address, session))
}

/// The same for everybody who would start the same server.
fn name_of_container(image: &str, command: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in [image].iter().chain(command) {
        hash.update(part);
        hash.update([0]);
    }
    format!("workshop-tests-{}", hex::encode(&hash.finalize()[..6]))
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
