//! A new version that ranks wrongly, behind the shadow: it is found, and no client sees it.

#![expect(clippy::expect_used, reason = "a test")]

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use acceptance::{
    App, Database, Step, eventually,
    harness::{Fault, Proxy},
    serde_json::{Value, json},
    tempfile::TempDir,
    tokio::runtime,
};

const ROUTES: &str = r#"
[upstream.old]
url = "${OLD_URL}"

[[route]]
name = "everything"
prefix = "/"
old = "old"
timeout_ms = 15_000
"#;

/// The route of the tasks, with a second upstream.
fn tasks(second: &Proxy, percent: u8) -> String {
    format!(
        "{ROUTES}\n[upstream.new]\nurl = \"{}\"\n\n[[route]]\nname = \"tasks\"\nprefix = \"/api/tasks\"\nold = \"old\"\n\
         new = \"new\"\npercent = {percent}\nshadow = true\nignore = [\"/items/*/updated_at\"]\n",
        second.url()
    )
}

/// Who is second comes first.
fn misranked() -> Fault {
    Fault::rewrite(|_, page| {
        if let Some(tasks) = page["items"].as_array_mut()
            && tasks.len() > 1
        {
            tasks.swap(0, 1);
        }
    })
    .on("GET", "/api/tasks")
}

#[test]
fn a_wrong_ranking_is_found_and_no_client_sees_it() {
    with_second(async |app, second, table| {
        let _ = app.import().await;

        app.use_table(table, &tasks(second, 0)).await;
        let right = look(app).await;
        let counts = settled(app, 10).await;
        assert_eq!((counts["equal"].clone(), counts["different"].clone()), (json!(10), json!(0)), "{counts}");

        second.add(misranked());
        assert_eq!(look(app).await, right, "a client has seen it");
        let counts = settled(app, 20).await;
        assert_eq!(
            (counts["equal"].clone(), counts["different"].clone()),
            (json!(10), json!(10)),
            "{counts}"
        );
        let finding = &counts["findings"][0];
        assert_eq!(finding["path_and_query"], "/api/tasks?limit=5", "{counts}");
        let places = finding["differences"].as_array().into_iter().flatten().map(|place| place["at"].clone());
        assert!(places.into_iter().any(|place| place == "/items/0/rank"), "{counts}");

        // A write is counted, and not copied.
        let before = second.seen().len();
        let id = right[0][0]["id"].as_str().expect("a task has an id").to_owned();
        let _ = app.patch(&format!("/api/tasks/{id}"), &json!({ "status": "in_progress" })).await.is(200);
        assert_eq!(settled(app, 21).await["skipped"], 1);
        assert_eq!(second.seen().len(), before, "a write was made twice");

        // That it is real: whoever is sent there sees it, and one edit sends them back.
        let right = look(app).await;
        app.use_table(table, &tasks(second, 100)).await;
        assert_ne!(look(app).await, right, "the fault is none");
        app.use_table(table, &tasks(second, 0)).await;
        assert_eq!(look(app).await, right);
    });
}

#[test]
fn a_second_upstream_that_hangs_costs_no_client_anything() {
    with_second(async |app, second, table| {
        second.add(Fault::delay(Duration::from_secs(60)));
        let table_text = tasks(second, 0) + "timeout_ms = 1_500\n";
        app.use_table(table, &table_text).await;
        let start = Instant::now();
        // Ten looks: whoever waited for the second one each time would need 15 seconds.
        let _ = look(app).await;
        assert!(start.elapsed() < Duration::from_secs(12), "clients waited: {:?}", start.elapsed());
        let counts = settled(app, 5).await;
        assert!(counts["unknown"].as_u64() >= Some(5), "{counts}");
        assert_eq!((&counts["equal"], &counts["different"]), (&json!(0), &json!(0)), "{counts}");
    });
}

/// Runs `test` on an Automator, with a second way to it, and the place of the gateway's table.
fn with_second(test: impl AsyncFnOnce(&App, &Proxy, &Path)) {
    let folder = TempDir::new().expect("a temporary folder");
    let table = folder.path().join("gateway.toml");
    fs::write(&table, ROUTES).expect("the folder can be written");
    let step =
        Step { number: "03", binary: env!("CARGO_BIN_EXE_system-03"), folder: env!("CARGO_MANIFEST_DIR") };
    let place = table.display().to_string();
    let start =
        |database| App::start(&step, database, |options| options.env("gateway", "GATEWAY_TABLE", place));
    let app = Database::sqlite().and_then(start).expect("the system starts");
    let runtime = runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let second = Proxy::start(app.system().url("monolith").expect("it listens")).await.expect("a port");
        test(&app, &second, &table).await;
    });
}

/// What a client sees that looks ten times at the first tasks.
async fn look(app: &App) -> Vec<Value> {
    let mut seen = Vec::new();
    for _ in 0..10 {
        seen.push(app.get("/api/tasks?limit=5").await.is(200).body["items"].clone());
    }
    seen
}

/// The counts of the one shadow, as soon as so many requests were counted.
async fn settled(app: &App, count: u64) -> Value {
    eventually("every request is counted", async || {
        let counts = app.get("/gateway/shadow").await.is(200)["routes"][0].clone();
        let numbers = ["equal", "different", "unknown", "dropped", "skipped"];
        let counted: u64 = numbers.iter().filter_map(|number| counts[*number].as_u64()).sum();
        (counted >= count).then_some(counts)
    })
    .await
}
