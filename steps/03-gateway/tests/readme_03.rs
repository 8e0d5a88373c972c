//! What the lesson tells the reader to type works, in the order in which it is told.

#![expect(clippy::expect_used, clippy::panic, reason = "a test")]

use std::fs;

use acceptance::{
    App, Database, Step, eventually, run_curl, run_curl_commands, shell_commands, tempfile::TempDir,
};

acceptance::on_both_databases!(given missing(); every_command_of_the_lesson_is_answered);

const README: &str = include_str!("../README.md");
const INSTRUCTOR: &str = include_str!("../INSTRUCTOR.md");
/// What a command on the projector prints at most, in bytes: a room reads a screen, and no page of fifty tasks.
const SCREEN: usize = 4_000;
const TABLE: &str = include_str!("../gateway.toml");

fn missing() -> Option<String> {
    let found = |program: &str| std::process::Command::new(program).arg("--version").output().is_ok();
    (!found("curl")).then(|| "no `curl` here".to_owned())
}

/// The lesson, cut before each edit of the table: the edit, and what follows it. The first edit is none.
fn parts() -> Vec<(&'static str, &'static str)> {
    let mut parts = README.split("```toml\n");
    let first = parts.next().map(|text| ("", text));
    let edits = parts.map(|part| part.split_once("```\n").expect("a block has an end"));
    first.into_iter().chain(edits).collect()
}

async fn every_command_of_the_lesson_is_answered(database: Database) {
    let folder = TempDir::with_prefix("readme-").expect("a temporary folder");
    let path = folder.path().join("gateway.toml");
    fs::write(&path, TABLE).expect("the folder can be written");
    let step =
        Step { number: "03", binary: env!("CARGO_BIN_EXE_system-03"), folder: env!("CARGO_MANIFEST_DIR") };
    let table = path.display().to_string();
    let app = App::start(&step, database, |options| options.env("gateway", "GATEWAY_TABLE", table));
    let app = app.expect("the system starts");
    let _ = app.import().await;

    let mut text = TABLE.to_owned();
    let (mut ran, mut edits) = (0, 0);
    for (edit, then) in parts() {
        if !edit.is_empty() {
            text.push_str(edit);
            edits += 1;
            fs::write(&path, &text).expect("the folder can be written");
            eventually("the table is read again", async || {
                let routes = app.get("/gateway/routes").await.is(200);
                assert!(
                    routes["refused"].is_null(),
                    "a reader who writes\n{edit}\ngets\n{}",
                    routes["refused"]
                );
                (routes["taken"] == 1 + edits).then_some(())
            })
            .await;
        }
        ran += run_curl_commands(&app, then).unwrap_or_else(|error| panic!("{error:#}"));
    }
    assert!(ran >= 5 && edits == 2, "the lesson has become short: {ran} commands, {edits} edits");
    tells_of_the_planted_fault(&app).await;
    sends_grace_to_the_new_version(&app).await;
    shows_what_a_room_can_read(&app);
}

/// The instructor's page says what to show.
fn shows_what_a_room_can_read(app: &App) {
    let shown: Vec<_> = shell_commands(INSTRUCTOR).filter(|line| line.starts_with("curl ")).collect();
    assert!(shown.len() >= 2, "the page shows less than it did: {shown:?}");
    for line in shown {
        let said = run_curl(line, app.system().front()).unwrap_or_else(|error| panic!("{error:#}"));
        assert!(said.len() <= SCREEN, "{line} prints {} bytes", said.len());
    }
}

/// "You should see `/items/0/rank`."
async fn tells_of_the_planted_fault(app: &App) {
    eventually("the shadow tells of the rank", async || {
        let shadow = app.get("/gateway/shadow").await.is(200);
        shadow.text.contains("\"at\":\"/items/0/rank\"").then_some(())
    })
    .await;
}

/// "Grace is among them, Ada is not."
async fn sends_grace_to_the_new_version(app: &App) {
    for (person, first) in [("ada", 1), ("grace", 2)] {
        let tasks = app.get("/api/tasks?limit=3").header("x-person", person).await.is(200);
        assert!(tasks.items()[0]["rank"] == first, "{person} reads {tasks}");
    }
}
