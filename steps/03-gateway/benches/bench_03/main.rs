//! What the gateway costs beside nginx: the same upstream, the same run, one worker each.
//!
//! First as many requests as each of them takes, then a fixed rate that both of them can take, for the p99: under a load that waits
//! for its answers, whoever is slow is asked less just then.
//!
//! Run with `cargo bench --workspace --bench bench_03`; `-- --seconds 20` measures longer, `-- --quick` shows in a few seconds
//! that it works. It needs nginx, on PATH or where `WORKSHOP_NGINX` says. Nothing passes or fails by a time.

mod nginx;
mod servers;

use std::{process::ExitCode, sync::Arc, time::Duration};

use acceptance::{anyhow::Result, tempfile::TempDir, tokio::runtime::Runtime};
use bench::{Options, Target, Visit};

use crate::{nginx::Nginx, servers::Server};

/// Bytes of an answer: about one task, and about a list of a thousand.
const ANSWERS: [(&str, usize); 2] = [("/small", 700), ("/large", 300_000)];
/// Connections that are kept, each with one request under way.
const CONNECTIONS: [u16; 2] = [16, 256];
/// The fixed rate, of what the slower one can take.
const SHARE: f64 = 0.5;

fn main() -> ExitCode {
    bench::main(measure)
}

fn measure(options: &Options) -> Result<()> {
    let nginx = Nginx::find()?;
    println!("{}", nginx.version());
    let folder = TempDir::with_prefix("bench-03-")?;
    let upstream = nginx.serving(folder.path(), &ANSWERS)?;
    let proxy = nginx.proxying(folder.path(), &upstream)?;
    let gateway = servers::gateway(folder.path(), &upstream)?;
    let runtime = Runtime::new()?;
    for (path, bytes) in ANSWERS {
        for connections in CONNECTIONS {
            let options = options.with_connections(connections);
            let visit = Arc::new(Visit::OneOf(vec![path.to_owned()]));
            // What the upstream spends is the same for both: it is seen in the requests a second.
            let nothing = || Some(Duration::ZERO);
            let target = |server: &'_ Server| (server.base().to_owned(), server.process());
            let (ours, theirs) = (target(&gateway), target(&proxy));
            let targets = [
                Target { base: &ours.0, process: ours.1, behind: &nothing },
                Target { base: &theirs.0, process: theirs.1, behind: &nothing },
            ];
            let [ours, theirs] = bench::take_turns(&runtime, &options, &visit, &targets)?;
            let rate = ours.rate().min(theirs.rate()) * SHARE;
            let [our_p99, their_p99] = bench::at_rate(&runtime, &options, &visit, &targets, rate)?;
            let kilobytes = bench::number(Some(bytes as f64 / 1_000.0));
            println!("\n{kilobytes} kB, {connections} connections; each figure is one request's");
            print!("{}", bench::beside(("gateway", &ours), &[("nginx", &theirs)]));
            println!("  at {rate:.0} requests/s, whether answered or not:");
            print!("{}", bench::spread(&[("gateway", &our_p99[..]), ("nginx", &their_p99[..])]));
        }
    }
    Ok(())
}
