//! Waiting for a consequence.

use std::{fmt::Debug, time::Duration};

use tokio::time::{Instant, sleep};

/// A write's consequences elsewhere are there within this time.
const WITHIN: Duration = Duration::from_secs(10);

/// Asks until there is an answer, at most for 10 s, then panics and says what did not happen.
///
/// ```no_run
/// # async fn example(app: &acceptance::App) {
/// let task = acceptance::eventually("the task is done", async || {
///     let task = app.get("/api/tasks/1").await.is(200);
///     (task["status"] == "done").then_some(task)
/// })
/// .await;
/// # }
/// ```
pub async fn eventually<T>(what: &str, ask: impl AsyncFn() -> Option<T>) -> T {
    eventually_within(WITHIN, what, ask).await
}

/// As [`eventually`], for what has timeouts on its way.
pub async fn eventually_within<T>(within: Duration, what: &str, ask: impl AsyncFn() -> Option<T>) -> T {
    let until = Instant::now() + within;
    let mut pause = Duration::from_millis(5);
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(Instant::now() < until, "it did not come about within {within:?} that {what}");
        sleep(pause).await;
        pause = (pause * 3 / 2).min(Duration::from_millis(100));
    }
}

/// Asks until the answer is `expected`, at most for 10 s, then panics with the last one.
pub async fn becomes<T: PartialEq + Debug>(expected: T, ask: impl AsyncFn() -> T) {
    let until = Instant::now() + WITHIN;
    let mut pause = Duration::from_millis(5);
    loop {
        let found = ask().await;
        if found == expected {
            return;
        }
        if Instant::now() >= until {
            assert_eq!(found, expected, "it did not come about within {WITHIN:?}");
        }
        sleep(pause).await;
        pause = (pause * 3 / 2).min(Duration::from_millis(100));
    }
}
