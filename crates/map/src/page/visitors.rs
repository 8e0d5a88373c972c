//! Visitors, for as long as somebody wants them: without requests there is nothing to see.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::time;

use super::{
    ask,
    now::{Now, Visit},
};

/// How often one visits.
const EVERY: Duration = Duration::from_millis(250);
/// How long a visitor waits for an answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// What is visited, in turn: each is answered by another context.
const PATHS: [(&str, &str); 4] = [
    ("tasks", "/api/tasks?limit=3"),
    ("messages", "/api/notifications?limit=3"),
    ("items", "/api/items?limit=3"),
    ("leaderboard", "/api/leaderboard"),
];

/// For as long as the page is served. Each visits alone: one that waits keeps nobody else from coming.
pub(super) async fn run(now: Arc<Now>, front: String) {
    for (what, path) in PATHS.into_iter().cycle() {
        time::sleep(EVERY).await;
        if !now.facts().visitors {
            continue;
        }
        let (now, front) = (Arc::clone(&now), front.clone());
        tokio::spawn(async move {
            let start = Instant::now();
            let answer = ask::get(&front, path, PATIENCE).await;
            let took = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
            let visit = Visit { what, path, status: answer.ok().map(|(status, _)| status.as_u16()), took };
            now.change(|facts| {
                if !facts.visitors {
                    return;
                }
                match facts.visits.iter_mut().find(|known| known.what == what) {
                    Some(known) => *known = visit,
                    None => facts.visits.push(visit),
                }
            });
        });
    }
}
