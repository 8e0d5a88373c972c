//! What the lesson tells the reader to type works, in the order in which it is told, and shows what the lesson says.

#![expect(clippy::expect_used, clippy::panic, reason = "a test")]

use std::{process::Command, time::Duration};

use acceptance::{
    App, Database, SERVICE_TOKEN, Step, eventually,
    reqwest::Method,
    run_curl,
    serde_json::{Value, json},
    shell_commands,
};

acceptance::on_both_databases!(given missing(); every_command_of_the_lesson_shows_what_it_says);

const README: &str = include_str!("../README.md");
/// Who listens where in `cargo workshop run 7`.
const ADDRESSES: [(&str, &str); 3] = [
    ("http://127.0.0.1:8087", "feed"),
    ("http://127.0.0.1:8085", "github"),
    ("http://127.0.0.1:9000", "simulators"),
];
/// What services show each other there.
const SHOWN_TOKEN: &str = "workshop-service-token";
/// Those who hear what `github` tells.
const READERS: [&str; 2] = ["backlog", "insights"];
/// How long a process may take that does one thing and ends.
const ONCE: Duration = Duration::from_secs(20);

fn missing() -> Option<String> {
    let found = Command::new("curl").arg("--version").output().is_ok();
    (!found).then(|| "no `curl` here".to_owned())
}

async fn every_command_of_the_lesson_shows_what_it_says(database: Database) {
    let step =
        Step { number: "07", binary: env!("CARGO_BIN_EXE_system-07"), folder: env!("CARGO_MANIFEST_DIR") };
    let app = App::start(&step, database, |options| options).expect("the system starts");
    let _ = app.member("ada").await;
    let _ = app.import().await;
    a_message_is_shown(&app);
    what_is_told_while_the_feed_is_away_waits(&app).await;
    a_poison_message_is_parked(&app).await;
    what_is_done_once_is_there(&app);
}

/// The commands of a part of the walk-through that begin with `program`, for this system.
fn commands(app: &App, part: &str, program: &str) -> Vec<String> {
    let (_, text) = README.split_once(&format!("### {part}\n")).expect("the lesson has that part");
    let text = text.split("\n### ").next().unwrap_or_default();
    let here = |line: &str| {
        ADDRESSES.iter().fold(line.replace(SHOWN_TOKEN, SERVICE_TOKEN), |line, (shown, name)| {
            line.replace(shown, app.system().url(name).expect("it listens"))
        })
    };
    shell_commands(text).filter(|line| line.starts_with(program)).map(here).collect()
}

fn says(app: &App, line: &str) -> String {
    run_curl(line, app.system().front()).unwrap_or_else(|error| panic!("{error:#}"))
}

fn a_message_is_shown(app: &App) {
    let [look] = &commands(app, "Look at a message", "curl ")[..] else { panic!("it is one command") };
    let said = says(app, look);
    for part in ["\"position\":", "\"id\":", "\"subject\":", "\"version\":1", "\"type\":\"github."] {
        assert!(said.contains(part), "{part} is not in {said}");
    }
}

async fn what_is_told_while_the_feed_is_away_waits(app: &App) {
    const TITLE: &str = "Told while nobody carried it";
    let commands = commands(app, "Take the feed away", "curl ");
    let [opens, items, metrics, tasks] = &commands[..] else { panic!("there are four: {commands:?}") };
    app.system().kill("feed").expect("it was running");
    assert!(says(app, opens).contains("202"));
    assert!(says(app, items).contains(TITLE));
    eventually("the message is a row", async || {
        let said = says(app, metrics);
        let row = said.lines().find_map(|line| line.strip_prefix("outbox_messages "))?;
        row.parse().is_ok_and(|count: f64| count > 0.0).then_some(())
    })
    .await;
    assert!(!says(app, tasks).contains(TITLE), "there is another way");
    app.system().start_again("feed").expect("it comes back");
    eventually("it has a task that its rule has moved", async || {
        says(app, tasks).contains(TITLE).then_some(())
    })
    .await;
}

async fn a_poison_message_is_parked(app: &App) {
    let [poisons] = &commands(app, "Park a message", "curl ")[..] else { panic!("it is one command") };
    let _ = says(app, poisons);
    for reader in READERS {
        let message = parked(app, reader, |_| true).await;
        assert_eq!(message["tries"], 5, "{message}");
        assert_eq!(message["subject"], "sendgrid/rest", "{message}");
    }
    let opened = json!({ "action": "opened", "repository": "sendgrid/rest" });
    let key = format!("sendgrid/rest#{}", app.told(opened).await.number());
    for reader in READERS {
        let message = parked(app, reader, |message| message["waiting"] == 1).await;
        if reader == "backlog" {
            assert!(app.task_about(&key).await.is_none(), "it went past the parked one");
        }
        let path = format!("/internal/parked/{}/give-up", message["id"].as_str().expect("an id"));
        let _ = app.request_to(reader, Method::POST, &path).token(SERVICE_TOKEN).await.is(202);
    }
    let _ = app.task(&key).await;
}

/// What a reader has parked, as soon as it is `like` that.
async fn parked(app: &App, reader: &str, like: impl Fn(&Value) -> bool) -> Value {
    eventually(&format!("{reader} has parked it"), async || {
        let answer =
            app.request_to(reader, Method::GET, "/internal/parked").token(SERVICE_TOKEN).await.is(200);
        let message = answer["parked"].as_array()?.first().cloned();
        message.filter(&like)
    })
    .await
}

fn what_is_done_once_is_there(app: &App) {
    let commands = commands(app, "Throw insights away", "cargo workshop once ");
    assert_eq!(commands.len(), 3, "{commands:?}");
    for command in commands {
        let name = command.rsplit(' ').next().unwrap_or_default();
        let said = app.system().ask_manual(name, &[], ONCE).unwrap_or_else(|error| panic!("{name}: {error}"));
        let told = if name.starts_with("rebuild") { "thrown away: " } else { "told again: " };
        let count = said.trim().strip_prefix(told).and_then(|count| count.parse::<u64>().ok());
        assert!(count.is_some_and(|count| count > 0), "{command} says {said}");
    }
}
