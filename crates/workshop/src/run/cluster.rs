//! `cargo workshop run` of a step for a cluster: what the lesson types with kubectl, one after the other.
//!
//! A context may be anybody's cluster. Only one whose name says that it is on this machine is used unasked.

use std::{
    io::Read,
    path::Path,
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use harness::{Stop, http::Request, live::LOOK};
use serde_json::Value;

use super::{TOKEN, fill, free_near, is_taken};
use crate::{
    cli::RunOptions,
    list::Step,
    output::{complain, say},
    workshop::Workshop,
};

/// Where all objects of the step are.
const NAMESPACE: &str = "automator";
/// What our images are called: those that no registry has.
const OURS: &str = "automator/";
/// The tag that the overlays name.
const TAG: &str = "workshop";
/// Where Automator listens unless told.
const PORT: u16 = 8080;
/// The oldest Kubernetes that takes the manifests: `preStop: { sleep }` is on by default since 1.30.
const OLDEST: (u32, u32) = (1, 30);
/// How long the pods may take, the image of the database pulled and its disk found.
const READY_WITHIN: &str = "600s";
/// The pauses between two tries to fill an empty Automator: pods that have just become ready may go on to fail a moment longer.
const FILL_AGAIN: [Duration; 5] = [
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
    Duration::from_secs(8),
    Duration::from_secs(16),
];
/// The Job that brings tables up to date, whichever version it has in its name.
const MIGRATION: &str = "app.kubernetes.io/component=migration";
/// How long the way to the gateway may take to be there.
const FORWARDED_WITHIN: Duration = Duration::from_secs(30);
/// How long we wait before we open it again: it ends with the pod that it leads to.
const AGAIN: Duration = Duration::from_secs(1);

/// How images get to the nodes of a cluster on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Nodes {
    /// `kind load`, by the cluster's name.
    Kind(String),
    /// `k3d image import`, by the cluster's name.
    K3d(String),
    /// `minikube image load`.
    Minikube,
    /// They are the engine's own.
    Shared,
}

impl Nodes {
    /// Those of the cluster that a context of that name leads to, if it is on this machine.
    fn of(context: &str) -> Option<Self> {
        if let Some(cluster) = context.strip_prefix("kind-") {
            return Some(Self::Kind(cluster.to_owned()));
        }
        if let Some(cluster) = context.strip_prefix("k3d-") {
            return Some(Self::K3d(cluster.to_owned()));
        }
        match context {
            "minikube" => Some(Self::Minikube),
            "docker-desktop" | "rancher-desktop" | "orbstack" => Some(Self::Shared),
            _ => None,
        }
    }

    /// The command that takes `images` there, if one is needed.
    fn load(&self, images: &[String]) -> Option<Command> {
        let (program, arguments): (_, &[&str]) = match self {
            Self::Kind(cluster) => ("kind", &["load", "docker-image", "--name", cluster]),
            Self::K3d(cluster) => ("k3d", &["image", "import", "--cluster", cluster]),
            Self::Minikube => ("minikube", &["image", "load"]),
            Self::Shared => return None,
        };
        let mut command = Command::new(program);
        command.args(arguments).args(images);
        Some(command)
    }
}

/// A cluster, and how to get there.
struct Cluster {
    context: String,
    /// `None`: not on this machine, and meant all the same.
    nodes: Option<Nodes>,
}

/// Brings the step up on the cluster and leads to it until `stop`; the cluster goes on. With `--down`, takes all of it away.
pub(super) fn session(workshop: &Workshop, step: &Step, options: &RunOptions, stop: &Stop) -> Result<()> {
    let cluster = Cluster::find(options.context.as_deref())?;
    let again = format!("cargo workshop run {}", options.step);
    if options.down {
        cluster.run(&["delete", "namespace", NAMESPACE, "--ignore-not-found"])?;
        say(&format!("nothing of step {} is left on {}", step.number, cluster.context));
        return Ok(());
    }
    cluster.is_new_enough()?;
    let port = options.port.unwrap_or(PORT);
    if is_taken(port) {
        bail!("port {port} is taken by another program; try: {again} --port {}", free_near(port, &[]));
    }
    let overlay = workshop.folder(step).join("k8s/overlays").join(if options.mine { "mine" } else { "kind" });
    let objects = cluster.output(&["kustomize", &overlay.display().to_string()])?;
    cluster.load(workshop, &ours(&objects))?;
    cluster.apply(&overlay)?;
    say("waiting until everybody is ready: minutes, the first time");
    cluster.namespaced(&[
        "wait",
        "--for=condition=Complete",
        "job",
        "--selector",
        MIGRATION,
        "--timeout",
        READY_WITHIN,
    ])?;
    cluster.namespaced(&[
        "wait",
        "--for=condition=Available",
        "deployment",
        "--all",
        "--timeout",
        READY_WITHIN,
    ])?;

    let front = format!("http://127.0.0.1:{port}");
    let way = Way::open(&cluster, port)?;
    way.leads_to(&front, stop)?;
    again_until_it_works(&FILL_AGAIN, stop, || fill::fill(&front, TOKEN, workshop.team(), stop))?;
    say(&format!("\nAutomator is at {front}"));
    say(&format!("Step {}: {}. Context: {}", step.number, step.title, cluster.context));
    say(&format!("Writes want    Authorization: Bearer {TOKEN}"));
    say(&format!("Try            kubectl --namespace {NAMESPACE} get pods"));
    say(&format!("Ctrl-C ends the way there. The cluster goes on until: {again} --down\n"));
    while !stop.requested() {
        thread::sleep(LOOK);
    }
    say("stopped");
    Ok(())
}

/// Tries, and tries again after each of these pauses; what the last try says.
fn again_until_it_works(pauses: &[Duration], stop: &Stop, mut act: impl FnMut() -> Result<()>) -> Result<()> {
    for pause in pauses {
        match act() {
            Err(error) if !stop.requested() => say(&format!("not yet: {error:#}; once more in {pause:?}")),
            other => return other,
        }
        thread::sleep(*pause);
    }
    act()
}

impl Cluster {
    fn find(named: Option<&str>) -> Result<Self> {
        if let Some(context) = named {
            return Ok(Self { context: context.to_owned(), nodes: Nodes::of(context) });
        }
        let mut asked = Command::new("kubectl");
        asked.args(["config", "current-context"]);
        let Some(context) = said(&mut asked)? else {
            bail!(
                "kubectl knows no cluster; this makes one on your engine: kind create cluster --name {NAMESPACE}"
            );
        };
        let nodes = Nodes::of(&context);
        if nodes.is_none() {
            bail!(
                "the context {context} may be somebody else's cluster; if you mean it: --context {context}"
            );
        }
        Ok(Self { context, nodes })
    }

    /// Takes our images to the nodes. Those of a cluster elsewhere come from a registry, or not at all.
    fn load(&self, workshop: &Workshop, images: &[String]) -> Result<()> {
        let Some(nodes) = &self.nodes else {
            complain(&format!(
                "{} is not on this machine: its nodes have to find the images by themselves",
                self.context
            ));
            return Ok(());
        };
        for image in images {
            if said(Command::new("docker").args(["image", "inspect", "--format", "{{.Id}}", image]))?
                .is_none()
            {
                bail!("there is no image {image}; set AUTOMATOR_TAG to {TAG}, then: docker compose build");
            }
        }
        let Some(mut load) = nodes.load(images) else { return Ok(()) };
        run(load.current_dir(&workshop.root))
    }

    /// A cluster that does not know a field refuses the object, in words that name no version.
    fn is_new_enough(&self) -> Result<()> {
        let told: Value = serde_json::from_str(&self.output(&["version", "--output", "json"])?)
            .context("kubectl does not say which version the cluster has")?;
        let version = version(&told["serverVersion"]).context("the cluster does not say its version")?;
        if version < OLDEST {
            let ((major, minor), (least_major, least_minor)) = (version, OLDEST);
            bail!("this is Kubernetes {major}.{minor}, and the manifests need {least_major}.{least_minor}");
        }
        Ok(())
    }

    fn apply(&self, overlay: &Path) -> Result<()> {
        let gateway =
            self.command(&["--namespace", NAMESPACE, "get", "deployment", "gateway", "--output=name"]);
        let was_there = said(&mut { gateway })?.is_some();
        if was_there {
            // Another image under the same tag is a Job of the same name, which nobody may change; and what it brought up to date
            // may have gone on since.
            self.namespaced(&["delete", "job", "--selector", MIGRATION, "--ignore-not-found"])?;
        }
        self.run(&["apply", "--kustomize", &overlay.display().to_string()])?;
        if was_there {
            // The tag has stayed, so nothing else tells the pods that there is a new image behind it.
            self.namespaced(&["rollout", "restart", "deployment"])?;
            self.namespaced(&["rollout", "status", "deployment", "--timeout", READY_WITHIN])?;
        }
        Ok(())
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("kubectl");
        command.args(["--context", &self.context]).args(arguments);
        command
    }

    fn namespaced(&self, arguments: &[&str]) -> Result<()> {
        run(self.command(&["--namespace", NAMESPACE]).args(arguments))
    }

    fn run(&self, arguments: &[&str]) -> Result<()> {
        run(&mut self.command(arguments))
    }

    fn output(&self, arguments: &[&str]) -> Result<String> {
        said(&mut self.command(arguments))?.with_context(|| format!("kubectl {} failed", arguments.join(" ")))
    }
}

/// A forwarded port, opened anew as often as it breaks: it ends with the pod that it leads to, at each rollout. Dropped, it is
/// closed.
struct Way {
    closed: Arc<AtomicBool>,
    /// What kubectl complained of last.
    complaint: Arc<Mutex<String>>,
    minding: Option<JoinHandle<()>>,
}

impl Way {
    fn open(cluster: &Cluster, port: u16) -> Result<Self> {
        let ports = format!("{port}:8080");
        let forward = cluster.command(&["--namespace", NAMESPACE, "port-forward", "service/gateway", &ports]);
        Self::minded(forward)
    }

    /// The port that `forward` opens for as long as it runs.
    fn minded(mut forward: Command) -> Result<Self> {
        forward.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = forward.spawn().context("cannot start kubectl")?;
        let mut way = Self { closed: Arc::default(), complaint: Arc::default(), minding: None };
        let (closed, complaint) = (Arc::clone(&way.closed), Arc::clone(&way.complaint));
        way.minding = Some(thread::spawn(move || {
            loop {
                // Ends with the child, or with ours.
                let said = heard(&mut child, &closed);
                if closed.load(Ordering::Relaxed) {
                    break;
                }
                *complaint.lock().unwrap_or_else(PoisonError::into_inner) = said;
                thread::sleep(AGAIN);
                if let Ok(next) = forward.spawn() {
                    child = next;
                }
            }
            let _ = child.kill();
            let _ = child.wait();
        }));
        Ok(way)
    }

    fn leads_to(&self, front: &str, stop: &Stop) -> Result<()> {
        let until = Instant::now() + FORWARDED_WITHIN;
        let limit = Duration::from_secs(2);
        let ask =
            Request { method: "GET", base: front, path: "/health/ready", headers: &[], body: "", limit };
        while !ask.send().is_ok_and(|answer| answer.status == 200) {
            if stop.requested() {
                bail!("stopped");
            }
            if Instant::now() >= until {
                let complaint = self.complaint.lock().unwrap_or_else(PoisonError::into_inner);
                bail!("no way leads to the gateway: {complaint}");
            }
            thread::sleep(LOOK);
        }
        Ok(())
    }
}

impl Drop for Way {
    fn drop(&mut self) {
        self.closed.store(true, Ordering::Relaxed);
        if let Some(minding) = self.minding.take() {
            let _ = minding.join();
        }
    }
}

/// Waits until a child has ended, or we are `closed`; what it complained of.
fn heard(child: &mut Child, closed: &AtomicBool) -> String {
    let complaints = child.stderr.take().map(|mut pipe| {
        thread::spawn(move || {
            let mut said = String::new();
            // What is no text is no complaint.
            let _ = pipe.read_to_string(&mut said);
            said
        })
    });
    while !closed.load(Ordering::Relaxed) && matches!(child.try_wait(), Ok(None)) {
        thread::sleep(LOOK);
    }
    let ended = matches!(child.try_wait(), Ok(Some(_)));
    let said = complaints.filter(|_| ended).and_then(|complaints| complaints.join().ok());
    said.unwrap_or_default().trim().to_owned()
}

/// `{"major": "1", "minor": "34+"}`
fn version(told: &Value) -> Option<(u32, u32)> {
    let number = |key: &str| {
        let text = told[key].as_str()?;
        text.trim_end_matches(|letter: char| !letter.is_ascii_digit()).parse().ok()
    };
    Some((number("major")?, number("minor")?))
}

/// The images of ours that objects name, each once.
fn ours(objects: &str) -> Vec<String> {
    let named =
        objects.lines().filter_map(|line| line.trim().trim_start_matches("- ").strip_prefix("image:"));
    let mut images: Vec<_> =
        named.map(|image| image.trim().to_owned()).filter(|image| image.starts_with(OURS)).collect();
    images.sort_unstable();
    images.dedup();
    images
}

/// Runs a command that the reader could have typed, its output theirs to see.
fn run(command: &mut Command) -> Result<()> {
    let typed = typed(command);
    say(&typed);
    let status = command.stdin(Stdio::null()).status().with_context(|| format!("cannot start: {typed}"))?;
    if !status.success() {
        bail!("failed, and says above why: {typed}");
    }
    Ok(())
}

/// What a command prints, or nothing when it fails.
fn said(command: &mut Command) -> Result<Option<String>> {
    let typed = typed(command);
    let done = command.stdin(Stdio::null()).output().with_context(|| format!("cannot start: {typed}"))?;
    Ok(done.status.success().then(|| String::from_utf8_lossy(&done.stdout).trim().to_owned()))
}

fn typed(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cluster_on_this_machine_is_known_by_its_name() {
        let load = |context: &str| Nodes::of(context)?.load(&["a".to_owned()]).map(|load| typed(&load));
        assert_eq!(load("kind-automator").as_deref(), Some("kind load docker-image --name automator a"));
        assert_eq!(load("k3d-one").as_deref(), Some("k3d image import --cluster one a"));
        assert_eq!(load("minikube").as_deref(), Some("minikube image load a"));
        assert_eq!((Nodes::of("docker-desktop"), load("docker-desktop")), (Some(Nodes::Shared), None));
        for elsewhere in
            ["production", "arn:aws:eks:eu-central-1:1:cluster/automator", "my-kind-1", "minikube-2", ""]
        {
            assert_eq!(Nodes::of(elsewhere), None, "{elsewhere}");
        }
    }

    #[test]
    fn a_cluster_says_its_version_in_words() {
        let told = |text: &str| version(&serde_json::from_str(text).unwrap());
        assert_eq!(told(r#"{"major": "1", "minor": "34+"}"#), Some((1, 34)));
        assert!(told(r#"{"major": "1", "minor": "29"}"#).is_some_and(|version| version < OLDEST));
        assert_eq!(told("null"), None);
    }

    #[test]
    fn what_fails_at_first_is_tried_again() {
        let pauses = [Duration::from_millis(1); 3];
        let mut tries = 0;
        let works_at = |wanted: i32, tries: &mut i32| {
            again_until_it_works(&pauses, &Stop::default(), || {
                *tries += 1;
                if *tries < wanted { bail!("503") } else { Ok(()) }
            })
        };
        assert!(works_at(3, &mut tries).is_ok() && tries == 3);
        tries = 0;
        assert!(works_at(9, &mut tries).is_err() && tries == 4, "there is an end to it");
    }

    #[cfg(unix)]
    #[test]
    fn a_way_that_breaks_is_opened_again_and_ends_with_us() {
        let folder = std::env::temp_dir().join(format!("way-{}", std::process::id()));
        let mut forward = Command::new("sh");
        forward.arg("-c").arg(format!("echo x >>{}; echo lost >&2; sleep 0.1", folder.display()));
        let way = Way::minded(forward).unwrap();
        let opened = || std::fs::read_to_string(&folder).unwrap_or_default().lines().count();
        let until = Instant::now() + FORWARDED_WITHIN;
        while opened() < 3 {
            assert!(Instant::now() < until, "it was opened {} times", opened());
            thread::sleep(LOOK);
        }
        assert_eq!(*way.complaint.lock().unwrap(), "lost");
        drop(way);
        let after = opened();
        thread::sleep(AGAIN * 2);
        assert_eq!(opened(), after);
        std::fs::remove_file(folder).unwrap();
    }

    #[test]
    fn our_images_are_those_that_no_registry_has() {
        let objects = "  - image: automator/notify:workshop\n    image: postgres:16-alpine\n    image: automator/gateway:workshop\n\
                       image: automator/notify:workshop\n";
        assert_eq!(ours(objects), ["automator/gateway:workshop", "automator/notify:workshop"]);
    }
}
