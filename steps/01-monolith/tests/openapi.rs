//! What the handlers say of themselves is what `crates/automator/api/openapi.json` promises to clients.

use acceptance::serde_json;
use step_01_monolith::api;

/// Change the file first: it is the contract. `UPDATE_OPENAPI=1` writes what the handlers say instead.
#[test]
fn the_handlers_keep_the_contract() {
    let handlers = serde_json::to_string_pretty(&api::document()).unwrap() + "\n";
    if std::env::var_os("UPDATE_OPENAPI").is_some() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../crates/automator/api/openapi.json");
        std::fs::write(file, handlers).unwrap();
        return;
    }
    let differs =
        automator_api::TEXT.lines().zip(handlers.lines()).position(|(file, handler)| file != handler);
    assert!(
        handlers == automator_api::TEXT,
        "openapi.json and the handlers differ from line {} on; if the handlers are right, renew it\n\
         with UPDATE_OPENAPI=1 in the environment: cargo test --workspace --test openapi",
        differs.map_or(0, |line| line + 1)
    );
}
