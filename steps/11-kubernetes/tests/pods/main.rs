//! The containers that the manifests describe, run by an engine: with their user, their file systems, their memory, their
//! variables and secrets. They start, become ready by their own probes, and end within their grace.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test")]

mod described;

use std::{
    process::ExitCode,
    thread,
    time::{Duration, Instant},
};

use acceptance::{
    Missing,
    harness::{http::Request, ports::Port},
    is_required,
};
use chassis::serve::DRAIN;
use described::{Asks, DATABASE, Described};
use manifests::containers::engine::{self, Engine, Running};
use manifests::{kubernetes::objects::Objects, shipped};

/// What comes after a drain at the end of a process.
const LAST: Duration = Duration::from_secs(2);

fn main() -> ExitCode {
    acceptance::run_with(
        World::prepare,
        &[("each_pod_starts_is_ready_by_its_own_probes_and_goes", |world| world.play())],
    )
}

/// An engine with our images, and the manifests of the local cluster.
struct World {
    engine: Engine,
    objects: Objects,
}

impl World {
    fn prepare() -> Result<Self, Missing> {
        let engine = Engine::with_images()?;
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("k8s/overlays/kind");
        let objects = Objects::built(&folder);
        let objects = objects
            .map_err(|error| Missing { reason: error.to_string(), required: is_required("kubectl") })?;
        Ok(Self { engine, objects })
    }

    fn play(&self) {
        // Dropped last: a network goes when nobody is in it.
        let network = self.engine.network(&format!("step-11-{}", std::process::id())).unwrap();
        let described = Described::new(&self.objects, &network.name);
        let mut pods = vec![self.comes(&described, DATABASE)];
        for name in shipped::migrations() {
            let job = self.engine.run(described.container(name, None)).unwrap();
            let code = self.engine.ended(&job.id).unwrap();
            assert_eq!(code, 0, "{name}: {}", self.engine.log(&job.id, "10").unwrap());
        }
        // Each after those that it needs.
        for name in shipped::serving() {
            pods.push(self.comes(&described, name));
        }
        for pod in pods.iter().rev() {
            self.goes(&described, pod);
        }
    }

    fn comes(&self, described: &Described<'_>, name: &'static str) -> Pod<'_> {
        let port = Port::take().unwrap();
        let running = self.engine.run(described.container(name, Some(port.number()))).unwrap();
        let pod = Pod { name, port, running };
        self.becomes_ready(described, &pod);
        pod
    }

    /// Asks what its probes ask, as often and as long as they do.
    fn becomes_ready(&self, described: &Described<'_>, pod: &Pod<'_>) {
        let probes = described.probes(pod.name);
        let begun = Instant::now();
        for (what, asks, within) in [
            ("startup", &probes.startup, probes.starts_within),
            ("readiness", &probes.readiness, probes.starts_within),
            ("liveness", &probes.liveness, Duration::from_secs(2)),
        ] {
            let until = Instant::now() + within;
            while !pod.answers(asks) {
                let log = self.engine.log(&pod.running.id, "10").unwrap();
                assert!(Instant::now() < until, "{}: its {what} probe fails\n{log}", pod.name);
                thread::sleep(Duration::from_millis(20));
            }
        }
        let used = self.engine.memory(&pod.running.id).unwrap();
        println!("{}: ready after {} ms, {} MB", pod.name, begun.elapsed().as_millis(), used >> 20);
    }

    /// SIGTERM, and an end of its own before what the grace leaves after the sleep.
    fn goes(&self, described: &Described<'_>, pod: &Pod<'_>) {
        let left = described.after_the_sleep(pod.name);
        let state = self.engine.inspect(&pod.running.id).unwrap().state.unwrap();
        assert_eq!((state.running, state.oom_killed), (Some(true), Some(false)), "{}", pod.name);
        let begun = Instant::now();
        let code = self.engine.stop(&pod.running.id, i32::try_from(left.as_secs()).unwrap()).unwrap();
        let took = begun.elapsed();
        assert_eq!(
            code,
            0,
            "{} was killed, or failed: {}",
            pod.name,
            self.engine.log(&pod.running.id, "10").unwrap()
        );
        assert!(took < left && took < DRAIN + LAST, "{} took {took:?} to go", pod.name);
    }
}

/// A pod's container, and where it is reached from here.
struct Pod<'e> {
    name: &'static str,
    port: Port,
    running: Running<'e>,
}

impl Pod<'_> {
    fn answers(&self, asks: &Asks) -> bool {
        match asks {
            Asks::Path(path) => self.gets(path),
            Asks::Command(command) => {
                engine::run(engine::client().args(["exec", &self.running.id]).args(command)).is_ok()
            }
        }
    }

    fn gets(&self, path: &str) -> bool {
        let base = format!("http://127.0.0.1:{}", self.port.number());
        let limit = Duration::from_secs(2);
        let request = Request { method: "GET", base: &base, path, headers: &[], body: "", limit };
        request.send().is_ok_and(|answer| answer.status == 200)
    }
}
