//! The composition while parts of it die: each comes back by itself, and nothing that was promised is lost.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test")]

use std::{
    process::ExitCode,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use acceptance::{
    Platform, TOKEN, run_curl,
    serde_json::{Value, from_str, json},
    shell_commands,
    testcontainers::bollard::models::HealthStatusEnum,
};
use manifests::{
    containers::composed::{Composed, eventually},
    shipped,
};
use step_10_containers::compose_file;

/// The lesson.
const README: &str = include_str!("../README.md");

/// How long the whole may take from the command to the first answer, images at hand.
const UP_WITHIN: Duration = Duration::from_secs(60);
/// Who is killed, one after the other. The simulators remember in memory what was sent, so they are killed last.
const KILLED: [&str; 9] =
    ["notify", "web", "gateway", "backlog", "github", "insights", "feed", "postgres", "simulators"];
/// The repository that something happens in.
const REPOSITORY: &str = "sendgrid/rest";
/// How many messages are queued after each of them is back.
const AFTERWARDS: usize = 10;
/// Between two messages.
const PAUSE: Duration = Duration::from_millis(20);

fn main() -> ExitCode {
    acceptance::run_with(
        || Composed::start("broken", vec![compose_file()]),
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
            (
                "a_restored_database_reads_on_from_where_it_was",
                a_restored_database_reads_on_from_where_it_was,
            ),
            ("what_the_lesson_types_does_what_it_says", what_the_lesson_types_does_what_it_says),
        ],
    )
}

fn it_is_up_within_a_minute_and_migrated_once(composed: &Composed) {
    println!("up after {:.1} s", composed.took.as_secs_f64());
    assert!(composed.took < UP_WITHIN, "{:?}", composed.took);
    for name in shipped::migrations() {
        let migrate = composed.engine().inspect(composed.container(name)).unwrap();
        let state = migrate.state.unwrap();
        let ended = (state.running, state.exit_code, migrate.restart_count);
        assert_eq!(ended, (Some(false), Some(0), Some(0)), "{name}");
    }
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
    let asking: Vec<_> = shipped::with_database().collect();
    let restarts = || {
        let counts =
            asking.iter().map(|name| engine.inspect(composed.container(name)).unwrap().restart_count);
        counts.collect::<Vec<_>>()
    };
    let before = restarts();
    engine.stop(composed.container("postgres"), 30).unwrap();
    for name in &asking {
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
    for name in &asking {
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
                let message = composed.get("gateway", place)?;
                assert_ne!(message["status"], "failed", "to {to}: {message}");
                (message["status"] == "sent").then_some(())
            });
        }
        let sent = composed.ask("simulators", "GET", "/control/calls?service=sendgrid", "", "").unwrap();
        let lost = queued.iter().filter(|(to, _)| !sent.body.contains(to.as_str())).count();
        println!("{victim}: {} messages, {lost} of them before the provider forgot", queued.len());
        assert!(
            lost == 0 || (victim == "simulators" && lost < queued.len()),
            "{lost} messages never went out"
        );
    }
}

/// A dump of one database, put back later: what the feed has told since comes again, and what only this database knew is gone.
fn a_restored_database_reads_on_from_where_it_was(composed: &Composed) {
    let task = |title: &str| {
        eventually(&format!("{title:?} is a task"), || {
            let tasks = composed.get("gateway", "/api/tasks?limit=100")?;
            let all = tasks["items"].as_array()?;
            all.iter().find(|task| task["item"]["title"] == title).cloned()
        })
    };
    composed.opens(REPOSITORY, "Before the dump").unwrap();
    let before = task("Before the dump");
    let said = composed.command(&["run", "--rm", "-T", "backup"]).unwrap();
    for database in shipped::with_database() {
        assert!(said.contains(&format!("{database}: {database}.")), "{database} has no dump: {said}");
    }
    composed.opens(REPOSITORY, "After the dump").unwrap();
    let _ = task("After the dump");
    let place = format!("/api/tasks/{}", before["id"].as_str().unwrap());
    let change = json!({ "status": "in_progress" }).to_string();
    assert_eq!(composed.ask("gateway", "PATCH", &place, &change, "").unwrap().status, 200);

    let restore = || composed.command(&["run", "--rm", "-T", "backup", "restore", "backlog"]);
    let refused = restore().err().map(|error| format!("{error:#}")).unwrap_or_default();
    assert!(refused.contains("being accessed by other users"), "while backlog serves: {refused:?}");
    composed.engine().stop(composed.container("backlog"), 15).unwrap();
    restore().unwrap();
    composed.start_again("backlog").unwrap();
    assert_eq!(task("Before the dump")["status"], before["status"], "the change is younger than the dump");
    let _ = task("After the dump");
    let of_nobody = composed.command(&["run", "--rm", "-T", "backup", "restore", "nobody"]).err();
    let of_nobody = of_nobody.map(|error| format!("{error:#}")).unwrap_or_default();
    assert!(of_nobody.contains("there is no dump of nobody"), "{of_nobody:?}");
}

/// Last: it ends with the database away.
fn what_the_lesson_types_does_what_it_says(composed: &Composed) {
    let front = composed.url("gateway").unwrap();
    let mut typed = Vec::new();
    for line in shell_commands(README) {
        let words: Vec<_> = line.split(' ').collect();
        match words[..] {
            // It is up; and with a file of its own it is another composition.
            ["docker", "compose", "up" | "--project-name" | "--file", ..] => {}
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
    let restored = ["run", "stop", "run", "start", "stop", "run", "start"];
    let wanted = [&["curl", "curl", "ps", "exec", "kill", "ps"][..], &restored, &["stop", "ps"]].concat();
    assert_eq!(typed, wanted);
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
        let answer = composed.ask("gateway", "POST", "/api/notifications", &body, &key).ok()?;
        assert!(answer.status < 300 || answer.status >= 500, "{answer}");
        let message: Value = from_str(&answer.body).ok().filter(|_| answer.status < 300)?;
        Some(format!("/api/notifications/{}", message["id"].as_str()?))
    });
    (to, place)
}

fn becomes(composed: &Composed, service: &str, wanted: HealthStatusEnum) {
    let look = || (composed.engine().health(composed.container(service)).ok()? == wanted).then_some(());
    eventually(&format!("{service} is {wanted}"), look);
}
