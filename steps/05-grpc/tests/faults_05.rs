//! The service for tasks is killed, stopped, slow, and answers nonsense: nobody waits longer than they said, what does not need it works, and when it is
//! back nobody else has to be restarted.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test")]

use std::{
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use acceptance::{
    App, Database, Step, eventually,
    futures::{StreamExt, future::ready, join, stream},
    harness::{Part, Trouble, Wire, http::Request, ports::Port},
    serde_json::json,
    tokio::{task::spawn_blocking, time::sleep},
};

acceptance::on_both_databases!(
    killed_while_events_arrive_it_gets_them_all,
    without_it_its_pages_say_so_and_the_others_work,
    stopped_it_costs_a_caller_what_the_caller_has,
    slow_or_babbling_it_costs_a_bounded_time_and_gets_every_event,
    two_of_it_share_the_work_and_one_is_enough,
    one_of_two_that_hangs_costs_a_few_callers_their_time,
    a_page_costs_at_most_two_calls,
    what_a_stop_could_not_hand_over_is_said_and_an_import_brings_it,
    an_import_brings_what_another_lost_when_it_was_killed,
    a_database_that_comes_late_ends_nobody,
);

const REST: &str = "sendgrid/rest";

/// How long a request may take that needs the service, when it is away: no connection is made, or one second is tried, and what a busy
/// machine may add. Without a limit it would be ten.
const AWAY: Duration = Duration::from_secs(6);
/// For how long the service is stopped, and comes back.
const PAUSE: Duration = Duration::from_secs(4);
/// How long one may take that does not need it.
const UNTOUCHED: Duration = Duration::from_millis(3_500);

/// What an instance logs where its calls are counted. The rest of its lines would push them out of what is kept of a log.
const DEBUG: &str = "warn,step_05_backlog=debug";

/// How many readers there are at a time, where their number counts.
const AT_ONCE: usize = 4;
/// Those with tables.
const WITH_TABLES: [&str; 3] = ["notify", "backlog", "monolith"];
/// For how long the database is away before it comes, and how long its tables are away after it. Long enough for whoever ends
/// for want of it to have ended.
const LATE: Duration = Duration::from_secs(2);
/// How long all may take to be ready then: five seconds are the longest pause between two looks.
const READY: Duration = Duration::from_secs(120);
/// How often the service is killed.
const KILLS: u64 = 6;

async fn killed_while_events_arrive_it_gets_them_all(database: Database) {
    let app = Arc::new(App::start(&step(""), database, |options| options).unwrap());
    app.without_rules().await;
    let killer = thread::spawn({
        let app = Arc::clone(&app);
        move || (1..=KILLS).for_each(|round| kill(&app, round))
    });
    let opened = stream::iter(0..40).map(async |number| {
        sleep(Duration::from_millis(number * 120)).await;
        // GitHub is told 202 whoever is away.
        app.told(json!({ "action": "opened", "repository": REST, "title": format!("item {number}") }))
            .await
            .number()
    });
    let reads = stream::iter(0..30).map(async |number| {
        sleep(Duration::from_millis(number * 150)).await;
        let (took, answer) = timed(async { app.get("/api/tasks").await }).await;
        assert!(matches!(answer.status, 200 | 503), "{answer}");
        took
    });
    let (opened, mut took): (Vec<i64>, Vec<Duration>) =
        join!(opened.buffer_unordered(4).collect::<Vec<_>>(), reads.buffer_unordered(4).collect());
    while !killer.is_finished() {
        sleep(Duration::from_millis(20)).await;
    }
    killer.join().expect("every kill was followed by a start");
    took.sort();
    assert!(took[took.len() - 1] < AWAY, "reads took up to {:?}", took[took.len() - 1]);
    for number in opened {
        let _ = app.task(&format!("{REST}#{number}")).await;
    }
}

async fn without_it_its_pages_say_so_and_the_others_work(database: Database) {
    let app = App::start(&step(""), database, |options| options).unwrap();
    let _ = app.import().await;
    app.system().kill("backlog").unwrap();
    for path in ["/api/tasks", "/api/rules"] {
        let (took, answer) = timed(async { app.get(path).await }).await;
        let answer = answer.is(503);
        assert_eq!(answer["type"], "urn:automator:unavailable", "{answer}");
        assert!(took < AWAY, "{path}: {took:?}");
    }
    let page = app.get("/").header("accept", "text/html").await.is(503);
    assert!(page.text.contains("<html") && page.text.contains("backlog is not available"), "{page}");
    for path in ["/team", "/measures", "/api/items", "/api/team", "/api/measures", "/health/ready"] {
        let (took, answer) = timed(async { app.get(path).await }).await;
        let _ = answer.is(200);
        assert!(took < UNTOUCHED, "{path}: {took:?}");
    }
    app.system().start_again("backlog").unwrap();
    eventually("tasks are there again", async || (app.get("/api/tasks").await.status == 200).then_some(()))
        .await;
}

async fn stopped_it_costs_a_caller_what_the_caller_has(database: Database) {
    let app = App::start(&step(""), database, |options| options).unwrap();
    let _ = app.import().await;
    app.system().pause("backlog").unwrap();
    let back = async {
        sleep(PAUSE).await;
        app.system().resume("backlog").unwrap();
    };
    let hasty = async { app.get("/api/tasks").header("x-request-timeout", "500").await };
    let patient = async { app.get("/api/tasks").await };
    let others = async { app.get("/api/team").await };
    let ((hasty, late), (patient, whole), (others, team), ()) =
        join!(timed(hasty), timed(patient), timed(others), back);
    let _ = late.is(504);
    let (_, _) = (whole.is(200), team.is(200));
    assert!(hasty >= Duration::from_millis(450) && hasty < UNTOUCHED, "{hasty:?}");
    assert!(patient < PAUSE * 2 && others < UNTOUCHED, "{patient:?} {others:?}");

    // One that hangs for good costs what the gateway and Automator allow, not more.
    app.system().pause("backlog").unwrap();
    let (took, answer) = timed(async { app.get("/api/tasks").await }).await;
    app.system().resume("backlog").unwrap();
    assert!(matches!(answer.status, 503 | 504), "{answer}");
    assert!(took < Duration::from_secs(12), "{took:?}");
    eventually("tasks are there again", async || (app.get("/api/tasks").await.status == 200).then_some(()))
        .await;
}

async fn slow_or_babbling_it_costs_a_bounded_time_and_gets_every_event(database: Database) {
    let port = Port::take().unwrap();
    let wire = Wire::start(([127, 0, 0, 1], port.number()).into()).await.unwrap();
    let app = App::start(&step(""), database, |options| {
        options.port("backlog", port.number()).via("backlog", wire.url())
    })
    .unwrap();
    app.without_rules().await;
    let mut opened = Vec::new();
    for (what, trouble, expected) in [
        ("a little slow", Trouble::Slow(Duration::from_millis(100)), &[200][..]),
        ("slow", Trouble::Slow(Duration::from_secs(60)), &[504]),
        ("babbling", Trouble::Babble, &[503]),
        // What is cut in the middle may have a whole answer in its first half.
        ("cut off in its answers", Trouble::Cut, &[503, 200]),
        ("gone", Trouble::Gone, &[503]),
    ] {
        wire.set(trouble);
        let reads = stream::iter(0..8).map(async |_| {
            let ask = async { app.get("/api/tasks").header("x-request-timeout", "2000").await };
            let (took, answer) = timed(ask).await;
            assert!(expected.contains(&answer.status), "{what}: {answer}");
            assert!(took < AWAY, "{what}: a read took {took:?}");
            answer.status
        });
        let event = json!({ "action": "opened", "repository": REST, "title": what });
        let others = async {
            let (took, answer) = timed(async { app.get("/api/team").await }).await;
            let _ = answer.is(200);
            assert!(took < UNTOUCHED, "{what}: {took:?}");
        };
        let (statuses, told, ()) =
            join!(reads.buffer_unordered(4).collect::<Vec<u16>>(), app.told(event), others);
        assert!(statuses.contains(&expected[0]), "{what}: {statuses:?}");
        opened.push(told.number());
        wire.set(Trouble::None);
        eventually("tasks are there again", async || {
            (app.get("/api/tasks").await.status == 200).then_some(())
        })
        .await;
    }
    for number in opened {
        let _ = app.task(&format!("{REST}#{number}")).await;
    }
}

async fn two_of_it_share_the_work_and_one_is_enough(database: Database) {
    let app = App::start(&step("/tests/instances"), database, |options| {
        options.env("backlog", "RUST_LOG", DEBUG).env("backlog-2", "RUST_LOG", DEBUG)
    })
    .unwrap();
    let _ = app.import().await;
    let failed = async || {
        let reads = stream::iter(0..40).map(async |_| app.get("/api/tasks?limit=1").await.status);
        reads.buffer_unordered(AT_ONCE).filter(|&status| ready(status != 200)).count().await
    };
    let before = (calls(&app, "backlog").await, calls(&app, "backlog-2").await);
    assert_eq!(failed().await, 0);
    let (one, two) = (calls(&app, "backlog").await - before.0, calls(&app, "backlog-2").await - before.1);
    assert!(one >= 10 && two >= 10, "one took {one} calls, the other {two}");

    // What was on its way to the one that is gone is cut off, and nothing after that.
    app.system().kill("backlog-2").unwrap();
    let cut_off = failed().await;
    assert!(cut_off <= AT_ONCE, "{cut_off} of 40 reads failed");
    assert_eq!(failed().await, 0);
    app.system().start_again("backlog-2").unwrap();
    app.system().kill("backlog").unwrap();
    eventually("the one that came back is asked", async || {
        (app.get("/api/tasks?limit=1").await.status == 200).then_some(())
    })
    .await;
}

async fn one_of_two_that_hangs_costs_a_few_callers_their_time(database: Database) {
    let app = App::start(&step("/tests/instances"), database, |options| {
        options.env("backlog-2", "RUST_LOG", DEBUG)
    })
    .unwrap();
    let _ = app.import().await;
    let read = async || app.get("/api/tasks?limit=1").header("x-request-timeout", "2000").await.status;
    app.system().pause("backlog-2").unwrap();
    let statuses: Vec<u16> = stream::iter(0..60).map(|_| read()).buffer_unordered(AT_ONCE).collect().await;
    let late = statuses.iter().filter(|&&status| status != 200).count();
    // Those who were with it when it was noticed, and nobody after them.
    assert!((1..=AT_ONCE).contains(&late), "{late} of 60 waited in vain: {statuses:?}");
    let asked = calls(&app, "backlog-2").await;
    app.system().resume("backlog-2").unwrap();
    eventually("it is asked again", async || {
        let _ = read().await;
        (calls(&app, "backlog-2").await > asked + late).then_some(())
    })
    .await;
}

async fn a_page_costs_at_most_two_calls(database: Database) {
    let app = App::start(&step(""), database, |options| options.env("backlog", "RUST_LOG", DEBUG)).unwrap();
    let _ = app.import().await;
    let task = app.get("/api/tasks?limit=1").await.is(200);
    let id = task.items()[0]["id"].as_str().unwrap().to_owned();
    for path in [
        "/".to_owned(),
        "/?status=intake".to_owned(),
        format!("/tasks/{id}"),
        "/team".to_owned(),
        "/measures".to_owned(),
    ] {
        let before = calls(&app, "backlog").await;
        let _ = app.get(&path).await.is(200);
        let cost = calls(&app, "backlog").await - before;
        assert!(cost <= 2, "{path} costs {cost} calls");
    }
}

async fn what_a_stop_could_not_hand_over_is_said_and_an_import_brings_it(database: Database) {
    let app = App::start(&step(""), database, |options| options).unwrap();
    app.without_rules().await;
    app.system().kill("backlog").unwrap();
    let mut opened = Vec::new();
    for _ in 0..5 {
        opened.push(app.told(json!({ "action": "opened", "repository": REST })).await.number());
    }
    app.system().terminate("monolith").expect("it stops in time, and well");
    let log = app.system().log("monolith").unwrap();
    let said: Vec<&str> = log.lines().filter(|line| line.contains("events are lost")).collect();
    assert_eq!(said.len(), 1, "one listener was away: {log}");
    for expected in ["ERROR", "backlog", "events=5", "5 github.item_opened of sendgrid/rest"] {
        assert!(said[0].contains(expected), "{expected} is not in {}", said[0]);
    }
    app.system().start_again("backlog").unwrap();
    app.system().start_again("monolith").unwrap();
    // What is told from now on arrives; what was lost does not come by itself.
    app.marker(REST).await;
    assert!(app.task_about(&format!("{REST}#{}", opened[0])).await.is_none(), "it was not lost");
    let _ = app.import().await;
    for number in opened {
        let _ = app.task(&format!("{REST}#{number}")).await;
    }
}

async fn an_import_brings_what_another_lost_when_it_was_killed(database: Database) {
    let app = App::start(&step(""), database, |options| options).unwrap();
    app.system().kill("backlog").unwrap();
    let started = app.post("/api/imports", &json!({})).await.is(202);
    let place = format!("/api/imports/{}", started["id"].as_str().unwrap());
    let done = async || {
        let import = app.get(&place).await.is(200);
        (import["status"] == "done").then_some(())
    };
    eventually("the import is done", done).await;
    app.system().kill("monolith").unwrap();
    app.system().start_again("backlog").unwrap();
    app.system().start_again("monolith").unwrap();
    app.marker(REST).await;
    let tasks = async || app.all("/api/tasks?limit=100").await.len();
    assert_eq!(tasks().await, 1, "nothing was lost");
    // Waits until every open item has a task.
    let _ = app.import().await;
    assert!(tasks().await > 50);
}

/// How many calls an instance has answered, as its log has it when no more lines come.
async fn calls(app: &App, process: &str) -> usize {
    let logged =
        || app.system().log(process).unwrap().lines().filter(|line| line.contains("call answered")).count();
    let mut calls = logged();
    loop {
        sleep(Duration::from_millis(300)).await;
        let now = logged();
        if now == calls {
            return calls;
        }
        calls = now;
    }
}

/// Kills the service after a while and starts it again after another.
fn kill(app: &App, round: u64) {
    thread::sleep(Duration::from_millis(200 + round * 137 % 400));
    app.system().kill("backlog").expect("it was running");
    thread::sleep(Duration::from_millis(100 + round * 211 % 900));
    app.system().start_again("backlog").expect("it comes back");
}

async fn timed<T>(work: impl Future<Output = T>) -> (Duration, T) {
    let start = Instant::now();
    let done = work.await;
    (start.elapsed(), done)
}

/// The step, or a variant of it.
/// The database, then its tables: everybody is started before either, lives, takes no traffic, says so once, and serves when both
/// are there. A file is never late.
async fn a_database_that_comes_late_ends_nobody(database: Database) {
    let Some(server) =
        database.url().split(['@', '/']).nth(3).filter(|_| !database.url().starts_with("sqlite"))
    else {
        return;
    };
    let wire = Wire::start(server.parse().unwrap()).await.unwrap();
    wire.set(Trouble::Gone);
    let late = database.url().replace(server, wire.url().trim_start_matches("http://"));
    let ports = WITH_TABLES.map(|name| (name, Port::take().unwrap()));
    let numbers = ports.each_ref().map(|(name, port)| (*name, port.number()));
    let start = |part: Part, ports: Vec<(&'static str, u16)>| {
        let (database, late) = (database.clone(), late.clone());
        thread::spawn(move || {
            App::start(&step("/tests/late"), database, |options| {
                let options = options.part(part).value("database", late).ready_within(READY);
                ports.into_iter().fold(options, |options, (name, port)| options.port(name, port))
            })
        })
    };
    let serving = start(Part::Lasting, numbers.to_vec());
    let status = async |port: u16, path: &'static str| {
        let asked = spawn_blocking(move || {
            let base = format!("http://127.0.0.1:{port}");
            let limit = Duration::from_secs(5);
            Request { method: "GET", base: &base, path, headers: &[], body: "", limit }.send()
        });
        asked.await.unwrap().map_or(0, |answer| answer.status)
    };
    for (name, port) in numbers {
        eventually(&format!("{name} lives"), async || {
            (status(port, "/health/live").await == 200).then_some(())
        })
        .await;
    }
    let migrating = start(Part::Once, Vec::new());
    sleep(LATE).await;
    for (name, port) in numbers {
        assert_eq!(status(port, "/health/ready").await, 503, "{name} has no database");
    }
    assert!(!migrating.is_finished(), "the migration waits too");
    wire.set(Trouble::None);
    // Whoever ends early fails its start.
    let ended = spawn_blocking(move || (migrating.join().unwrap().map(drop), serving.join().unwrap()));
    let (migrated, app) = ended.await.unwrap();
    migrated.unwrap();
    let app = app.unwrap();
    let _ = app.import().await;
    for name in WITH_TABLES {
        let log = app.system().log(name).unwrap();
        assert_eq!(log.matches("waiting: not ready meanwhile").count(), 1, "{log}");
    }
}

fn step(variant: &str) -> Step {
    let folder = format!("{}{variant}", env!("CARGO_MANIFEST_DIR"));
    Step { number: "05", binary: env!("CARGO_BIN_EXE_system-05"), folder: folder.leak() }
}
