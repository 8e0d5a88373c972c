//! Longer than a scenario: the service for messages is killed while it works.

#![expect(clippy::unwrap_used, reason = "a test")]

use std::sync::Arc;

use acceptance::{App, Database, Step, drills};

acceptance::on_both_databases!(no_message_is_lost);

async fn no_message_is_lost(database: Database) {
    let step =
        Step { number: "04", binary: env!("CARGO_BIN_EXE_system-04"), folder: env!("CARGO_MANIFEST_DIR") };
    let app = App::start(&step, database, |options| options).unwrap();
    drills::no_message_is_lost(Arc::new(app), "notify").await;
}
