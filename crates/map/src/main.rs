//! The live map of a running system: `map page` serves the page, `map edges` is the proxies on the system's edges.
//!
//! Both are children of whoever runs the system (`harness::live`), speak in lines over standard input and output, and end when their input
//! closes. Neither is for a person to start.

mod edges;
mod page;
mod parent;

use std::process::ExitCode;

/// Misused: `EX_USAGE` of sysexits.h.
const USAGE: u8 = 64;

fn main() -> ExitCode {
    let part = std::env::args().nth(1);
    // One thread serves a few readers and some hundred requests a second, and takes the least memory.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let result = match (part.as_deref(), runtime) {
        (_, Err(error)) => Err(error.into()),
        (Some("edges"), Ok(runtime)) => runtime.block_on(edges::run()),
        (Some("page"), Ok(runtime)) => runtime.block_on(page::run()),
        _ => {
            eprintln!("the map is started by: cargo workshop run");
            return ExitCode::from(USAGE);
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // The first word is what the parent waits for.
            parent::say(&format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}
