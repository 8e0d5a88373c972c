//! What is found out about each process while somebody looks: its memory, how fast it answers, what waits in it.

use std::{
    collections::BTreeMap,
    fs,
    sync::Arc,
    time::{Duration, Instant},
};

use futures::future::join_all;
use tokio::time;

use super::{
    ask,
    now::{Measured, Now},
};

/// How often.
const EVERY: Duration = Duration::from_secs(1);
/// How long a process may take to answer.
const PATIENCE: Duration = Duration::from_secs(1);
/// Gauges of a process that are no queue.
const NO_QUEUES: [&str; 3] = ["http_requests_in_flight", "build_info", "feed_head"];

/// For as long as the page is served.
pub(super) async fn run(now: Arc<Now>) {
    loop {
        time::sleep(EVERY).await;
        if !now.is_watched() {
            continue;
        }
        let known: Vec<_> = now
            .facts()
            .processes
            .iter()
            .map(|(name, it)| (name.clone(), it["id"].as_u64(), it["url"].as_str().map(str::to_owned)))
            .collect();
        let measured = join_all(known.into_iter().map(|(name, id, url)| measure(name, id, url))).await;
        let measured = measured.into_iter().flatten().collect();
        now.change(|facts| facts.measured = measured);
    }
}

/// What is found out about one; `None` when it does not run.
async fn measure(name: String, id: Option<u64>, url: Option<String>) -> Option<(String, Measured)> {
    let id = id?;
    let start = Instant::now();
    let answer = match url {
        Some(url) => ask::get(&url, "/metrics", PATIENCE).await.ok(),
        None => None,
    };
    let took = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
    let text = answer.as_ref().map(|(_, body)| String::from_utf8_lossy(body));
    let measured = Measured {
        memory: memory(id),
        answers_in: answer.as_ref().map(|_| took),
        queues: text.map(|text| queues(&text)).unwrap_or_default(),
    };
    Some((name, measured))
}

/// The resident memory of a process, in bytes, where Linux says it.
fn memory(id: u64) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}

/// The gauges of a page of metrics (Prometheus, text format 0.0.4); those of one name are added up.
fn queues(text: &str) -> BTreeMap<String, f64> {
    let gauges: Vec<_> = text
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE ")?.strip_suffix(" gauge"))
        .filter(|name| !NO_QUEUES.contains(name))
        .collect();
    let mut queues = BTreeMap::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let Some((name, value)) = line.rsplit_once(' ') else { continue };
        let name = name.split('{').next().unwrap_or(name);
        if let (true, Ok(value)) = (gauges.contains(&name), value.parse::<f64>()) {
            *queues.entry(name.replace('_', " ")).or_default() += value;
        }
    }
    queues
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gauges_are_queues_but_for_those_that_every_process_has() {
        let text = "# TYPE build_info gauge\nbuild_info{service=\"x\"} 1\n# TYPE messages_behind gauge\n\
                    messages_behind{consumer=\"a\"} 7\nmessages_behind{consumer=\"b\"} 2\n# TYPE x_total counter\nx_total 9\n";
        assert_eq!(queues(text), [("messages behind".to_owned(), 9.0)].into());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn our_own_memory_is_some_megabytes() {
        assert!(memory(u64::from(std::process::id())).unwrap() > 1 << 20);
        assert_eq!(memory(u64::MAX), None);
    }
}
