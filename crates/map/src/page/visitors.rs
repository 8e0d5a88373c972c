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
/// What is visited, in turn, and how that ends where all is well: each is answered by another context. Messages are not listed for
/// visitors; one that there has never been is asked for, and who has the messages says so.
const PATHS: [(&str, &str, u16); 4] = [
    ("tasks", "/api/tasks?limit=3", 200),
    ("messages", "/api/notifications/00000000-0000-7000-8000-000000000000", 404),
    ("items", "/api/items?limit=3", 200),
    ("measures", "/api/measures", 200),
];

/// For as long as somebody looks at the page. Each visits alone: one that waits keeps nobody else from coming.
pub(super) async fn run(now: Arc<Now>, front: String) {
    for (what, path, well) in PATHS.into_iter().cycle() {
        time::sleep(EVERY).await;
        if !(now.facts().visitors && now.is_watched()) {
            continue;
        }
        let (now, front) = (Arc::clone(&now), front.clone());
        tokio::spawn(async move {
            let start = Instant::now();
            let answer = ask::get(&front, path, PATIENCE).await;
            let took = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
            let status = answer.ok().map(|(status, _)| status.as_u16());
            let visit = Visit { what, path, status, is_well: status == Some(well), took };
            now.change(|facts| {
                if !facts.visitors {
                    return;
                }
                match facts.visits.iter_mut().find(|known| known.what == what) {
                    Some(known) => *known = visit,
                    None => facts.visits.push(visit),
                }
                facts.visits.sort_by_key(|visit| PATHS.iter().position(|(what, ..)| *what == visit.what));
            });
        });
    }
}
