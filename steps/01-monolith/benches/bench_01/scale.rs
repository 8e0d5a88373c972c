//! What a request costs with more and more open tasks: CPU of the process and of the database, each request alone.

use std::time::{Duration, Instant};

use acceptance::{
    App,
    anyhow::{Result, ensure},
    serde_json::json,
    tokio::runtime::Runtime,
};
use automator_backlog::scores::Scores;
use bench::{cpu_time, number};
use step_01_monolith::tasks::TABLES;
use store::{Store, query};

/// How many times the rows of the import are there, one step after the other.
const TIMES: [i64; 3] = [1, 10, 92];

/// Requests of each kind: at least so many, and for so long, because CPU is counted in hundredths of a second.
const REQUESTS: usize = 5;
const FOR: Duration = Duration::from_secs(1);
/// Of how many tasks one is asked for: they stand all over the backlog.
const ASKED: usize = 100;

/// Each copies the rows of the import once more, under other names; `$1` is which copy it is.
const COPIES: [&str; 3] = [
    "INSERT INTO items (id, repository_id, item_key, node_id, number, kind, title, url, author, state, labels, category, difficulty, \
                        comments, reactions, created_at, updated_at, closed_at, waiting, waiting_since, version) \
     SELECT i.id || '+' || CAST($1 AS TEXT), i.repository_id, r.name || '#' || CAST(i.number + $2 AS TEXT), i.node_id, i.number + $2, \
            i.kind, i.title, i.url, i.author, i.state, i.labels, i.category, i.difficulty, i.comments, i.reactions, \
            i.created_at + $2, i.updated_at, i.closed_at, i.waiting, i.waiting_since, i.version \
     FROM items i JOIN repositories r ON r.id = i.repository_id WHERE i.number < 1000000",
    "INSERT INTO timeline (id, item_id, source, kind, actor, bot, at, version) \
     SELECT w.id || '+' || CAST($1 AS TEXT), w.item_id || '+' || CAST($1 AS TEXT), w.source, w.kind, w.actor, w.bot, w.at + $2, w.version \
     FROM timeline w JOIN items i ON i.id = w.item_id WHERE i.number < 1000000",
    "INSERT INTO tasks (id, item_id, repository_id, item_key, opened_at, status, assignee_id, due_day, reach, impact, confidence, effort, \
                        rice_set, version, created_at, updated_at, precedence) \
     SELECT substr(t.id, 1, 24) || CAST(100000000000 + $2 AS TEXT), i.id, t.repository_id, i.item_key, i.created_at, t.status, \
            t.assignee_id, t.due_day, t.reach, t.impact, t.confidence, t.effort, t.rice_set, t.version, t.created_at, t.updated_at, \
            t.precedence \
     FROM tasks t JOIN items i ON i.id = t.item_id || '+' || CAST($1 AS TEXT) JOIN items o ON o.id = t.item_id WHERE o.number < 1000000",
];

/// Prints the curve. Blocks.
pub(crate) fn measure(runtime: &Runtime, app: &App, tasks: usize) -> Result<()> {
    let engine = app.database().engine();
    println!(
        "\n{engine}: milliseconds of CPU a request, process + database, and how long half of them took at most"
    );
    let store = runtime.block_on(Store::connect(&app.database().url().parse().map_err(Wrong)?))?;
    let mut copies = 1;
    for times in TIMES {
        while copies < times {
            for copy in COPIES {
                // A statement that is a good deal longer than one of ours would run into its time limit.
                let copied = query(copy).bind(copies.to_string()).bind(copies * 1_000_000);
                runtime.block_on(copied.execute(&store))?;
            }
            copies += 1;
        }
        // The copies were made behind the back of whoever counts tasks.
        let _ = runtime.block_on(Scores::of(store.clone(), TABLES))?;
        app.database().analyze()?;
        println!("\n  {} open tasks", tasks * usize::try_from(times)?);
        all(runtime, app, &store)?;
    }
    Ok(())
}

#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Wrong(String);

fn all(runtime: &Runtime, app: &App, store: &Store) -> Result<()> {
    let open = "SELECT id FROM tasks WHERE status <> 'done' ORDER BY precedence, opened_at, item_key";
    let ids: Vec<(String,)> = runtime.block_on(query(open).fetch_all(store))?;
    ensure!(ids.len() >= ASKED, "only {} tasks are open", ids.len());
    let task = |number: usize| format!("/api/tasks/{}", ids[number % ASKED * (ids.len() / ASKED)].0);
    let get = |path: &str| runtime.block_on(app.get(path).into_future()).status;
    let change = |number: usize| {
        let body = json!({ "rice": { "reach": 10 + number } });
        runtime.block_on(app.patch(&task(number), &body).into_future()).status
    };
    cost(app, "a page of 100 tasks", |_| get("/api/tasks?limit=100"))?;
    cost(app, "the same by due date", |_| get("/api/tasks?sort=due&limit=100"))?;
    cost(app, "one task", |number| get(&task(number)))?;
    cost(app, "a change of one", change)?;
    cost(app, "a page of 100 items", |_| get("/api/items?limit=100"))?;
    cost(app, "the measures", |_| get("/api/measures"))
}

fn cost(app: &App, what: &str, request: impl Fn(usize) -> u16) -> Result<()> {
    let process = app.system().id("monolith")?;
    let spent = || Some((cpu_time(process)?, app.database().cpu_time()?));
    let status = request(0);
    let (before, begun) = (spent(), Instant::now());
    let mut took = Vec::new();
    while took.len() < REQUESTS || begun.elapsed() < FOR {
        let start = Instant::now();
        let again = request(took.len() + 1);
        took.push(start.elapsed());
        ensure!(again == status, "{what}: {again} after {status}");
    }
    took.sort_unstable();
    let each = |time: Duration| number_of(time / u32::try_from(took.len()).unwrap_or(u32::MAX));
    let cpu = match (before, spent()) {
        (Some(before), Some(after)) => {
            format!("{} + {}", each(after.0 - before.0), each(after.1.saturating_sub(before.1)))
        }
        _ => "not measured".to_owned(),
    };
    println!("    {what:22} {cpu:>16} ms CPU, {:>8} ms{}", number_of(took[took.len() / 2]), said(status));
    Ok(())
}

fn number_of(time: Duration) -> String {
    number(Some(time.as_secs_f64() * 1_000.0))
}

fn said(status: u16) -> String {
    if status == 200 { String::new() } else { format!(", answered {status}") }
}
