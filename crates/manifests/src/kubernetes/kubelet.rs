//! What becomes of one pod under its probes, tick by tick: what a kubelet asks and does, and what a Service still sends there.
//!
//! A model, and small: one pod, no clock but its own. What it takes from Kubernetes: the startup probe goes first and alone; a
//! failed liveness or startup probe ends the container, after which it starts again; readiness only decides about traffic; at the
//! end the pod leaves its Service and its `preStop` begins *at the same time*, then comes SIGTERM, and SIGKILL when the grace period,
//! counted from the beginning, is over. (Kubernetes: *Pod Lifecycle*, *Termination of Pods*.)

use std::ops::Range;

use chassis::serve::DRAIN;
use k8s_openapi::{
    api::core::v1::{Container, PodSpec, Probe},
    apimachinery::pkg::util::intstr::IntOrString,
};

/// Length of a tick, in milliseconds. All times here are in milliseconds since the pod began.
pub const TICK: u64 = 100;

/// How long after a pod has left its Service the last machine of the cluster still sends requests there.
pub const LAG: u64 = 3_000;

/// The probes and the end of a pod's only container.
#[derive(Debug, Clone)]
pub struct Settings {
    startup: Option<Question>,
    liveness: Option<Question>,
    readiness: Option<Question>,
    pre_stop: u64,
    grace: u64,
}

/// A probe over HTTP.
#[derive(Debug, Clone)]
struct Question {
    path: String,
    first: u64,
    every: u64,
    waits: u64,
    successes: u32,
    failures: u32,
}

/// What happens to the pod and around it.
#[derive(Debug, Clone)]
pub struct Story {
    /// How long the process takes from its start until it answers.
    pub boot: u64,
    /// When the database is away.
    pub database_away: Range<u64>,
    /// When the process answers nothing, though it lives.
    pub hangs: Range<u64>,
    /// When the pod is told to go.
    pub stops_at: Option<u64>,
    /// When we stop watching.
    pub ends: u64,
}

impl Default for Story {
    /// Two minutes in which nothing happens.
    fn default() -> Self {
        Self { boot: 1_000, database_away: 0..0, hangs: 0..0, stops_at: None, ends: 120_000 }
    }
}

/// What was seen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    /// When the container was ended and started again, and what for.
    pub restarts: Vec<(u64, &'static str)>,
    /// When requests were sent to the pod.
    pub traffic: Vec<u64>,
    /// When one of them met a closed port.
    pub refused: Vec<u64>,
    /// When requests that were under way ended with the process, killed.
    pub cut_off: Option<u64>,
}

impl Settings {
    /// Those of the pod that `spec` describes.
    ///
    /// # Errors
    /// A probe that does not ask over HTTP, or where the process does not listen, or an end that is not a sleep: what is wrong,
    /// in words.
    pub fn of(spec: &PodSpec) -> Result<Self, String> {
        let container = spec.containers.first().ok_or("the pod has no container")?;
        let question = |what: &str, probe: Option<&Probe>| {
            probe
                .map(|probe| Question::of(probe, container).map_err(|why| format!("{what}: {why}")))
                .transpose()
        };
        let pre_stop = match container.lifecycle.as_ref().and_then(|lifecycle| lifecycle.pre_stop.as_ref()) {
            None => 0,
            Some(handler) => {
                let sleep = handler.sleep.as_ref();
                let sleep =
                    sleep.ok_or("preStop: the image has no shell to run a command in, and the process has no page that waits; `sleep` needs neither")?;
                milliseconds(sleep.seconds)
            }
        };
        Ok(Self {
            startup: question("startupProbe", container.startup_probe.as_ref())?,
            liveness: question("livenessProbe", container.liveness_probe.as_ref())?,
            readiness: question("readinessProbe", container.readiness_probe.as_ref())?,
            pre_stop,
            grace: milliseconds(spec.termination_grace_period_seconds.unwrap_or(30)),
        })
    }

    /// How long a pod may take to go, in milliseconds: its grace period, or what it sleeps where that is longer.
    #[must_use]
    pub fn longest_end(&self) -> u64 {
        self.grace.max(self.pre_stop)
    }

    /// What is left of the grace period when everything that the end needs has had its time; `None` when there is too little.
    #[must_use]
    pub fn spare(&self) -> Option<u64> {
        self.grace.checked_sub(self.pre_stop + drain())
    }
}

/// How long our processes take to end at most, [`DRAIN`].
#[must_use]
pub fn drain() -> u64 {
    u64::try_from(DRAIN.as_millis()).unwrap_or(u64::MAX)
}

impl Question {
    /// With the API's defaults.
    fn of(probe: &Probe, asked: &Container) -> Result<Self, String> {
        let get = probe.http_get.as_ref();
        let get =
            get.ok_or("it asks by something else than httpGet, which a process that hangs may answer too")?;
        let path = get.path.clone().ok_or("it has no path")?;
        if get.host.is_some() {
            return Err("it has a host, so it asks somebody else than this pod".to_owned());
        }
        if get.scheme.as_deref().is_some_and(|scheme| scheme != "HTTP") {
            return Err(
                "it asks by TLS, which the process does not speak: it would never be answered".to_owned()
            );
        }
        let mut ports = asked.ports.iter().flatten();
        let listens = ports.any(|port| match &get.port {
            IntOrString::Int(number) => port.container_port == *number,
            IntOrString::String(name) => port.name.as_ref() == Some(name),
        });
        if !listens {
            let known = asked.ports.iter().flatten().map(|port| {
                format!("{} ({})", port.name.as_deref().unwrap_or("without a name"), port.container_port)
            });
            let known = known.collect::<Vec<_>>().join(", ");
            let wanted = match &get.port {
                IntOrString::Int(number) => number.to_string(),
                IntOrString::String(name) => format!("{name:?}"),
            };
            return Err(format!(
                "it asks at port {wanted}, where nobody listens: the container has {known}. Nobody would ever answer"
            ));
        }
        let seconds = |given: Option<i32>, default: i32| milliseconds(given.unwrap_or(default).into());
        let count =
            |given: Option<i32>, default| given.and_then(|it| u32::try_from(it).ok()).unwrap_or(default);
        Ok(Self {
            path,
            first: seconds(probe.initial_delay_seconds, 0),
            every: seconds(probe.period_seconds, 10).max(TICK),
            waits: seconds(probe.timeout_seconds, 1),
            successes: count(probe.success_threshold, 1),
            failures: count(probe.failure_threshold, 3),
        })
    }
}

fn milliseconds(seconds: i64) -> u64 {
    u64::try_from(seconds).unwrap_or_default() * 1_000
}

/// Plays `story` with a pod of these settings.
#[must_use]
pub fn play(settings: &Settings, story: &Story) -> Seen {
    let mut pod = Pod::new(settings, story);
    for now in (0..story.ends).step_by(usize::try_from(TICK).unwrap_or(1)) {
        pod.tick(now);
    }
    pod.seen
}

/// A pod at one moment.
struct Pod<'a> {
    settings: &'a Settings,
    story: &'a Story,
    started: u64,
    startup: Asked,
    liveness: Asked,
    readiness: Asked,
    /// Until when requests are sent to it; `None` while it is ready.
    traffic_until: Option<u64>,
    seen: Seen,
}

/// How a probe has been answered lately.
#[derive(Default)]
struct Asked {
    successes: u32,
    failures: u32,
    passed: bool,
    failed: bool,
}

impl<'a> Pod<'a> {
    fn new(settings: &'a Settings, story: &'a Story) -> Self {
        Self {
            settings,
            story,
            started: 0,
            startup: Asked::default(),
            liveness: Asked::default(),
            readiness: Asked::default(),
            traffic_until: Some(0),
            seen: Seen::default(),
        }
    }

    fn tick(&mut self, now: u64) {
        match self.story.stops_at {
            Some(stop) if now >= stop => self.end(now, stop),
            _ => self.ask(now),
        }
        let listens = self.listens(now);
        if self.traffic_until.is_none_or(|until| now < until) {
            self.seen.traffic.push(now);
            if !listens {
                self.seen.refused.push(now);
            }
        }
    }

    /// The kubelet's questions, and what follows from the answers.
    fn ask(&mut self, now: u64) {
        let settings = self.settings;
        if let Some(question) = &settings.startup
            && !self.startup.passed
        {
            self.startup.hear(question, now - self.started, self.answers(question, now));
            if self.startup.failed {
                self.restart(now, "it did not start in time");
            }
            return;
        }
        if let Some(question) = &settings.liveness {
            self.liveness.hear(question, now - self.started, self.answers(question, now));
            if self.liveness.failed {
                return self.restart(now, "it was taken for dead");
            }
        }
        let ready = match &settings.readiness {
            Some(question) => {
                self.readiness.hear(question, now - self.started, self.answers(question, now));
                self.readiness.passed
            }
            None => true,
        };
        self.traffic(now, ready);
    }

    /// Whether the process answers 200 in time. It knows `/health/live` and `/health/ready`.
    fn answers(&self, question: &Question, now: u64) -> bool {
        // A hang that is over before the probe's patience is a slow answer.
        let silent = self.story.hangs.contains(&now) && self.story.hangs.end - now > question.waits;
        let right = match question.path.as_str() {
            "/health/live" => true,
            "/health/ready" => !self.story.database_away.contains(&now),
            _ => false,
        };
        self.listens(now) && !silent && right
    }

    fn listens(&self, now: u64) -> bool {
        let stopped = self.story.stops_at.is_some_and(|stop| now >= stop + self.settings.pre_stop);
        now >= self.started + self.story.boot && !stopped
    }

    fn traffic(&mut self, now: u64, ready: bool) {
        match (ready, self.traffic_until) {
            (true, _) => self.traffic_until = None,
            (false, None) => self.traffic_until = Some(now + LAG),
            (false, Some(_)) => {}
        }
    }

    fn restart(&mut self, now: u64, why: &'static str) {
        self.seen.restarts.push((now, why));
        self.started = now;
        (self.startup, self.liveness, self.readiness) = Default::default();
        self.traffic(now, false);
    }

    /// It leaves its Service; then SIGTERM, and SIGKILL when the grace is over. Somebody's request takes as long as it may.
    fn end(&mut self, now: u64, stop: u64) {
        self.traffic(now, false);
        let killed = stop + self.settings.grace;
        if now >= killed && killed < stop + self.settings.pre_stop + drain() {
            self.seen.cut_off.get_or_insert(killed);
        }
    }
}

impl Asked {
    /// An answer, where one is due `since` the start.
    fn hear(&mut self, question: &Question, since: u64, answered: bool) {
        if since < question.first || !(since - question.first).is_multiple_of(question.every) {
            return;
        }
        if answered {
            (self.successes, self.failures) = (self.successes + 1, 0);
            self.passed |= self.successes >= question.successes;
        } else {
            (self.successes, self.failures) = (0, self.failures + 1);
            self.failed = self.failures >= question.failures;
            self.passed &= !self.failed;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question(path: &str, every: u64, failures: u32) -> Question {
        Question { path: path.to_owned(), first: 0, every, waits: 1_000, successes: 1, failures }
    }

    fn settings() -> Settings {
        Settings {
            startup: Some(question("/health/live", 1_000, 60)),
            liveness: Some(question("/health/live", 10_000, 3)),
            readiness: Some(question("/health/ready", 3_000, 2)),
            pre_stop: 5_000,
            grace: 20_000,
        }
    }

    #[test]
    fn a_quiet_pod_has_traffic_once_it_is_ready_and_is_left_alone() {
        let seen = play(&settings(), &Story::default());
        assert_eq!((seen.restarts.len(), seen.refused.len(), seen.cut_off), (0, 0, None));
        assert!(seen.traffic[0] >= 1_000 && seen.traffic[0] <= 4_000, "{:?}", seen.traffic[0]);
        assert_eq!(*seen.traffic.last().expect("traffic"), 119_900);
    }

    #[test]
    fn without_its_database_traffic_stops_and_comes_back() {
        let seen = play(&settings(), &Story { database_away: 30_000..60_000, ..Story::default() });
        assert!(seen.restarts.is_empty());
        let away: Vec<_> = seen.traffic.iter().filter(|at| (30_000..60_000).contains(*at)).collect();
        assert!(away.len() < 100 && seen.traffic.contains(&70_000), "{} requests", away.len());
    }

    #[test]
    fn one_that_is_not_up_in_time_is_started_again() {
        let mut impatient = settings();
        impatient.startup = Some(question("/health/live", 1_000, 20));
        let seen = play(&impatient, &Story { boot: 40_000, ..Story::default() });
        assert_eq!(seen.restarts.first(), Some(&(19_000, "it did not start in time")));
        assert!(seen.traffic.is_empty());
    }

    #[test]
    fn one_that_hangs_is_taken_for_dead_and_a_short_pause_is_not() {
        let seen = play(&settings(), &Story { hangs: 30_000..120_000, ..Story::default() });
        assert_eq!(seen.restarts.first(), Some(&(50_000, "it was taken for dead")), "{:?}", seen.restarts);
        let seen = play(&settings(), &Story { hangs: 30_000..35_000, ..Story::default() });
        assert!(seen.restarts.is_empty());
    }

    #[test]
    fn the_end_is_a_sum() {
        let ends = Story { stops_at: Some(30_000), ..Story::default() };
        let seen = play(&settings(), &ends);
        assert_eq!((seen.refused.len(), seen.cut_off), (0, None));
        let seen = play(&Settings { pre_stop: 0, ..settings() }, &ends);
        assert_eq!(seen.refused.first(), Some(&30_000));
        let seen = play(&Settings { grace: 10_000, ..settings() }, &ends);
        assert_eq!(seen.cut_off, Some(40_000));
        assert_eq!(Settings { grace: 10_000, ..settings() }.spare(), None);
    }
}
