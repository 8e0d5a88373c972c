//! Longer than a scenario: the modular monolith is killed while it works.

#![expect(clippy::unwrap_used, reason = "a test")]

use std::sync::Arc;

use acceptance::{App, Database, Step, drills};

acceptance::on_both_databases!(no_message_is_lost);

async fn no_message_is_lost(database: Database) {
    let step =
        Step { number: "02", binary: env!("CARGO_BIN_EXE_system-02"), folder: env!("CARGO_MANIFEST_DIR") };
    let app = App::start(&step, database, |options| options).unwrap();
    drills::no_message_is_lost(Arc::new(app), "monolith").await;
}
