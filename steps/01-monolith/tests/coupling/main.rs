//! Records which route reads and writes which table, from real requests: all scenarios of the acceptance suite, on a
//! system that logs its SQL. Not among the tests that `cargo test` runs; by name:
//!
//! ```sh
//! cargo test --workspace --test coupling               # is coupling.toml what is recorded now?
//! cargo test --workspace --test coupling -- --write    # record it anew
//! ```

#![expect(clippy::expect_used, clippy::unwrap_used, clippy::panic, reason = "a test")]

mod contexts;
mod map;
mod record;
mod statement;

use std::{fs, path::Path, process::ExitCode};

/// Where the map lies, in the step's folder.
const FILE: &str = "coupling.toml";

fn main() -> ExitCode {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let path = folder.join(FILE);
    let map = record::everything(folder).to_toml();
    if std::env::args().any(|argument| argument == "--write") {
        fs::write(&path, map).expect("the step's folder can be written");
        println!("written: {}", path.display());
        return ExitCode::SUCCESS;
    }
    if fs::read_to_string(&path).is_ok_and(|is| is.replace("\r\n", "\n") == map) {
        println!("{FILE} is what is recorded now");
        return ExitCode::SUCCESS;
    }
    eprintln!("{FILE} is stale: cargo test --workspace --test coupling -- --write\nNow it would be:\n{map}");
    ExitCode::FAILURE
}
