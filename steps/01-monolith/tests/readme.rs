//! What the READMEs tell the reader to type works.

#![expect(clippy::expect_used, clippy::panic, reason = "a test")]

use acceptance::{App, Database, Step, run_curl_commands};

acceptance::on_both_databases!(given missing(); every_curl_of_the_readmes_is_answered);

const READMES: [&str; 2] = [include_str!("../../../README.md"), include_str!("../README.md")];

fn missing() -> Option<String> {
    let found = |program: &str| std::process::Command::new(program).arg("--version").output().is_ok();
    (!found("curl")).then(|| "no `curl` here".to_owned())
}

async fn every_curl_of_the_readmes_is_answered(database: Database) {
    let step =
        Step { number: "01", binary: env!("CARGO_BIN_EXE_system-01"), folder: env!("CARGO_MANIFEST_DIR") };
    let app = App::start(&step, database, |options| options).expect("the system starts");
    let _ = app.import().await;
    let ran: usize = READMES
        .iter()
        .map(|readme| run_curl_commands(&app, readme).unwrap_or_else(|error| panic!("{error:#}")))
        .sum();
    assert!(ran >= 6, "the tour has become short: {ran} commands");
}
