//! Servers that take turns under the same load.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use tokio::{runtime::Runtime, task::JoinSet};

use crate::{Connection, Options, Visit, cpu_time};

/// A server to be measured.
pub struct Target<'a> {
    /// Where it listens.
    pub base: &'a str,
    /// The number of its process.
    pub process: u32,
    /// The CPU time that others have spent for it so far, such as its database; `None` where it cannot be had.
    pub behind: &'a dyn Fn() -> Option<Duration>,
}

/// What was seen of one server, over all its turns.
#[derive(Debug, Clone, Default)]
pub struct Measured {
    /// How long each request took, the shortest first.
    pub latencies: Vec<Duration>,
    /// How long the turns took.
    pub elapsed: Duration,
    /// CPU time of its process, user and system; `None` where the system does not tell.
    pub cpu: Option<Duration>,
    /// CPU time of what is behind it.
    pub behind: Option<Duration>,
}

impl Measured {
    /// Requests a second.
    #[must_use]
    pub fn rate(&self) -> f64 {
        self.latencies.len() as f64 / self.elapsed.as_secs_f64()
    }

    /// The latency that this share of the requests did not exceed, e.g. 0.99.
    #[must_use]
    pub fn percentile(&self, share: f64) -> Duration {
        let last = self.latencies.len().saturating_sub(1);
        self.latencies.get((share * last as f64).round() as usize).copied().unwrap_or_default()
    }

    /// A part of `time` for each request, in milliseconds.
    #[must_use]
    pub fn milliseconds_each(&self, time: Option<Duration>) -> Option<f64> {
        Some(time?.as_secs_f64() * 1_000.0 / self.latencies.len() as f64)
    }
}

/// Warms up each of `targets`, then lets them take turns. Blocks; what was seen of each, in their order.
///
/// # Errors
/// A server that refuses, fails or falls silent.
pub fn take_turns<const N: usize>(
    runtime: &Runtime,
    options: &Options,
    visit: &Arc<Visit>,
    targets: &[Target<'_>; N],
) -> Result<[Measured; N]> {
    for target in targets {
        runtime.block_on(load(target.base, visit, options.connections(), options.warm_up()))?;
    }
    let mut seen = targets.each_ref().map(|_| Measured::begin());
    for _ in 0..options.turns() {
        for (target, seen) in targets.iter().zip(&mut seen) {
            let (cpu, behind) = (cpu_time(target.process), (target.behind)());
            let start = Instant::now();
            seen.latencies.extend(runtime.block_on(load(
                target.base,
                visit,
                options.connections(),
                options.turn(),
            ))?);
            seen.elapsed += start.elapsed();
            seen.cpu = add_spent(seen.cpu, cpu, cpu_time(target.process));
            seen.behind = add_spent(seen.behind, behind, (target.behind)());
        }
    }
    for seen in &mut seen {
        seen.latencies.sort_unstable();
    }
    Ok(seen)
}

impl Measured {
    fn begin() -> Self {
        Self { cpu: Some(Duration::ZERO), behind: Some(Duration::ZERO), ..Self::default() }
    }
}

fn add_spent(sum: Option<Duration>, before: Option<Duration>, after: Option<Duration>) -> Option<Duration> {
    Some(sum? + after?.saturating_sub(before?))
}

/// `visit` again and again on each of so many connections; no new one is begun after `time`. The latency of each.
async fn load(base: &str, visit: &Arc<Visit>, connections: usize, time: Duration) -> Result<Vec<Duration>> {
    let numbers = Arc::new(AtomicUsize::new(0));
    let mut clients = JoinSet::new();
    for _ in 0..connections {
        let mut connection = Connection::open(base).await?;
        let (visit, numbers) = (Arc::clone(visit), Arc::clone(&numbers));
        clients.spawn(async move {
            let until = Instant::now() + time;
            let mut latencies = Vec::new();
            let mut now = Instant::now();
            while now < until {
                let number = numbers.fetch_add(1, Ordering::Relaxed);
                visit.make(number, &mut connection, |_, _| {}).await?;
                let done = Instant::now();
                latencies.push(done - now);
                now = done;
            }
            anyhow::Ok(latencies)
        });
    }
    let mut all = Vec::new();
    while let Some(latencies) = clients.join_next().await {
        all.extend(latencies.context("a client panicked")??);
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_those_of_the_sorted_latencies() {
        let latencies = (1..=101).map(Duration::from_millis).collect();
        let measured = Measured { latencies, elapsed: Duration::from_secs(2), ..Measured::default() };
        assert_eq!(measured.percentile(0.5), Duration::from_millis(51));
        assert_eq!(measured.percentile(0.99), Duration::from_millis(100));
        assert_eq!(measured.percentile(1.0), Duration::from_millis(101));
        assert!((measured.rate() - 50.5).abs() < 1e-9);
    }
}
