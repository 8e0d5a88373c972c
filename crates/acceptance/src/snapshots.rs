//! Snapshots that all steps and both databases share.
//!
//! A missing or different one is a failure; `cargo insta review`, or `INSTA_UPDATE=always` on the first run, writes it.

use insta::Settings;
use serde_json::Value;

/// Compares `value` with `src/snapshots/NAME.snap`. Each of `redacted` is a selector such as `.body.items[].updated_at`
/// for what differs from run to run: times, random ids.
///
/// # Panics
/// They differ, or the snapshot is missing.
#[track_caller]
pub fn snapshot(name: &str, value: &Value, redacted: &[&str]) {
    let mut settings = Settings::clone_current();
    // One folder, whatever step or module asks: the name alone tells snapshots apart.
    settings.set_snapshot_path(concat!(env!("CARGO_MANIFEST_DIR"), "/src/snapshots"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.set_sort_maps(true);
    for selector in redacted {
        settings.add_redaction(selector, "[…]");
    }
    settings.bind(|| insta::assert_json_snapshot!(name, value));
}
