//! The composition while parts of it die: each comes back by itself, and nothing that was promised is lost.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test")]

use std::{
    process::ExitCode,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use acceptance::{
    Platform, TOKEN,
    harness::http::{Answer, Request},
    run_curl,
    serde_json::{Value, from_str, json},
    shell_commands,
    testcontainers::bollard::models::HealthStatusEnum,
};
use manifests::containers::composed::Composed;
use step_10_containers::compose_file;

/// The lesson.
const README: &str = include_str!("../README.md");

/// How long the whole may take from the command to the first answer, images at hand.
const UP_WITHIN: Duration = Duration::from_secs(60);
/// How long something may take to be as it should be again.
const WITHIN: Duration = Duration::from_secs(60);
/// Who is killed, one after the other. The simulators remember in memory what was sent, so they are killed last.
const KILLED: [&str; 6] = ["notify", "monolith", "gateway", "backlog", "postgres", "simulators"];
/// How many messages are queued after each of them is back.
const AFTERWARDS: usize = 10;
/// Between two messages.
const PAUSE: Duration = Duration::from_millis(20);

fn main() -> ExitCode {
    acceptance::run_with(
        || Composed::start("broken", compose_file()),
        &[
            ("it_is_up_within_a_minute_and_migrated_once", it_is_up_within_a_minute_and_migrated_once),
            ("each_container_has_as_little_as_possible", each_container_has_as_little_as_possible),
            (
                "without_its_database_a_service_is_unhealthy_and_nobody_restarts_it",
                without_its_database_a_service_is_unhealthy_and_nobody_restarts_it,
            ),
            (
                "whoever_is_killed_comes_back_and_no_message_is_lost",
                whoever_is_killed_comes_back_and_no_message_is_lost,
            ),
            ("what_the_lesson_types_does_what_it_says", what_the_lesson_types_does_what_it_says),
        ],
    )
}

fn it_is_up_within_a_minute_and_migrated_once(composed: &Composed) {
    println!("up after {:.1} s", composed.took.as_secs_f64());
    assert!(composed.took < UP_WITHIN, "{:?}", composed.took);
    let migrate = composed.engine().inspect(composed.container("migrate")).unwrap();
    let state = migrate.state.unwrap();
    assert_eq!((state.running, state.exit_code, migrate.restart_count), (Some(false), Some(0), Some(0)));
}

fn each_container_has_as_little_as_possible(composed: &Composed) {
    for process in &composed.definition().processes {
        let name = &process.name;
        let found = composed.engine().inspect(composed.container(name)).unwrap();
        let host = found.host_config.unwrap();
        assert_eq!(host.readonly_rootfs, Some(true), "{name}");
        assert_eq!(host.cap_drop.as_deref(), Some(&["ALL".to_owned()][..]), "{name}");
        assert!(host.cap_add.unwrap_or_default().is_empty() && host.privileged == Some(false), "{name}");
        assert!(host.memory.is_some_and(|memory| memory > 0), "{name}");
        let environment = found.config.unwrap().env.unwrap_or_default().join("\n");
        assert!(
            !environment.contains(TOKEN) && !environment.contains("postgres://"),
            "{name}: {environment}"
        );
    }
}

fn without_its_database_a_service_is_unhealthy_and_nobody_restarts_it(composed: &Composed) {
    let engine = composed.engine();
    let asking = ["monolith", "backlog", "notify"];
    let restarts = || asking.map(|name| engine.inspect(composed.container(name)).unwrap().restart_count);
    let before = restarts();
    engine.stop(composed.container("postgres"), 30).unwrap();
    for name in asking {
        becomes(composed, name, HealthStatusEnum::UNHEALTHY);
    }
    for name in ["gateway", "simulators"] {
        assert_eq!(
            engine.health(composed.container(name)).unwrap(),
            HealthStatusEnum::HEALTHY,
            "{name} asks no database"
        );
    }
    engine.start(composed.container("postgres")).unwrap();
    for name in asking {
        becomes(composed, name, HealthStatusEnum::HEALTHY);
    }
    assert_eq!(restarts(), before, "a restart would have mended nothing");
}

fn whoever_is_killed_comes_back_and_no_message_is_lost(composed: &Composed) {
    for victim in KILLED {
        let queued = while_killed(composed, victim);
        // All of them, before the next one dies: the simulators forget.
        for (to, place) in &queued {
            eventually(&format!("{place} is sent"), || {
                let message = get(composed, place)?;
                assert_ne!(message["status"], "failed", "to {to}: {message}");
                (message["status"] == "sent").then_some(())
            });
        }
        let sent = ask(composed, "simulators", "GET", "/control/calls?service=sendgrid", "", "").unwrap();
        let lost = queued.iter().filter(|(to, _)| !sent.body.contains(to.as_str())).count();
        println!("{victim}: {} messages, {lost} of them before the provider forgot", queued.len());
        assert!(
            lost == 0 || (victim == "simulators" && lost < queued.len()),
            "{lost} messages never went out"
        );
    }
}

/// Last: it ends with the database away.
fn what_the_lesson_types_does_what_it_says(composed: &Composed) {
    let front = composed.url("gateway").unwrap();
    let mut typed = Vec::new();
    for line in shell_commands(README) {
        let words: Vec<_> = line.split(' ').collect();
        match words[..] {
            // It is up; and a reader's own file is another composition.
            ["docker", "compose", "up" | "--project-name", ..] => {}
            ["docker", "compose", "exec", service, shell] => {
                let refused = composed.command(&["exec", "-T", service, shell]).err();
                let refused = refused.map(|error| format!("{error:#}")).unwrap_or_default();
                assert!(refused.contains("no such file") || refused.contains("not found"), "{refused:?}");
                typed.push("exec");
            }
            ["docker", "compose", command, ..] => {
                let said = composed.command(&words[2..]).unwrap_or_else(|error| panic!("{line}: {error:#}"));
                assert!(command != "ps" || said.contains("notify"), "{line}: {said}");
                typed.push(command);
            }
            ["curl", ..] => {
                let _ = run_curl(line, front).unwrap();
                typed.push("curl");
            }
            _ => {}
        }
    }
    assert_eq!(typed, ["curl", "curl", "ps", "exec", "kill", "ps", "stop", "ps"]);
}

/// Kills `victim` while messages are queued, one after the other, until it is back and some more; all that were accepted.
fn while_killed(composed: &Composed, victim: &str) -> Vec<(String, String)> {
    let is_back = AtomicBool::new(false);
    thread::scope(|scope| {
        let queueing = scope.spawn(|| {
            let mut queued = Vec::new();
            let mut after = 0;
            while after < AFTERWARDS {
                after += usize::from(is_back.load(Ordering::Relaxed));
                queued.push(queue(composed, &format!("{victim}-{}", queued.len())));
                thread::sleep(PAUSE);
            }
            queued
        });
        thread::sleep(PAUSE * 10);
        composed.crash(victim).unwrap();
        eventually(&format!("{victim} runs again"), || {
            let found = composed.engine().inspect(composed.container(victim)).ok()?;
            (found.restart_count? >= 1 && found.state?.running?).then_some(())
        });
        if victim != "postgres" {
            composed.ready(victim).unwrap();
        }
        is_back.store(true, Ordering::Relaxed);
        queueing.join().unwrap()
    })
}

/// Queues a message as a client does that wants it sent once: the same key until there is an answer. To whom it is, and where.
fn queue(composed: &Composed, name: &str) -> (String, String) {
    let to = format!("{name}@example.com");
    let body = json!({ "channel": "email", "to": to, "subject": "Somebody waits", "body": "Somebody waits" })
        .to_string();
    let place = eventually(&format!("{to} is queued"), || {
        let key = format!("message-{name}");
        let answer = ask(composed, "gateway", "POST", "/api/notifications", &body, &key).ok()?;
        assert!(answer.status < 300 || answer.status >= 500, "{answer}");
        let message: Value = from_str(&answer.body).ok().filter(|_| answer.status < 300)?;
        Some(format!("/api/notifications/{}", message["id"].as_str()?))
    });
    (to, place)
}

fn get(composed: &Composed, place: &str) -> Option<Value> {
    let answer = ask(composed, "gateway", "GET", place, "", "").ok()?;
    from_str(&answer.body).ok().filter(|_| answer.status == 200)
}

fn ask(
    composed: &Composed,
    who: &str,
    method: &str,
    path: &str,
    body: &str,
    key: &str,
) -> std::io::Result<Answer> {
    let authorization = format!("Bearer {TOKEN}");
    let mut headers = vec![("authorization", authorization.as_str()), ("content-type", "application/json")];
    if !key.is_empty() {
        headers.push(("idempotency-key", key));
    }
    let base = composed.url(who).unwrap();
    Request { method, base, path, headers: &headers, body, limit: Duration::from_secs(12) }.send()
}

fn becomes(composed: &Composed, service: &str, wanted: HealthStatusEnum) {
    let look = || (composed.engine().health(composed.container(service)).ok()? == wanted).then_some(());
    eventually(&format!("{service} is {wanted}"), look);
}

fn eventually<T>(what: &str, look: impl Fn() -> Option<T>) -> T {
    let until = Instant::now() + WITHIN;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < until, "not within {WITHIN:?}: {what}");
        thread::sleep(Duration::from_millis(100));
    }
}
