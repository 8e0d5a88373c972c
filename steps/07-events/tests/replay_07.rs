//! Read models are thrown away and made again while the rest runs: of the feed, which has everything from the beginning; and, where the feed
//! was trimmed, of what the owners of the facts tell again.

#![expect(clippy::unwrap_used, reason = "a test")]

use std::time::Duration;

use acceptance::{
    App, Database, Step, becomes, eventually,
    serde_json::{Value, json},
};
use store::{DatabaseUrl, Store, query};

acceptance::on_both_databases!(
    insights_thrown_away_and_rebuilt_equal_the_living_ones,
    after_the_feed_was_trimmed_what_is_told_again_rebuilds_them,
    what_is_told_again_is_nothing_new_to_whoever_has_it,
);

const REST: &str = "sendgrid/rest";

async fn insights_thrown_away_and_rebuilt_equal_the_living_ones(database: Database) {
    let app = started(&database).await;
    let rows = rows(&database).await;
    assert!(rows.len() > 200, "{} rows are too few to tell much", rows.len());
    assert!(one(&app, "rebuild-insights").starts_with("thrown away: "));
    // The rest runs: tasks are read and changed meanwhile.
    let task = app.get("/api/tasks?limit=1").await.is(200).items()[0]["id"].as_str().unwrap().to_owned();
    let _ = app.patch(&format!("/api/tasks/{task}"), &json!({ "status": "deferred" })).await.is(200);
    becomes(rows, async || self::rows(&database).await).await;
    app.is_followed().await;
}

async fn after_the_feed_was_trimmed_what_is_told_again_rebuilds_them(database: Database) {
    let app = started(&database).await;
    let rows = rows(&database).await;
    let feed = open(&database, "feed").await;
    let trimmed = query("DELETE FROM messages").execute(&feed).await.unwrap();
    assert!(trimmed > 50, "the feed had {trimmed} messages");
    let _ = one(&app, "rebuild-insights");
    // Nothing is left to be read; what happens from now on is.
    let number = app.told(json!({ "action": "opened", "repository": REST })).await.number();
    let key = format!("\"{REST}#{number}\"");
    eventually("it hears what is new", async || {
        self::rows(&database).await.iter().any(|row| row.contains(&key)).then_some(())
    })
    .await;
    assert!(self::rows(&database).await.len() < rows.len() / 2, "what was trimmed cannot be read");
    for owner in ["retell-github", "retell-web"] {
        assert!(one(&app, owner).starts_with("told again: "), "{owner}");
    }
    let known = async || {
        let now = self::rows(&database).await;
        now.into_iter().filter(|row| !row.contains(&key)).collect::<Vec<_>>()
    };
    becomes(rows, known).await;
}

async fn what_is_told_again_is_nothing_new_to_whoever_has_it(database: Database) {
    let app = started(&database).await;
    let seen = async || {
        let tasks = app.all("/api/tasks?limit=100").await;
        (tasks, app.get("/api/measures").await.is(200).body, rows(&database).await)
    };
    let before = seen().await;
    let calls = async || {
        app.simulators().taken("github").await.len() + app.simulators().taken("sendgrid").await.len()
    };
    let asked = calls().await;
    for owner in ["retell-github", "retell-web"] {
        let _ = one(&app, owner);
    }
    app.marker(REST).await;
    let (mut tasks, _, mut rows) = seen().await;
    // The marker is new; all else is what it was.
    let is_known = |task: &Value| before.0.iter().any(|known| known["id"] == task["id"]);
    let marker = tasks.iter().find(|task| !is_known(task)).unwrap()["item"]["key"].to_string();
    tasks.retain(is_known);
    rows.retain(|row| !row.contains(&marker));
    let others = |these: &[String], those: &[String]| {
        these.iter().filter(|row| !those.contains(row)).cloned().collect::<Vec<_>>()
    };
    let (gone, new) = (others(&before.2, &rows), others(&rows, &before.2));
    assert!(gone.is_empty() && new.is_empty(), "no longer there: {gone:?}, new: {new:?}");
    let versions = |tasks: &[Value]| {
        let mut versions: Vec<_> =
            tasks.iter().map(|task| format!("{} {}", task["id"], task["version"])).collect();
        versions.sort();
        versions
    };
    assert_eq!(versions(&tasks), versions(&before.0), "a task was written again");
    assert_eq!(calls().await, asked, "a rule was set off by what is long past");
}

/// A system that has something to measure: an import, people who talk, a team.
async fn started(database: &Database) -> App {
    let step =
        Step { number: "07", binary: env!("CARGO_BIN_EXE_system-07"), folder: env!("CARGO_MANIFEST_DIR") };
    let app = App::start(&step, database.clone(), |options| options).unwrap();
    let _ = app.member("helper").await;
    let _ = app.member("gone").await;
    let _ = app.patch("/api/team/gone", &json!({ "active": false })).await.is(200);
    let _ = app.import().await;
    let number =
        app.told(json!({ "action": "opened", "repository": REST, "author": "asker" })).await.number();
    let said = |author: &str| json!({ "action": "commented", "repository": REST, "number": number, "author": author });
    let _ = app.told(said("helper")).await;
    let _ = app.told(said("asker")).await;
    app.marker(REST).await;
    app.is_followed().await;
    app
}

/// What a process says that does one thing and ends.
fn one(app: &App, name: &str) -> String {
    app.system().ask_manual(name, &[], Duration::from_secs(30)).unwrap()
}

async fn open(database: &Database, name: &str) -> Store {
    let url: DatabaseUrl = database.named(name).unwrap().parse().unwrap();
    Store::connect(&url).await.unwrap()
}

/// Every row of the read models, in an order.
async fn rows(database: &Database) -> Vec<String> {
    let store = open(database, "insights").await;
    type Item =
        (String, String, String, Option<String>, String, String, String, i64, i64, Option<i64>, Option<i64>);
    let items: Vec<Item> = query(
        "SELECT item_key, repository, language, category, difficulty, labels, state, tracked, updated_at, closed_at, \
                waiting_since FROM insight_items ORDER BY item_key",
    )
    .fetch_all(&store)
    .await
    .unwrap();
    let lines: Vec<(String, String, String, String, i64, i64)> =
        query("SELECT item_key, source, kind, actor, bot, at FROM insight_lines ORDER BY item_key, source")
            .fetch_all(&store)
            .await
            .unwrap();
    let team: Vec<(String, i64)> = query("SELECT login, active FROM insight_maintainers ORDER BY login")
        .fetch_all(&store)
        .await
        .unwrap();
    store.close().await;
    let items = items.into_iter().map(|row| format!("{row:?}"));
    items
        .chain(lines.into_iter().map(|row| format!("{row:?}")))
        .chain(team.into_iter().map(|row| format!("{row:?}")))
        .collect()
}
