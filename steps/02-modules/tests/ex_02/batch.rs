//! 02.1: one batched call instead of a join.

mod counting;

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use acceptance::{Database, Step, reqwest, serde_json::Value, with_system};
use axum::Router;
use clap::Parser;
use domain::{ItemKey, Status};
use step_02_backlog::pieces::with_items::{Stitched, TaskRow, with_items};
use step_02_bus::Bus;
use step_02_composition::{MODULES, Stores, migrate};
use step_02_contracts::Fault;
use step_02_modules::{app::Modules, config::Config};
use tokio::net::TcpListener;

use crate::in_process::{ctx, delivery};
use counting::{Counting, key, row};

/// As many tasks as a page has.
const PAGE: i64 = 50;

/// Fifty tasks whose items have other numbers than the tasks have places.
fn page() -> Vec<TaskRow> {
    (1..=PAGE).map(|rank| row(rank, number(rank))).collect()
}

/// The number of the item of the task in this place.
fn number(rank: i64) -> i64 {
    1 + (rank * 37) % 101
}

async fn stitched(rows: Vec<TaskRow>, github: &Counting) -> Stitched {
    with_items(&ctx(), rows, github).await.expect("github answers")
}

#[tokio::test]
async fn a_page_of_fifty_tasks_makes_one_call() {
    let github = Counting::knowing(1..=200);
    let stitched = stitched(page(), &github).await;
    let calls = github.calls();
    assert!(
        !calls.is_empty(),
        "Somebody opened a page of {PAGE} tasks, and github was asked for nothing. What the page shows was told to somebody \
         else, and before."
    );
    assert!(
        calls.len() == 1,
        "Somebody opened a page of {PAGE} tasks, and github was asked {} times. Today that is slow; when github is a process \
         of its own, each is a request over the network. The original made 256 for its page.",
        calls.len()
    );
    let wanted: BTreeSet<ItemKey> = (1..=PAGE).map(|rank| key(number(rank))).collect();
    let asked: BTreeSet<ItemKey> = calls.into_iter().flatten().collect();
    let unwanted = asked.difference(&wanted).count();
    assert!(
        unwanted == 0,
        "Somebody opened a page of {PAGE} tasks, and github was asked for {unwanted} items that are not on it. It is slower \
         with every issue that anybody opens."
    );
    assert!(
        stitched.tasks.len() == page().len(),
        "Somebody opened a page of {PAGE} tasks and saw {}. Their items are all known.",
        stitched.tasks.len()
    );
}

#[tokio::test]
async fn an_item_of_two_tasks_is_asked_for_once() {
    let github = Counting::knowing([1, 2]);
    let stitched = stitched(vec![row(1, 1), row(2, 2), row(3, 1)], &github).await;
    let asked: Vec<_> = github.calls().concat();
    let once: BTreeSet<_> = asked.iter().collect();
    assert!(
        once.len() == asked.len(),
        "Two tasks on a page are about one item, and github was asked for it {} times. A list of keys has each key once.",
        1 + asked.len() - once.len()
    );
    assert!(
        stitched.tasks.len() == 3,
        "Three tasks on a page are about two items, and {} of them are seen.",
        stitched.tasks.len()
    );
    assert!(
        stitched.without_item == 0,
        "Three tasks on a page are about two items, all are seen, and {} are counted as left out: somebody looks for what is \
         not missing. What is counted, tasks or items?",
        stitched.without_item
    );
}

#[tokio::test]
async fn no_tasks_make_no_call() {
    let github = Counting::default();
    let stitched = stitched(Vec::new(), &github).await;
    assert!(
        github.calls().is_empty(),
        "Nobody has anything to do, and github was asked for the items of no task. When it is down, an empty page fails too."
    );
    assert!(stitched == Stitched::default(), "Nobody has anything to do, and the page has {stitched:?}.");
}

#[tokio::test]
async fn the_order_of_the_rank_is_kept() {
    let github = Counting::knowing(1..=200);
    let ranks: Vec<_> =
        stitched(page(), &github).await.tasks.into_iter().filter_map(|task| task.rank).collect();
    assert!(
        ranks.is_sorted(),
        "The team works from the top of the list, and the top has the ranks {:?}: what matters most is somewhere below.",
        ranks.iter().take(5).collect::<Vec<_>>()
    );
}

#[tokio::test]
async fn whatever_the_order_is_it_is_that_of_the_rows() {
    let github = Counting::knowing(1..=3);
    // Tasks that are done have no rank, and their page begins with what was done last.
    let rows = [3, 1, 2].map(|number| TaskRow { rank: None, status: Status::Done, ..row(0, number) });
    let tasks = stitched(rows.into(), &github).await.tasks;
    let numbers: Vec<_> = tasks.iter().map(|task| task.item.number).collect();
    assert!(
        numbers == [3, 1, 2],
        "Somebody looks for what was done last, and finds the items {numbers:?} where the rows are about 3, 1 and 2. The \
         order of a page is decided elsewhere; here it is lost."
    );
}

#[tokio::test]
async fn each_page_is_of_today() {
    let before = stitched(vec![row(1, 1)], &Counting::knowing([1])).await;
    let renamed = Counting::knowing([1]).calling_it("Renamed");
    let after = stitched(vec![row(1, 1)], &renamed).await;
    let titles = [before, after].map(|page| page.tasks.first().map(|task| task.item.title.clone()));
    assert!(
        titles[1].as_deref() == Some("Renamed"),
        "Somebody renamed an issue, and whoever opens the page again still reads {:?}. What one page was told is old news for \
         the next one.",
        titles[1].as_deref().unwrap_or("nothing")
    );
}

#[tokio::test]
async fn each_task_has_its_own_item() {
    let github = Counting::knowing(1..=200);
    for task in stitched(page(), &github).await.tasks {
        assert!(
            domain::task_id(&task.item.key) == task.id,
            "A task is shown with the title of {}, which is another task's. Somebody answers the wrong people.",
            task.item.key
        );
    }
}

#[tokio::test]
async fn a_task_without_an_item_is_left_out_and_counted() {
    let github = Counting::knowing([1, 3]);
    // The second and the third are about the same item.
    let rows = vec![row(1, 1), row(2, 2), row(3, 2), row(4, 3)];
    let stitched = tokio::spawn(async move {
        with_items(&ctx(), rows, &github).await.expect("github answers, and one item is not there")
    });
    let stitched = stitched.await.ok();
    assert!(
        stitched.is_some(),
        "github does not know one of three items, and nobody sees any task: the whole page is gone for it."
    );
    let stitched = stitched.unwrap_or_default();
    let ranks: Vec<_> = stitched.tasks.iter().filter_map(|task| task.rank).collect();
    assert!(
        ranks == [1, 4],
        "github does not know the item that the second and the third of four tasks are about, and the page has the ranks \
         {ranks:?}."
    );
    assert!(
        stitched.without_item == 2,
        "Two tasks are missing from the page, both about one item, and {} are counted as left out: nobody will look for \
         the rest. What is counted, tasks or items?",
        stitched.without_item
    );
}

#[tokio::test]
async fn when_github_is_down_the_page_says_so() {
    let ended = with_items(&ctx(), page(), &Counting::down()).await;
    assert!(
        ended.is_err(),
        "github is down, and the page says that there is nothing to do. Somebody goes home early."
    );
    assert!(
        matches!(ended, Err(Fault::Unavailable(_))),
        "github is down for a moment, and the page says {ended:?}. What github says tells whether it helps to try again."
    );
}

#[tokio::test]
async fn in_the_real_modules_an_outage_of_github_is_a_503() {
    let database = Database::sqlite().unwrap();
    let github = database.named("github").unwrap();
    let arguments =
        ["monolith-02", "--database-url", database.url(), "--github-database-url", github.as_str()];
    let config = Config::try_parse_from(arguments).unwrap();
    migrate(&config.modules.databases, &MODULES).await.unwrap();
    let bus = Arc::new(Bus::default());
    let stores = Stores::open(&config.modules.databases, Some(bus.clone())).await.unwrap();
    let modules = Modules::new(&config.modules, &stores, &bus).await.unwrap();
    modules.ports.github.deliver(&ctx(), delivery("opened", "2019-06-01T00:00:00Z")).await.unwrap();
    bus.settled().await;
    let url = listening(step_02_backlog::router(modules.ports.backlog.clone())).await;
    let before = get(&url, "/api/tasks").await;
    let page: Value = before.json().await.unwrap();
    let tasks = page["items"].as_array().map_or(0, Vec::len);
    assert!(tasks == 1, "An issue was opened, and the real backlog shows {tasks} tasks: {page}.");

    stores.github.close().await;
    let answer = get(&url, "/api/tasks").await;
    let (status, body) = (answer.status(), answer.text().await.unwrap());
    assert!(
        status == 503 && body.contains("urn:automator:unavailable"),
        "The database of github's items is away, and whoever asks for the backlog gets {status} instead of 503: {body}."
    );
}

/// Serves `routes` on a port of their own, for as long as the test's runtime lives.
async fn listening(routes: Router) -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, chassis::http::frame(routes)).await });
    url
}

async fn get(url: &str, path: &str) -> reqwest::Response {
    let client = chassis::client::client(Duration::from_secs(10)).unwrap();
    client.get(format!("{url}{path}")).send().await.unwrap()
}

#[test]
fn in_the_real_system_a_page_of_the_backlog_is_whole() {
    let step =
        Step { number: "02", binary: env!("CARGO_BIN_EXE_system-02"), folder: env!("CARGO_MANIFEST_DIR") };
    with_system(
        &step,
        |options| options,
        async |app| {
            app.is_followed().await;
            let page = app.get("/api/tasks?limit=50").await.is(200);
            let ranks: Vec<_> = page.items().iter().filter_map(|task| task["rank"].as_u64()).collect();
            let expected: Vec<_> = (1..).take(page.items().len()).collect();
            assert!(
                !ranks.is_empty() && ranks == expected,
                "A page of the real backlog has the ranks {ranks:?}: tasks are missing, or stand where they do not belong."
            );
        },
    );
}
