//! The map in a real browser. Pictures of it lie in `screenshots/map` under Cargo's target folder.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests may, like tests")]

#[expect(dead_code, reason = "shared with live_map.rs, which uses the rest")]
mod support;

use std::{
    collections::BTreeSet,
    path::Path,
    time::{Duration, Instant},
};

use acceptance::{
    browser::{self, Window},
    eventually,
    serde_json::{self, json},
};
use support::{RunningMap, run};

fn in_a_browser(step: &str, scenario: impl AsyncFnOnce(&RunningMap, &Window)) {
    run(async {
        let map = RunningMap::start(step);
        let screenshots = Path::new(env!("CARGO_TARGET_TMPDIR")).join("../screenshots/map");
        let front = map.address.trim_end_matches('/').to_owned();
        let seen = browser::visit(&front, &screenshots, step, async |window| {
            window.open_page("/").await;
            window.find(".box").await;
            the_edges_are_declared(&map, window).await;
            scenario(&map, window).await;
            let console = window.console().await;
            assert!(console.is_empty(), "the console says {:?}", console.first());
        });
        // Without a browser it has said so.
        let _ = seen.await;
    });
}

/// What is drawn is what `system.toml` says.
async fn the_edges_are_declared(map: &RunningMap, window: &Window) {
    let pairs =
        "return [...document.querySelectorAll('#edges .edge')].map(it => [it.dataset.from, it.dataset.to])";
    let drawn: BTreeSet<(String, String)> = serde_json::from_value(window.script(pairs).await).unwrap();
    let declared: BTreeSet<_> =
        map.definition.edges().map(|(from, to)| (from.to_owned(), to.to_owned())).collect();
    assert_eq!(drawn, declared);
    let names = "return [...document.querySelectorAll('.box')].map(it => it.dataset.name)";
    let drawn: BTreeSet<String> = serde_json::from_value(window.script(names).await).unwrap();
    let lasting = map.definition.processes.iter().filter(|process| !process.once);
    assert_eq!(drawn, lasting.map(|process| process.name.clone()).collect());
}

/// The state of a process, as its box shows it.
async fn becomes(window: &Window, name: &str, state: &str) -> Duration {
    let start = Instant::now();
    let script = format!("return document.querySelector('.box[data-name={name}]').dataset.state");
    eventually(&format!("{name} is {state} on the map"), async || {
        (window.script(&script).await == state).then_some(())
    })
    .await;
    start.elapsed()
}

#[test]
fn the_monolith() {
    in_a_browser("01-monolith", async |_, window| {
        becomes(window, "monolith", "up").await;
        window.picture("01").await;
        // The steps to come, and back: who stays, stays where it was.
        let place = "const it = document.querySelector('.box[data-name=monolith]'); return [it.style.left, it.style.top]";
        let before = window.script(place).await;
        let look = async |index: usize| {
            let script = format!(
                "const it = document.getElementById('step'); it.value = {index}; it.dispatchEvent(new Event('input'))"
            );
            window.script(&script).await;
        };
        look(4).await;
        assert_eq!(window.script(place).await, before);
        assert!(window.text("#step-name").await.contains("Step 05"));
        assert!(window.has(".box[data-name=backlog]").await);
        assert_eq!(window.script("return document.getElementById('actions').hidden").await, true);
        eventually("the lesson of step 05", async || {
            window.text("#text").await.contains("Step 05").then_some(())
        })
        .await;
        window.picture("01-looks-at-05").await;
        look(0).await;
        assert!(!window.has(".box[data-name=backlog]").await);
    });
}

#[test]
fn notify_is_killed_and_tasks_go_on() {
    in_a_browser("05-grpc", async |map, window| {
        becomes(window, "notify", "up").await;
        window.find("#visitors").await.click().await.unwrap();
        eventually("visitors are answered", async || {
            (window.script("return document.querySelectorAll('#visits span').length").await == 4)
                .then_some(())
        })
        .await;
        map.numbers("gateway", "notify", |it| it["rate"].as_f64() > Some(0.0)).await;
        window.picture("05").await;
        window.prefer("dark").await;
        window.picture("05-dark").await;

        // By the keyboard alone.
        window.script("document.querySelector('.box[data-name=notify]').focus()").await;
        window.press("\u{e007}").await;
        assert_eq!(window.text("#detail-name").await, "notify");
        window.press("k").await;
        let took = becomes(window, "notify", "down").await;
        assert!(took < Duration::from_secs(2), "shown after {took:?}");
        assert_eq!(map.visit("/api/tasks?limit=3").await, 200);
        eventually("the visitors see it", async || {
            let said = window.text("#visits").await;
            (said.contains("tasks") && window.has("#visits .wrong").await).then_some(())
        })
        .await;
        assert!(window.text("#health").await.contains("notify is down"));
        window.picture("05-dark-killed").await;
        window.prefer("light").await;
        window.picture("05-killed").await;

        window.find("#actions [data-action=restart]").await.click().await.unwrap();
        becomes(window, "notify", "up").await;
        eventually("messages are answered again", async || {
            (!window.has("#visits .wrong").await).then_some(())
        })
        .await;

        window.find("#log summary").await.click().await.unwrap();
        eventually("its log", async || (!window.text("#lines").await.is_empty()).then_some(())).await;

        window.resize(390, 844).await;
        assert_eq!(window.script("return document.documentElement.scrollWidth <= innerWidth").await, true);
        window.picture("05-phone").await;
        window.resize(1920, 1080).await;
        window.find("#show-lesson").await.click().await.unwrap();
        window.picture("05-projector").await;
        assert_eq!(window.script("return document.getElementById('lesson').offsetWidth").await, json!(0));
    });
}

#[test]
fn a_service_for_each_context() {
    in_a_browser("07-events", async |map, window| {
        window.resize(1600, 900).await;
        window.find("#visitors").await.click().await.unwrap();
        map.numbers("backlog", "feed", |it| it["rate"].as_f64() > Some(0.0)).await;
        eventually("edges are lively", async || {
            let lively = window.script("return document.querySelectorAll('#edges .lively').length").await;
            (lively.as_u64() >= Some(5)).then_some(())
        })
        .await;
        window.picture("07").await;
        window.find(".box[data-name=backlog]").await.click().await.unwrap();
        window.find("#actions [data-action=slow]").await.click().await.unwrap();
        becomes(window, "backlog", "slow").await;
        window.find(".box[data-name=insights]").await.click().await.unwrap();
        window.find("#actions [data-action=cut]").await.click().await.unwrap();
        becomes(window, "insights", "cut").await;
        window.picture("07-trouble").await;
    });
}
