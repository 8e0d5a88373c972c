//! Whatever is asked of the services over HTTP, none of them stumbles: the requests are made up from their own documents.

use acceptance::{App, Database, SERVICE_TOKEN, Step, TOKEN, fuzz};

#[test]
fn no_request_is_answered_with_a_failure_of_ours() {
    let step =
        Step { number: "05", binary: env!("CARGO_BIN_EXE_system-05"), folder: env!("CARGO_MANIFEST_DIR") };
    let app = Database::sqlite().and_then(|database| App::start(&step, database, |options| options));
    let app = app.unwrap_or_else(|error| panic!("{error:#}"));
    // Clients of the whole, by the gateway; clients of the service; and other services of ours.
    for (process, token) in [("gateway", TOKEN), ("notify", TOKEN), ("notify", SERVICE_TOKEN)] {
        fuzz::never_fails(&app, process, token).unwrap_or_else(|error| panic!("{error:#}"));
    }
}
