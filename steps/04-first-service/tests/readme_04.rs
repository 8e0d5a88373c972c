//! What the lesson tells the reader to type works, in the order in which it is told; also with the service killed where it says so.

#![expect(clippy::expect_used, clippy::panic, reason = "a test")]

use acceptance::{App, Database, Step, eventually, run_curl_commands};

acceptance::on_both_databases!(given missing(); every_command_of_the_lesson_is_answered);

const README: &str = include_str!("../README.md");

/// What nobody but the service could tell: the lesson says that it is a 503.
const UNKNOWN: &str = "/api/notifications/0192d1c5-0000-7000-8000-000000000001";

fn missing() -> Option<String> {
    let found = std::process::Command::new("curl").arg("--version").output().is_ok();
    (!found).then(|| "no `curl` here".to_owned())
}

async fn every_command_of_the_lesson_is_answered(database: Database) {
    let step =
        Step { number: "04", binary: env!("CARGO_BIN_EXE_system-04"), folder: env!("CARGO_MANIFEST_DIR") };
    let app = App::start(&step, database, |options| options).expect("the system starts");
    let _ = app.import().await;
    let _ = app.member("mona").await;
    let (before, then) = README.split_once("### Take it away").expect("the lesson has that part");
    let ran = |text| run_curl_commands(&app, text).unwrap_or_else(|error| panic!("{error:#}"));

    let mut commands = ran(before);
    eventually("the mail of Monday goes out", async || (mails(&app).await == 1).then_some(())).await;
    app.system().kill("notify").expect("it was running");
    let (fails, works): (Vec<&str>, Vec<&str>) = then.lines().partition(|line| line.contains(UNKNOWN));
    assert_eq!(fails.len(), 1, "one command is to fail: {fails:?}");
    commands += ran(&works.join("\n"));
    assert_eq!(commands, 3, "the lesson has other commands than this test knows");
    let _ = app.get(UNKNOWN).await.is(503);
    app.system().start_again("notify").expect("it comes back");
    eventually("the mail of Tuesday goes out", async || (mails(&app).await == 2).then_some(())).await;
}

async fn mails(app: &App) -> usize {
    app.simulators().taken("sendgrid").await.len()
}
