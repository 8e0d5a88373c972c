//! What the lesson tells the reader to type works, in the order in which it is told; also with the service killed where it says so.

#![expect(clippy::expect_used, clippy::panic, reason = "a test")]

use acceptance::{App, Database, Step, run_curl_commands};

acceptance::on_both_databases!(given missing(); every_command_of_the_lesson_is_answered);

const README: &str = include_str!("../README.md");

/// The command of the lesson that is to fail while the service is away.
const FAILS: &str = "curl -i http://127.0.0.1:8080/api/tasks";

fn missing() -> Option<String> {
    let found = std::process::Command::new("curl").arg("--version").output().is_ok();
    (!found).then(|| "no `curl` here".to_owned())
}

async fn every_command_of_the_lesson_is_answered(database: Database) {
    let step =
        Step { number: "05", binary: env!("CARGO_BIN_EXE_system-05"), folder: env!("CARGO_MANIFEST_DIR") };
    let app = App::start(&step, database, |options| options).expect("the system starts");
    let _ = app.import().await;
    let (before, then) = README.split_once("### Take it away").expect("the lesson has that part");
    let ran = |text| run_curl_commands(&app, text).unwrap_or_else(|error| panic!("{error:#}"));

    let mut commands = ran(before);
    app.system().kill("backlog").expect("it was running");
    let (fails, works): (Vec<&str>, Vec<&str>) = then.lines().partition(|line| *line == FAILS);
    assert_eq!(fails.len(), 1, "one command is to fail");
    commands += ran(&works.join("\n"));
    assert_eq!(commands, 3, "the lesson has other commands than this test knows");
    let answer = app.get("/api/tasks").await.is(503);
    assert!(answer.text.contains("backlog is not available"), "the lesson says so: {answer}");
}
