//! What a page costs: one call, of web to backlog. backlog has a copy of every item, and asks nobody.

#![expect(clippy::unwrap_used, reason = "a test")]

use std::time::Duration;

use acceptance::{
    App, Database, Step,
    harness::{Proxy, ports::Port},
    tokio::time::sleep,
};

acceptance::on_both_databases!(a_page_of_tasks_costs_one_call);

/// Those whom a page might ask beside backlog.
const OTHERS: [&str; 3] = ["github", "insights", "notify"];
/// What backlog logs where its calls are counted. The rest of its lines would push them out of what is kept of a log.
const DEBUG: &str = "warn,step_05_backlog=debug";

async fn a_page_of_tasks_costs_one_call(database: Database) {
    let step =
        Step { number: "07", binary: env!("CARGO_BIN_EXE_system-07"), folder: env!("CARGO_MANIFEST_DIR") };
    let mut proxies = Vec::new();
    for name in OTHERS {
        let port = Port::take().unwrap();
        let proxy = Proxy::start(&format!("http://127.0.0.1:{}", port.number())).await.unwrap();
        proxies.push((name, port, proxy));
    }
    let app = App::start(&step, database, |options| {
        let options = options.env("backlog", "RUST_LOG", DEBUG);
        proxies.iter().fold(options, |options, (name, port, proxy)| {
            options.port(name, port.number()).via(name, proxy.url())
        })
    });
    let app = app.unwrap();
    let _ = app.import().await;
    let task = app.get("/api/tasks?limit=1").await.is(200);
    let id = task.items()[0]["id"].as_str().unwrap().to_owned();
    let asked = |name: &str| {
        let (_, _, proxy) = proxies.iter().find(|(known, _, _)| *known == name).unwrap();
        proxy.seen().len()
    };
    for path in ["/api/tasks?limit=100", "/api/tasks?limit=100&sort=age", &format!("/api/tasks/{id}"), "/"] {
        let before = (calls(&app).await, OTHERS.map(asked));
        let _ = app.get(path).await.is(200);
        let after = (calls(&app).await, OTHERS.map(asked));
        assert_eq!(
            (after.0 - before.0, after.1),
            (1, before.1),
            "{path}: calls of backlog, and of {OTHERS:?}"
        );
    }
    // The proxies do see what passes.
    let before = asked("insights");
    let _ = app.get("/measures").await.is(200);
    assert!(asked("insights") > before, "nothing passes where it is counted");
}

/// How many calls backlog has answered, as its log has it when no more lines come.
async fn calls(app: &App) -> usize {
    let logged = || {
        let log = app.system().log("backlog").unwrap();
        log.lines().filter(|line| line.contains("call answered")).count()
    };
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
