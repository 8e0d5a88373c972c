//! The system on a cluster, one scenario after the other.

use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::{Duration, Instant},
};

use acceptance::{
    CATALOGUE, Platform, Stage,
    anyhow::{Context, Result, bail},
    harness::{Definition, http},
    tempfile::TempDir,
};

use manifests::shipped;

use crate::{
    kubectl::{Kubectl, run},
    ways::Way,
};

/// Where all of it is; `k8s/overlays/suite` says so too.
const NAMESPACE: &str = "automator-suite";
/// Who may do everything in the database server.
const ADMINISTRATOR: &str = "automator";
/// How a container is killed without a word: a command to which its id is added, on a node say
/// `ctr --namespace k8s.io task kill --signal SIGKILL`. Without it a pod is deleted by force, which is a SIGTERM and a SIGKILL soon after.
const KILL: &str = "WORKSHOP_CLUSTER_KILL";
/// How long all pods may take to be there the first time.
const FIRST: &str = "--timeout=300s";
/// How long one may take to come or go.
const READY_WITHIN: Duration = Duration::from_secs(120);
/// How often we look.
const LOOK: Duration = Duration::from_millis(100);

/// The system. Dropped, its namespace is gone.
pub(crate) struct Cluster {
    kubectl: Kubectl,
    ways: BTreeMap<&'static str, Way>,
    catalogue: PathBuf,
    _folder: TempDir,
}

impl Cluster {
    /// Applies the overlay in the cluster of that `context`, and waits until everybody is ready.
    pub(crate) fn set_up(context: &str) -> Result<Self> {
        let step = Path::new(env!("CARGO_MANIFEST_DIR"));
        let folder = TempDir::with_prefix("cluster-")?;
        let mut cluster = Self {
            kubectl: Kubectl::new(context, NAMESPACE),
            ways: BTreeMap::new(),
            catalogue: folder.path().join("catalogue.toml"),
            _folder: folder,
        };
        fs::write(&cluster.catalogue, CATALOGUE)?;
        // What an earlier run left is not a start.
        cluster.kubectl.run(&["delete", "namespace", NAMESPACE, "--ignore-not-found"])?;
        let overlay = step.join("k8s/overlays/suite");
        cluster.kubectl.run(&["apply", "--kustomize", &overlay.display().to_string()])?;
        cluster.tell_the_catalogue()?;
        cluster.kubectl.run(&[
            "wait",
            "--for=condition=Complete",
            "job",
            "--selector=app.kubernetes.io/component=migration",
            FIRST,
        ])?;
        cluster.kubectl.run(&["wait", "--for=condition=Available", "deployment", "--all", FIRST])?;
        for service in shipped::serving() {
            let way = Way::to(service, &cluster.kubectl)?;
            cluster.ways.insert(service, way);
        }
        Ok(cluster)
    }

    /// Runs SQL beside the server, each statement for itself.
    fn sql(&self, statements: &[String]) -> Result<String> {
        let mut psql =
            self.kubectl.command(&["exec", "postgres-0", "--", "psql", "-qtA", "-v", "ON_ERROR_STOP=1"]);
        psql.args(["-U", ADMINISTRATOR, "-d", "postgres"]);
        for statement in statements {
            psql.args(["-c", statement]);
        }
        run(&mut psql)
    }

    /// The pods of a process, each with the id of its container.
    fn pods(&self, process: &str) -> Result<Vec<(String, String)>> {
        let shape = r#"jsonpath={range .items[*]}{.metadata.name} {.status.containerStatuses[0].containerID}{"\n"}{end}"#;
        let text = self.kubectl.run(&["get", "pods", &selector(process), "--output", shape])?;
        let pod = |line: &str| {
            let mut words = line.split_whitespace();
            let name = words.next()?.to_owned();
            let id = words.next().and_then(|id| id.split_once("://"));
            Some((name, id.map_or_else(String::new, |(_, id)| id.to_owned())))
        };
        Ok(text.lines().filter_map(pod).collect())
    }

    fn scale(&self, process: &str, replicas: &str) -> Result<()> {
        let deployment = format!("deployment/{process}");
        self.kubectl.run(&["scale", &deployment, "--replicas", replicas]).map(drop)
    }

    /// Waits until it answers that it is ready, here, and until the cluster knows that too.
    fn ready(&self, process: &str) -> Result<()> {
        let until = Instant::now() + READY_WITHIN;
        let path = shipped::system().process(process).and_then(|it| it.health.as_deref());
        let path = path.context("a process with a port has health")?;
        let base = self.url(process)?;
        let limit = Duration::from_secs(2);
        loop {
            let asked = http::Request { method: "GET", base, path, headers: &[], body: "", limit }.send();
            let reason = match asked {
                Ok(answer) if answer.status == 200 => break,
                Ok(answer) => answer.to_string(),
                Err(error) => error.to_string(),
            };
            if Instant::now() >= until {
                bail!("{process} was not ready within {READY_WITHIN:?}: {reason}\n{}", self.tail(process));
            }
            thread::sleep(LOOK);
        }
        let deployment = format!("deployment/{process}");
        self.kubectl.run(&["rollout", "status", &deployment, "--timeout=120s"]).map(drop)
    }

    /// The catalogue as the pods will find it at their next start.
    fn tell_the_catalogue(&self) -> Result<()> {
        let text = fs::read_to_string(&self.catalogue)?;
        let shape = r"jsonpath={.data.catalogue\.toml}";
        let told =
            self.kubectl.run(&["get", "configmap", "catalogue", "--output", shape, "--ignore-not-found"])?;
        if told.trim() == text.trim() {
            return Ok(());
        }
        self.kubectl.run(&["delete", "configmap", "catalogue", "--ignore-not-found"])?;
        let file = format!("--from-file=catalogue.toml={}", self.catalogue.display());
        self.kubectl.run(&["create", "configmap", "catalogue", &file]).map(drop)
    }

    fn tail(&self, process: &str) -> String {
        self.kubectl.run(&["logs", &selector(process), "--tail=15", "--prefix"]).unwrap_or_default()
    }
}

fn selector(process: &str) -> String {
    format!("--selector=app={process}")
}

impl Platform for Cluster {
    fn definition(&self) -> &Definition {
        shipped::system()
    }

    fn url(&self, process: &str) -> Result<&str> {
        let way = self.ways.get(process).with_context(|| format!("{process} is not reached from here"))?;
        Ok(&way.url)
    }

    fn kill(&self, process: &str) -> Result<()> {
        let pods = self.pods(process)?;
        if pods.is_empty() {
            bail!("{process} is not running");
        }
        // Nobody in its place, until it is started again.
        self.scale(process, "0")?;
        let kill = env::var(KILL).unwrap_or_default();
        for (pod, container) in &pods {
            let mut words = kill.split_whitespace();
            if let Some(program) = words.next().filter(|_| !container.is_empty()) {
                run(Command::new(program).args(words).arg(container))?;
            }
            self.kubectl.run(&["delete", "pod", pod, "--force", "--grace-period=0", "--ignore-not-found"])?;
        }
        Ok(())
    }

    fn terminate(&self, process: &str) -> Result<()> {
        self.scale(process, "0")?;
        self.kubectl.run(&["wait", "--for=delete", "pod", &selector(process), "--timeout=60s"]).map(drop)
    }

    fn start_again(&self, process: &str) -> Result<()> {
        self.tell_the_catalogue()?;
        self.scale(process, "1")?;
        self.ready(process)
    }

    fn tails(&self) -> String {
        shipped::serving().map(|service| format!("── {service}\n{}\n", self.tail(service))).collect()
    }
}

impl Stage for Cluster {
    fn catalogue(&self) -> &Path {
        &self.catalogue
    }

    fn keep(&self, name: &str) -> Result<()> {
        // A template must have no visitor.
        shipped::at_once(shipped::with_database(), |process| self.kill(process))?;
        self.sql(&shipped::keep(name))?;
        shipped::at_once(shipped::with_database(), |process| self.start_again(process))
    }

    fn renew(&self, name: &str) -> Result<()> {
        // The gateway remembers nothing.
        let processes = shipped::serving().filter(|process| *process != "gateway");
        shipped::at_once(processes, |process| match self.kill(process) {
            // A scenario may have left it stopped.
            Err(error) if format!("{error:#}").contains("is not running") => Ok(()),
            other => other,
        })?;
        self.sql(&shipped::renew(name))?;
        self.tell_the_catalogue()?;
        shipped::at_once(shipped::serving(), |process| self.start_again(process))
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if let Err(error) =
            self.kubectl.run(&["delete", "namespace", NAMESPACE, "--ignore-not-found", "--wait=false"])
        {
            eprintln!("could not take {NAMESPACE} away: {error:#}");
        }
    }
}
