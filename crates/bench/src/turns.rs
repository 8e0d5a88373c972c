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
#[derive(Clone, Copy)]
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
        runtime.block_on(load(target.base, visit, options.connections(), Pace::closed(options.warm_up())))?;
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
                Pace::closed(options.turn()),
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

/// Lets `targets` take turns under a fixed `rate` of requests a second, whether they keep up or not (an open loop): whoever waits for an
/// answer before asking again asks less just when answers take long. Blocks; the latency that 99 of 100 requests did not exceed, for
/// each target and turn. Call it after [`take_turns`], which warms them up.
///
/// # Errors
/// A server that refuses, fails or falls silent.
pub fn at_rate<const N: usize>(
    runtime: &Runtime,
    options: &Options,
    visit: &Arc<Visit>,
    targets: &[Target<'_>; N],
    rate: f64,
) -> Result<[Vec<Duration>; N]> {
    let mut seen = targets.each_ref().map(|_| Vec::new());
    for _ in 0..options.turns() {
        for (target, seen) in targets.iter().zip(&mut seen) {
            let pace = Pace::new(rate, options.turn());
            let mut latencies = runtime.block_on(load(target.base, visit, options.connections(), pace))?;
            latencies.sort_unstable();
            seen.push(Measured { latencies, ..Measured::default() }.percentile(0.99));
        }
    }
    Ok(seen)
}

/// When the next request is due.
#[derive(Debug, Clone, Copy)]
struct Pace {
    /// How long the load lasts.
    time: Duration,
    /// From one request to the next, on all connections together; zero: as soon as a connection has its answer.
    gap: Duration,
}

impl Pace {
    /// Each connection asks again when it has its answer.
    fn closed(time: Duration) -> Self {
        Self { time, gap: Duration::ZERO }
    }

    fn new(rate: f64, time: Duration) -> Self {
        Self { time, gap: Duration::from_secs_f64(1.0 / rate) }
    }

    /// Waits until request number `number` is due. From when on its latency counts: from when it was due, where a connection was free
    /// too late; from now, where our own clock woke us late.
    async fn wait(&self, start: Instant, number: usize) -> Instant {
        let now = Instant::now();
        let due = start + self.gap.mul_f64(number as f64);
        if self.gap.is_zero() || due <= now {
            return if self.gap.is_zero() { now } else { due };
        }
        tokio::time::sleep_until(due.into()).await;
        Instant::now()
    }
}

impl Measured {
    fn begin() -> Self {
        Self { cpu: Some(Duration::ZERO), behind: Some(Duration::ZERO), ..Self::default() }
    }
}

fn add_spent(sum: Option<Duration>, before: Option<Duration>, after: Option<Duration>) -> Option<Duration> {
    Some(sum? + after?.saturating_sub(before?))
}

/// `visit` again and again on so many connections, at that pace; no new one is begun after its time. The latency of each.
async fn load(base: &str, visit: &Arc<Visit>, connections: usize, pace: Pace) -> Result<Vec<Duration>> {
    let numbers = Arc::new(AtomicUsize::new(0));
    let mut open = Vec::new();
    for _ in 0..connections {
        open.push(Connection::open(base).await?);
    }
    let start = Instant::now();
    let mut clients = JoinSet::new();
    for mut connection in open {
        let (visit, numbers) = (Arc::clone(visit), Arc::clone(&numbers));
        clients.spawn(async move {
            let mut latencies = Vec::new();
            while start.elapsed() < pace.time {
                let number = numbers.fetch_add(1, Ordering::Relaxed);
                let begun = pace.wait(start, number).await;
                visit.make(number, &mut connection, |_, _| {}).await?;
                latencies.push(begun.elapsed());
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
