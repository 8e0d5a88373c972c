//! A Docker engine, asked through its API. All of it blocks, also from within a test's own runtime.

use std::{
    collections::HashMap,
    path::Path,
    process::{Command, Output},
    sync::OnceLock,
    thread,
    time::Duration,
};

use acceptance::{
    Missing,
    anyhow::{self, Context, Result, bail},
    futures::StreamExt,
    is_required,
    testcontainers::{
        bollard::{
            Docker,
            models::{
                ContainerCreateBody, ContainerInspectResponse, HealthStatusEnum, ImageInspect,
                NetworkCreateRequest,
            },
            query_parameters::{
                CreateContainerOptions, InspectContainerOptions, KillContainerOptions,
                ListContainersOptionsBuilder, LogsOptionsBuilder, RemoveContainerOptionsBuilder,
                StartContainerOptions, StatsOptionsBuilder, StopContainerOptionsBuilder,
                WaitContainerOptions,
            },
        },
        core::client::docker_client_instance,
    },
    tokio::{runtime::Runtime, time::timeout},
};

use crate::shipped;

/// How long one answer of the engine may take.
const ANSWERS_WITHIN: Duration = Duration::from_secs(60);
/// How long the engine may take to say that it is there.
const IS_THERE_WITHIN: Duration = Duration::from_secs(5);

/// What `WORKSHOP_REQUIRE` calls the images of our services.
const NEED: &str = "images";

/// A connection to the engine.
pub struct Engine {
    docker: Docker,
    runtime: Runtime,
}

impl Engine {
    /// The engine that has our images.
    ///
    /// # Errors
    /// It does not answer, or the images were not built: building them takes minutes, so no test does it unasked.
    pub fn with_images() -> Result<Self, Missing> {
        let engine = Self::connect().and_then(|engine| {
            for service in shipped::serving() {
                engine.image(&image(service)).with_context(|| {
                    format!("there is no image {}; docker compose build makes it", image(service))
                })?;
            }
            Ok(engine)
        });
        engine.map_err(|error| Missing { reason: format!("{error:#}"), required: is_required(NEED) })
    }

    /// The engine.
    ///
    /// # Errors
    /// It does not answer.
    pub fn connect() -> Result<Self> {
        let runtime = Runtime::new()?;
        let docker = runtime.block_on(async {
            let docker = timeout(IS_THERE_WITHIN, docker_client_instance())
                .await
                .context("no Docker engine answers")??;
            timeout(IS_THERE_WITHIN, docker.ping()).await.context("no Docker engine answers")??;
            anyhow::Ok(docker)
        })?;
        Ok(Self { docker, runtime })
    }

    /// What an image is.
    ///
    /// # Errors
    /// It is not there.
    pub fn image(&self, name: &str) -> Result<ImageInspect> {
        Ok(self.wait(self.docker.inspect_image(name))??)
    }

    /// Makes and starts a container, which is removed when the value is dropped. An image that is not there is pulled, as
    /// `docker run` does.
    ///
    /// # Errors
    /// The engine refuses, or has no such image and cannot pull it.
    pub fn run(&self, config: ContainerCreateBody) -> Result<Running<'_>> {
        if let Some(name) = config.image.as_deref().filter(|name| self.image(name).is_err()) {
            run(client().args(["pull", "--quiet", name]))
                .with_context(|| format!("there is no image {name}"))?;
        }
        let id = self.wait(self.docker.create_container(None::<CreateContainerOptions>, config))??.id;
        let running = Running { engine: self, id };
        running.engine.start(&running.id)?;
        Ok(running)
    }

    /// Makes a network, which is removed when the value is dropped. Containers of it find each other by their aliases.
    ///
    /// # Errors
    /// The engine refuses.
    pub fn network(&self, name: &str) -> Result<Network<'_>> {
        let config = NetworkCreateRequest { name: name.to_owned(), ..NetworkCreateRequest::default() };
        self.wait(self.docker.create_network(config))??;
        Ok(Network { engine: self, name: name.to_owned() })
    }

    /// Starts a container. One that runs already stays as it is.
    ///
    /// # Errors
    /// The engine cannot.
    pub fn start(&self, id: &str) -> Result<()> {
        Ok(self.wait(self.docker.start_container(id, None::<StartContainerOptions>))??)
    }

    /// Kills a container (SIGKILL). The engine takes it for our wish, and does not start it again.
    ///
    /// # Errors
    /// It does not run.
    pub fn kill(&self, id: &str) -> Result<()> {
        Ok(self.wait(self.docker.kill_container(id, None::<KillContainerOptions>))??)
    }

    /// Asks a container to stop, kills it after `seconds`, and says with which code it ended.
    ///
    /// # Errors
    /// The engine cannot.
    pub fn stop(&self, id: &str, seconds: i32) -> Result<i64> {
        let options = StopContainerOptionsBuilder::new().t(seconds).build();
        self.wait(self.docker.stop_container(id, Some(options)))??;
        let state = self.inspect(id)?.state.and_then(|state| state.exit_code);
        state.context("a container that has ended has a code")
    }

    /// Waits for the end of a container; its code.
    ///
    /// # Errors
    /// It does not end within a minute.
    pub fn ended(&self, id: &str) -> Result<i64> {
        let end = async {
            let mut waiting = std::pin::pin!(self.docker.wait_container(id, None::<WaitContainerOptions>));
            waiting.next().await
        };
        // A code that is not 0 comes as an error: the container has ended all the same.
        let _ = self.wait(end)?;
        self.inspect(id)?.state.and_then(|state| state.exit_code).context("it has ended")
    }

    /// How a container is.
    ///
    /// # Errors
    /// There is none.
    pub fn inspect(&self, id: &str) -> Result<ContainerInspectResponse> {
        Ok(self.wait(self.docker.inspect_container(id, None::<InspectContainerOptions>))??)
    }

    /// What the health check of a container last said.
    ///
    /// # Errors
    /// There is no such container.
    pub fn health(&self, id: &str) -> Result<HealthStatusEnum> {
        let health = self.inspect(id)?.state.and_then(|state| state.health?.status);
        Ok(health.unwrap_or(HealthStatusEnum::NONE))
    }

    /// How much memory a container has used at most, in bytes; where the engine does not tell that, what it uses now.
    ///
    /// # Errors
    /// The engine does not tell.
    pub fn memory(&self, id: &str) -> Result<u64> {
        let once = StatsOptionsBuilder::new().stream(false).one_shot(true).build();
        let read = async { std::pin::pin!(self.docker.stats(id, Some(once))).next().await };
        let stats = self.wait(read)?.context("the engine has no statistics")??.memory_stats;
        stats.and_then(|memory| memory.max_usage.or(memory.usage)).context("the engine does not tell")
    }

    /// What a container has said, both of its streams.
    ///
    /// # Errors
    /// There is no such container.
    pub fn log(&self, id: &str, lines: &str) -> Result<String> {
        let options = LogsOptionsBuilder::new().stdout(true).stderr(true).tail(lines).build();
        let read = async {
            let mut all = String::new();
            let mut log = std::pin::pin!(self.docker.logs(id, Some(options)));
            while let Some(part) = log.next().await {
                all.push_str(&part?.to_string());
            }
            anyhow::Ok(all)
        };
        self.wait(read)?
    }

    /// The containers of a project of compose, also those that have ended: service and id.
    ///
    /// # Errors
    /// The engine does not tell.
    pub fn project(&self, project: &str) -> Result<HashMap<String, String>> {
        let label = format!("com.docker.compose.project={project}");
        let filters = HashMap::from([("label", vec![label.as_str()])]);
        let options = ListContainersOptionsBuilder::new().all(true).filters(&filters).build();
        let found = self.wait(self.docker.list_containers(Some(options)))??;
        let service = |labels: &HashMap<String, String>| labels.get("com.docker.compose.service").cloned();
        Ok(found.into_iter().filter_map(|one| Some((service(one.labels.as_ref()?)?, one.id?))).collect())
    }

    /// Waits on a thread of its own: a test may ask from within its runtime, which refuses to wait for another one.
    fn wait<T: Send>(&self, answer: impl Future<Output = T> + Send) -> Result<T> {
        let wait = || self.runtime.block_on(async { timeout(ANSWERS_WITHIN, answer).await });
        let answer = thread::scope(|scope| scope.spawn(wait).join());
        match answer {
            Ok(answer) => {
                answer.with_context(|| format!("the engine did not answer within {ANSWERS_WITHIN:?}"))
            }
            Err(_) => bail!("asking the engine panicked"),
        }
    }
}

/// A container that is removed when this is dropped.
pub struct Running<'e> {
    engine: &'e Engine,
    /// By which the engine knows it.
    pub id: String,
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        let options = RemoveContainerOptionsBuilder::new().force(true).v(true).build();
        let removed = self.engine.wait(self.engine.docker.remove_container(&self.id, Some(options)));
        if let Ok(Err(error)) | Err(error) = removed.map(|removed| removed.map_err(Into::into)) {
            eprintln!("could not remove the container {}: {error}", self.id);
        }
    }
}

/// A network that is removed when this is dropped; drop what is in it before.
pub struct Network<'e> {
    engine: &'e Engine,
    /// Its name.
    pub name: String,
}

impl Drop for Network<'_> {
    fn drop(&mut self) {
        let removed = self.engine.wait(self.engine.docker.remove_network(&self.name));
        if let Ok(Err(error)) | Err(error) = removed.map(|removed| removed.map_err(Into::into)) {
            eprintln!("could not remove the network {}: {error}", self.name);
        }
    }
}

/// The name of a service's image.
#[must_use]
pub fn image(service: &str) -> String {
    let tag = std::env::var("AUTOMATOR_TAG").ok().filter(|tag| !tag.is_empty());
    format!("automator/{service}:{}", tag.as_deref().unwrap_or("latest"))
}

/// The command of compose: the engine's own, or the one that was a program of its own.
///
/// # Errors
/// There is neither.
pub fn compose() -> Result<Command> {
    static FOUND: OnceLock<Option<&[&str]>> = OnceLock::new();
    let found = FOUND.get_or_init(|| {
        let works = |words: &&&[&str]| {
            command(words).arg("version").output().is_ok_and(|output| output.status.success())
        };
        [&["docker", "compose"][..], &["docker-compose"][..]].iter().find(works).copied()
    });
    found.map(command).context("there is neither `docker compose` nor `docker-compose`")
}

fn command(words: &[&str]) -> Command {
    let mut command = Command::new(words[0]);
    command.args(&words[1..]);
    command
}

/// The engine's client with BuildKit. Debian's has it built in; another one that comes first on PATH may lack it.
#[must_use]
pub fn client() -> Command {
    let debian = Path::new("/usr/bin/docker");
    let mut command = Command::new(if debian.exists() { debian } else { Path::new("docker") });
    command.env("DOCKER_BUILDKIT", "1");
    command
}

/// Runs a command to its end; what it printed.
///
/// # Errors
/// It cannot be started, or fails: with the end of what it complained.
pub fn run(command: &mut Command) -> Result<String> {
    let Output { status, stdout, stderr } =
        command.output().with_context(|| format!("cannot start {command:?}"))?;
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    if !status.success() {
        let complaint = text(stderr) + &text(stdout);
        let lines: Vec<_> = complaint.lines().collect();
        bail!("{status}: {}", lines[lines.len().saturating_sub(15)..].join("\n"));
    }
    Ok(text(stdout))
}
