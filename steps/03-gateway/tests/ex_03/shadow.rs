//! 03.2: a shadow that cannot hurt. Most of it on a clock of its own: what takes thirty seconds is over at once.

mod second;

use std::{sync::Arc, time::Duration};

use acceptance::{
    eventually,
    harness::Fault,
    serde_json::{Value, json},
    tokio::{
        self, runtime,
        task::{JoinHandle, yield_now},
        time::{Instant, sleep, timeout},
    },
};
use kit_03_strangler::{
    Answer, Counts, Ignore, Offer,
    http::{Method, StatusCode},
};
use step_03_faulty::planted;
use step_03_gateway::pieces::shadow::Shadow;

use crate::gateway::Gateway;
use second::{Does, STALL, Second, offer, tasks};

/// How long the second upstream may take for an answer.
const DEADLINE: Duration = Duration::from_millis(1_700);
/// How many offers may wait.
const PLACES: usize = 8;
/// A delay that no client feels.
const UNFELT: Duration = Duration::from_millis(10);
/// Longer than everything that a test may take, on its own clock.
const FOR_EVER: Duration = Duration::from_secs(3600);

const FIRST: &str = r#"{"items": [{"rank": 1, "score": 7.5, "updated_at": "09:00"}], "next_cursor": null}"#;

/// A shadow at work, and the second upstream that it asks.
struct Bench {
    shadow: Arc<Shadow>,
    second: Arc<Second>,
    worker: JoinHandle<()>,
}

impl Bench {
    /// Runs `test` on a clock that jumps to the next thing that happens.
    fn run(script: impl Into<Vec<Does>>, test: impl AsyncFnOnce(&Self)) {
        let runtime = runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        runtime.expect("a runtime").block_on(async {
            let second = Arc::new(Second::new(script));
            let ignore = Ignore::new(["/items/*/updated_at"]).expect("a pattern");
            let asker = Arc::clone(&second);
            let shadow = Arc::new(Shadow::new(asker, PLACES, DEADLINE, ignore));
            let works = Arc::clone(&shadow);
            let worker = tokio::spawn(async move { works.run().await });
            let bench = Self { shadow, second, worker };
            let ended = timeout(FOR_EVER, test(&bench)).await;
            assert!(
                ended.is_ok(),
                "After an hour the client still waits for an answer that was ready at once."
            );
        });
    }

    /// Offers it as the gateway does; how long the client waits for its last byte.
    async fn offer(&self, offer: Offer) -> Duration {
        let start = Instant::now();
        self.shadow.offer(offer).await;
        start.elapsed()
    }

    /// Offers a list of tasks that the first upstream answered.
    async fn list(&self) -> Duration {
        self.offer(offer(Method::GET, tasks(FIRST))).await
    }

    /// The count after `time`.
    async fn counts_after(&self, time: Duration) -> Counts {
        sleep(time).await;
        self.shadow.counts()
    }
}

#[test]
fn a_stalled_second_upstream_keeps_nobody_waiting() {
    Bench::run([Does::Stall(tasks(FIRST))], async |bench| {
        let waited = bench.list().await;
        assert!(
            waited < UNFELT,
            "The second upstream stalled, and a client waited {waited:?} for an answer that was ready at once. In `offer`, \
             who waits for whom?"
        );
    });
}

#[test]
fn no_answer_in_time_is_unknown() {
    let script = [Does::Stall(tasks(FIRST)), Does::Stall(tasks(FIRST)), Does::Answer(tasks(FIRST))];
    Bench::run(script, async |bench| {
        for _ in 0..3 {
            let _ = bench.list().await;
        }
        let counts = bench.counts_after(2 * DEADLINE + UNFELT).await;
        assert!(
            counts.different == 0,
            "The second upstream did not answer, and that counts as {} differences: somebody looks for a fault that is not \
             there. Nobody knows what it would have answered.",
            counts.different
        );
        assert!(
            counts.unknown == 2 && counts.equal == 1,
            "The second upstream stalled twice, then it was well, and {DEADLINE:?} is its deadline. After {:?} the count is \
             {counts:?}: whoever reads that believes in comparisons that never were, or waits for them.",
            2 * DEADLINE
        );
    });
}

#[test]
fn a_dead_second_upstream_is_unknown() {
    Bench::run([Does::Die], async |bench| {
        let waited = bench.list().await;
        let counts = bench.counts_after(STALL).await;
        assert!(
            counts.different == 0 && counts.equal == 0 && counts.unknown == 1,
            "The second upstream was down, and the count is {counts:?}: whoever reads that takes an outage for a fault of \
             the new version, or for none."
        );
        assert!(waited < UNFELT, "The second upstream was down, and a client waited {waited:?} for it.");
        let asked = bench.second.asked().len();
        assert!(
            asked == 1,
            "The second upstream was down, and was asked {asked} times for one request. Whoever is in trouble gets more to do, \
             and nobody waits for that answer."
        );
    });
}

#[test]
fn one_that_was_down_is_compared_again() {
    Bench::run([Does::Die, Does::Stall(tasks(FIRST)), Does::Answer(tasks(FIRST))], async |bench| {
        for _ in 0..3 {
            let _ = bench.list().await;
        }
        let counts = bench.counts_after(STALL).await;
        assert!(
            counts.equal == 1 && counts.unknown == 2,
            "The second upstream was down for a moment, stalled once, and was well again. Three requests came, and the count is \
             {counts:?}: nobody looks at the new version any more. What ends the worker?"
        );
    });
}

#[test]
fn an_error_of_the_new_version_is_a_difference() {
    let broken = Answer { status: StatusCode::INTERNAL_SERVER_ERROR, ..tasks(FIRST) };
    Bench::run([Does::Answer(broken)], async |bench| {
        let _ = bench.list().await;
        let counts = bench.counts_after(STALL).await;
        assert!(
            counts.different == 1,
            "The new version answered 500 where the old one has an answer, and the count is {counts:?}. It has answered, so it \
             is known: everybody who is sent there gets an error, and nobody was told."
        );
        assert!(
            counts.findings[0].differences[0].at == "status",
            "The new version answered 500 with the body of a 200, and what we are told is {:?}.",
            counts.findings
        );
    });
}

#[test]
fn a_refusal_is_compared_too() {
    let refused = Answer { status: StatusCode::NOT_FOUND, ..tasks("{}") };
    Bench::run([Does::Answer(tasks(FIRST))], async |bench| {
        let _ = bench.offer(offer(Method::GET, refused)).await;
        let counts = bench.counts_after(STALL).await;
        assert!(
            counts.different == 1,
            "Somebody asked for a task that is gone and was told 404. The new version shows it, and the count is {counts:?}. An \
             answer that is no success is an answer."
        );
    });
}

#[test]
fn a_shadow_that_is_stopped_ends() {
    Bench::run([Does::Answer(tasks(FIRST))], async |bench| {
        let _ = bench.list().await;
        let _ = bench.counts_after(UNFELT).await;
        bench.shadow.stop();
        // Not by the clock: a worker that spins lets it stand still.
        for _ in 0..1_000 {
            yield_now().await;
        }
        assert!(
            bench.worker.is_finished(),
            "Somebody edited the gateway's table and the shadow was stopped, but its worker runs on. After a hundred edits there \
             are a hundred of them. What does `recv` give when it is over?"
        );
    });
}

#[test]
fn garbage_is_a_difference_that_no_client_feels() {
    Bench::run([Does::Answer(tasks("<html>It works!</html>"))], async |bench| {
        let waited = bench.list().await;
        let counts = bench.counts_after(STALL).await;
        assert!(
            counts.different == 1 && counts.findings[0].differences[0].at == "body",
            "The second upstream answered a page of HTML instead of tasks, and nobody was told: {counts:?}."
        );
        assert!(
            waited < UNFELT,
            "The second upstream answered garbage, and a client waited {waited:?} for it."
        );
    });
}

#[test]
fn a_full_queue_drops_and_counts() {
    const OFFERED: u64 = 500;
    Bench::run([Does::Stall(tasks(FIRST))], async |bench| {
        let mut longest = Duration::ZERO;
        for _ in 0..OFFERED {
            longest = longest.max(bench.list().await);
        }
        assert!(
            longest < UNFELT,
            "{OFFERED} requests came while the second upstream stalled, and a client waited {longest:?} for room in the \
             queue. What does not fit is no loss to anybody."
        );
        // One is with the second upstream, perhaps.
        let counts = bench.counts_after(UNFELT).await;
        let room = PLACES as u64 + 1;
        let most = bench.second.most_under_way();
        assert!(
            most <= PLACES,
            "{OFFERED} requests came while the second upstream stalled, and all at once {most} of them were with it and in \
             our memory. That is how a shadow takes the gateway down."
        );
        assert!(
            (OFFERED - room..=OFFERED).contains(&counts.dropped),
            "{OFFERED} requests came while the second upstream stalled, and {PLACES} find room in the queue. {} are counted \
             as dropped: whoever reads the count believes that all the others were compared.",
            counts.dropped
        );
    });
}

#[test]
fn a_stall_does_not_pile_up() {
    const OFFERED: usize = 100;
    Bench::run([Does::Stall(tasks(FIRST))], async |bench| {
        // With a pause after each, in which the worker takes what waits.
        for _ in 0..OFFERED {
            let _ = bench.list().await;
            sleep(Duration::from_millis(1)).await;
        }
        let most = bench.second.most_under_way();
        assert!(
            most <= PLACES,
            "{OFFERED} requests came one after the other while the second upstream stalled, and {most} of them were with it at \
             once. The queue has {PLACES} places, and what is taken out of it has no bound. Who is allowed to ask how much?"
        );
    });
}

#[test]
fn only_get_and_head_are_copied() {
    Bench::run([Does::Answer(tasks(FIRST))], async |bench| {
        let writes = [Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS];
        for method in &writes {
            let _ = bench.offer(offer(method.clone(), tasks(FIRST))).await;
        }
        for method in [Method::GET, Method::HEAD] {
            let _ = bench.offer(offer(method, tasks(FIRST))).await;
        }
        let counts = bench.counts_after(STALL).await;
        let asked: Vec<_> = bench.second.asked().into_iter().map(|(method, _)| method).collect();
        let copied: Vec<_> =
            asked.iter().filter(|method| writes.contains(method)).map(Method::as_str).collect();
        assert!(
            copied.is_empty(),
            "{} was copied to the second upstream: what somebody did once was done twice, and two mails went out.",
            copied.join(", ")
        );
        assert!(
            asked == [Method::GET, Method::HEAD] && counts.equal == 2,
            "A GET and a HEAD came, and the second upstream was asked {asked:?}. Reads may be copied, and only by them we \
             learn something."
        );
        assert!(
            counts.skipped == writes.len() as u64,
            "{} requests came that may not be copied, and {} are counted as skipped. Whoever reads the count takes the others \
             for something else: {counts:?}.",
            writes.len(),
            counts.skipped
        );
    });
}

#[test]
fn a_wrong_rank_is_told_with_its_place() {
    let wrong = FIRST.replace("\"rank\": 1", "\"rank\": 2");
    Bench::run([Does::Answer(tasks(&wrong))], async |bench| {
        let _ = bench.list().await;
        let counts = bench.counts_after(STALL).await;
        let places: Vec<_> =
            counts.findings.iter().flat_map(|finding| &finding.differences).map(|found| &found.at).collect();
        assert!(
            counts.different == 1 && places == ["/items/0/rank"],
            "The new version ranks a task wrongly, and what we are told is {places:?}, of {} differences. With the switch \
             at 100 % the whole team works in the wrong order.",
            counts.different
        );
        let told = &counts.findings[0].differences[0];
        let said = |side: &Option<String>| side.clone().unwrap_or_default();
        assert!(
            (said(&told.first), said(&told.second)) == ("1".to_owned(), "2".to_owned()),
            "Everybody reads rank 1 and the new version says 2. We are told that the client got {} and the new version says {}: \
             somebody mends the version that is right. Which answer is the first?",
            said(&told.first),
            said(&told.second)
        );
    });
}

#[test]
fn what_may_differ_never_counts() {
    // The same, written by another program a second later.
    let same = r#"{"next_cursor":null,"items":[{"updated_at":"09:01","score":7.50,"rank":1}]}"#;
    Bench::run([Does::Answer(tasks(same))], async |bench| {
        let _ = bench.list().await;
        let counts = bench.counts_after(STALL).await;
        assert!(
            counts.different == 0 && counts.equal == 1,
            "Both upstreams mean the same, in another order of names and with another `updated_at`, which may differ. It \
             counts as {} differences: after a hundred of those nobody looks any more.",
            counts.different
        );
    });
}

/// What the table says of the route with the shadow. The second upstream has five seconds.
const ROUTE: &str = "shadow = true\ntimeout_ms = 5000\n";
/// A real client on a busy machine has its answer by then, if it waits for nobody.
const PROMPT: Duration = Duration::from_secs(3);

/// The places that the gateway tells of, once it has found a difference.
async fn found(gateway: &Gateway<'_>) -> Vec<Value> {
    let what = "a rank that the new version gets wrong is told at /gateway/shadow";
    let shadow = eventually(what, async || {
        let answer = gateway.app.get("/gateway/shadow").await.is(200);
        let shadow = answer["routes"][0].clone();
        (shadow["different"] == 1).then_some(shadow)
    });
    let differences = shadow.await["findings"][0]["differences"].take();
    differences.as_array().into_iter().flatten().map(|difference| difference["at"].clone()).collect()
}

#[test]
fn in_the_real_gateway_a_planted_fault_is_found_and_no_client_feels_it() {
    Gateway::run(ROUTE, async |gateway| {
        gateway.second.add(planted());
        let tasks = gateway.app.get("/api/tasks?limit=3").await.is(200);
        let ranks: Vec<_> = tasks.items().iter().map(|task| task["rank"].clone()).collect();
        assert!(
            ranks == [1, 2, 3],
            "A client got the ranks {ranks:?} of the new version, which nobody has switched on."
        );
        let places = found(gateway).await;
        assert!(
            places == [json!("/items/0/rank"), json!("/items/1/rank")],
            "The new version changes the places of the first two tasks, and we are told of {places:?}."
        );

        gateway.second.clear();
        gateway.second.add(Fault::delay(STALL));
        let asked = timeout(PROMPT, async { gateway.app.get("/api/tasks?limit=3").await }).await;
        assert!(
            asked.is_ok_and(|tasks| tasks.status == 200),
            "The new version stalled, and somebody who had nothing to do with it waited longer than {PROMPT:?} for their tasks."
        );
    });
}
