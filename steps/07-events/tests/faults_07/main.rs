//! Processes of step 07 are killed: between any two writes, at random, the feed for a while, and in the middle of an import; and on PostgreSQL
//! their connections are cut. Every message arrives, and each has its effect once.
//!
//! `WORKSHOP_KILLS=1000` kills as often at random, for a long run; 50 times unless told, half of them on each database.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test")]

mod people;

use std::{
    env, fs,
    path::Path,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use acceptance::{
    App, Database, Engine, Step,
    serde_json::json,
    tempfile::TempDir,
    tokio::{runtime::Handle, task::spawn_blocking, time::sleep},
};
use step_07_events::crash::POINTS;
use store::{Query, Store};

use people::{Person, check, told};

acceptance::on_both_databases!(
    killed_between_any_two_writes_nothing_is_lost_and_nothing_is_done_twice,
    killed_at_random_nothing_is_lost_and_nothing_is_done_twice,
    while_the_feed_is_away_everybody_works_and_what_was_told_arrives,
    an_import_killed_in_its_middle_leaves_no_open_item_without_a_task,
    over_one_database_each_service_does_its_own_errands,
);

/// Those who send and take messages.
const SERVICES: [&str; 4] = ["github", "web", "backlog", "insights"];
/// Those who are killed at random: they, and what carries the messages.
const KILLED: [&str; 5] = ["github", "web", "backlog", "insights", "feed"];
/// The databases whose connections are cut, beside that of `web`.
const DATABASES: [&str; 4] = ["github", "backlog", "insights", "feed"];
/// How often, unless `WORKSHOP_KILLS` says another number.
const KILLS: u64 = 50;
/// How long a process may take to come to the point at which it is to die.
const DIES_WITHIN: Duration = Duration::from_secs(40);
/// For how long the feed is away.
const AWAY: Duration = Duration::from_secs(3);

async fn killed_between_any_two_writes_nothing_is_lost_and_nothing_is_done_twice(database: Database) {
    let folder = TempDir::new().unwrap();
    let file = |service: &str| folder.path().join(service);
    let app = App::start(&step(), database, |options| {
        SERVICES.iter().fold(options.env("web", "TELL_ASSIGNEES", "1"), |options, service| {
            options.env(service, "CRASH_FILE", file(service).display().to_string())
        })
    });
    let app = Arc::new(app.unwrap());
    let mut people = Vec::new();
    for point in POINTS {
        for service in SERVICES.iter().filter(|service| has(service, point)) {
            fs::write(file(service), point).unwrap();
        }
        let keeper = spawn_blocking({
            let (app, folder) = (Arc::clone(&app), folder.path().to_owned());
            move || keep(&app, point, &folder)
        });
        people.push(Person::comes(&app, people.len()).await);
        keeper.await.unwrap();
        // Nobody is killed while GitHub is asked to say something: that is the one thing that may be done twice.
        told(&app, people.len()).await;
    }
    check(&app, &people, 0).await;
}

/// Whether a service passes a point: the read models tell nothing.
fn has(service: &str, point: &str) -> bool {
    service != "insights" || !(point.starts_with("outbox") || point.starts_with("publish"))
}

/// Starts each service again that has died at `point`, until all that shall have.
fn keep(app: &App, point: &str, folder: &Path) {
    let until = Instant::now() + DIES_WITHIN;
    let mut living: Vec<&str> = SERVICES.into_iter().filter(|service| has(service, point)).collect();
    while !living.is_empty() {
        living.retain(|service| {
            let lives = folder.join(service).exists();
            if !lives {
                // It may have ended already.
                let _ = app.system().kill(service);
                app.system().start_again(service).expect("it comes back");
            }
            lives
        });
        assert!(Instant::now() < until, "{living:?} never came to {point}");
        thread::sleep(Duration::from_millis(10));
    }
}

async fn killed_at_random_nothing_is_lost_and_nothing_is_done_twice(database: Database) {
    let kills = env::var("WORKSHOP_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(KILLS) / 2;
    let app = App::start(&step(), database.clone(), |options| options.env("web", "TELL_ASSIGNEES", "1"));
    let app = Arc::new(app.unwrap());
    let is_postgres = database.engine() == Engine::Postgres;
    let (connections, runtime) = (ConnectionKiller::of(&database).await, Handle::current());
    let is_over = Arc::new(AtomicBool::new(false));
    let killer = thread::spawn({
        let (app, is_over) = (Arc::clone(&app), Arc::clone(&is_over));
        move || {
            // The same kills in each run, as far as the machine is the same.
            let (mut random, mut cuts) = (Random(7), 0);
            for _ in 0..kills {
                thread::sleep(Duration::from_millis(random.below(150)));
                if random.below(3) == 0
                    && let Some(connections) = &connections
                {
                    cuts += runtime.block_on(connections.cut());
                }
                let service = KILLED[usize::try_from(random.below(KILLED.len() as u64)).unwrap()];
                app.system().kill(service).expect("it was running");
                thread::sleep(Duration::from_millis(random.below(100)));
                app.system().start_again(service).expect("it comes back");
            }
            is_over.store(true, Ordering::SeqCst);
            cuts
        }
    });
    let mut people = Vec::new();
    while !is_over.load(Ordering::SeqCst) && !killer.is_finished() {
        people.push(Person::comes(&app, people.len()).await);
    }
    let cuts = killer.join().expect("every kill was followed by a start");
    println!("{kills} kills, {cuts} connections cut, {} people", people.len());
    assert!(!is_postgres || cuts > 0, "no connection was cut");
    assert!(people.len() > 1, "only {} came meanwhile", people.len());
    // One in ten kills at the most meets that moment.
    check(&app, &people, usize::try_from(kills).unwrap() / 10 + 1).await;
}

async fn while_the_feed_is_away_everybody_works_and_what_was_told_arrives(database: Database) {
    let app = App::start(&step(), database, |options| options).unwrap();
    let _ = app.import().await;
    app.system().kill("feed").unwrap();
    let mut opened = Vec::new();
    for _ in 0..5 {
        // GitHub is told 202: what it said is kept.
        opened.push(app.told(json!({ "action": "opened", "repository": people::REST })).await.number());
    }
    let _ = app.member("newcomer").await;
    for path in ["/", "/team", "/measures", "/api/tasks", "/api/items", "/api/measures", "/health/ready"] {
        let _ = app.get(path).await.is(200);
    }
    let task = app.get("/api/tasks?limit=1").await.is(200).items()[0]["id"].as_str().unwrap().to_owned();
    let _ = app.patch(&format!("/api/tasks/{task}"), &json!({ "status": "deferred" })).await.is(200);
    sleep(AWAY).await;
    assert!(
        app.task_about(&format!("{}#{}", people::REST, opened[0])).await.is_none(),
        "there is another way"
    );
    app.system().start_again("feed").unwrap();
    for number in opened {
        let _ = app.task(&format!("{}#{number}", people::REST)).await;
    }
    app.is_followed().await;
    let _ = app.patch(&format!("/api/tasks/{task}"), &json!({ "assignee": "newcomer" })).await.is(200);
}

async fn an_import_killed_in_its_middle_leaves_no_open_item_without_a_task(database: Database) {
    let app = App::start(&step(), database, |options| options).unwrap();
    // Each answer of GitHub's takes its time, so that there is a middle.
    let slow = json!({ "service": "github", "kind": "delay", "delay_ms": 300, "times": null });
    let _ = app.simulators().fault(&slow).await.is(201);
    let started = app.post("/api/imports", &json!({})).await.is(202);
    for (pause, service) in
        [(500, "github"), (300, "backlog"), (200, "feed"), (200, "insights"), (300, "github")]
    {
        sleep(Duration::from_millis(pause)).await;
        app.system().kill(service).unwrap();
        app.system().start_again(service).unwrap();
    }
    let _ = app.simulators().heal().await;
    let _ = app.imported(started["id"].as_str().unwrap()).await;
    assert!(app.all("/api/tasks?limit=100").await.len() > 50);
}

async fn over_one_database_each_service_does_its_own_errands(database: Database) {
    // One after the other: SQLite does not take two at once.
    for service in ["github", "backlog", "insights"] {
        let mut migrate = Command::new(step().binary);
        let ended = migrate.args([service, "migrate"]).env("DATABASE_URL", database.url()).status().unwrap();
        assert!(ended.success(), "{service}: {ended}");
    }
    let app = App::start(&step(), database.clone(), |options| {
        let shared = ["github", "backlog", "insights"].map(|name| format!("database.{name}"));
        let options = options.env("web", "TELL_ASSIGNEES", "1");
        shared.iter().fold(options, |options, name| options.value(name, database.url()))
    });
    let app = app.unwrap();
    let mut people = Vec::new();
    for number in 0..8 {
        people.push(Person::comes(&app, number).await);
    }
    check(&app, &people, 0).await;
}

/// Cuts connections to databases of PostgreSQL.
struct ConnectionKiller {
    store: Store,
    names: String,
}

impl ConnectionKiller {
    /// Those of `database`; none for SQLite, which has no connections.
    async fn of(database: &Database) -> Option<Self> {
        if database.engine() != Engine::Postgres {
            return None;
        }
        let store = Store::connect(&database.url().parse().unwrap()).await.unwrap();
        let mut urls: Vec<_> = DATABASES.iter().map(|name| database.named(name).unwrap()).collect();
        urls.push(database.url().to_owned());
        let name = |url: &String| {
            let path = url.split('?').next().unwrap_or_default();
            format!("'{}'", path.rsplit('/').next().unwrap_or_default())
        };
        let names = urls.iter().map(name).collect::<Vec<_>>().join(", ");
        Some(Self { store, names })
    }

    /// Cuts about half of them, whatever is under way there; how many.
    async fn cut(&self) -> i64 {
        let sql = format!(
            "SELECT count(*) FILTER (WHERE pg_terminate_backend(pid)) FROM pg_stat_activity \
             WHERE datname IN ({}) AND pid <> pg_backend_pid() AND random() < 0.5",
            self.names
        );
        let (cut,) = Query::assembled(sql).fetch_one(&self.store).await.unwrap();
        cut
    }
}

/// Numbers that look like chance and are the same in each run (Park and Miller).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0 * 48_271 % 0x7fff_ffff;
        self.0 % limit
    }
}

fn step() -> Step {
    Step { number: "07", binary: env!("CARGO_BIN_EXE_system-07"), folder: env!("CARGO_MANIFEST_DIR") }
}
