//! Every merged pull request of the 24 real repositories goes through the simulated GitHub, the import and the API.
//!
//! The data is too large for the repository. The test runs where `WORKSHOP_DATA` names the file, or where it lies beside
//! the checkout; elsewhere it is ignored and says so.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test")]

use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
};

use acceptance::{App, Database, Step, serde_json::Value};
use store::{DatabaseUrl, Sql, Store};

acceptance::on_both_databases!(given missing(); every_title_arrives_byte_for_byte_and_a_second_import_changes_no_row);

const BESIDE: &str = "../../../shared/data/merged-pull-requests.jsonl";

fn data() -> PathBuf {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join(BESIDE);
    env::var_os("WORKSHOP_DATA").map_or(beside, PathBuf::from)
}

fn missing() -> Option<String> {
    let told = env::var_os("WORKSHOP_DATA").is_some();
    (!told && !data().exists()).then(|| "no real data here: WORKSHOP_DATA names no file".to_owned())
}

async fn every_title_arrives_byte_for_byte_and_a_second_import_changes_no_row(database: Database) {
    let store = Store::connect(&database.url().parse::<DatabaseUrl>().unwrap()).await.unwrap();
    let step =
        Step { number: "01", binary: env!("CARGO_BIN_EXE_system-01"), folder: env!("CARGO_MANIFEST_DIR") };
    let catalogue = Path::new(step.folder).join("../../crates/domain/src/catalogue.toml");
    let app = App::start(&step, database, |options| {
        options
            .value("data", data().display().to_string())
            .value("catalogue", catalogue.display().to_string())
    })
    .unwrap();

    let import = app.import().await;
    assert_eq!((&import["items_seen"], &import["repositories_done"]), (&2_628.into(), &24.into()));
    let items = app.all("/api/items?limit=100").await;
    let found: BTreeMap<String, &Value> =
        items.iter().map(|item| (item["key"].as_str().unwrap().to_owned(), item)).collect();
    assert_eq!(found.len(), 2_628);
    assert_eq!(items.len(), 2_628, "an item came twice");

    let text = fs::read_to_string(data()).expect("the data can be read");
    let expected: Vec<Value> =
        text.lines().map(|line| acceptance::serde_json::from_str(line).unwrap()).collect();
    assert_eq!(expected.len(), 2_628);
    for pull in &expected {
        let key = format!("{}#{}", pull["repository"].as_str().unwrap(), pull["number"]);
        let item = found.get(&key).unwrap_or_else(|| panic!("{key} did not arrive"));
        for field in ["title", "author", "repository", "language", "number"] {
            assert_eq!(item[field], pull[field], "{key}: {field}");
        }
        assert_eq!((&item["kind"], &item["state"]), (&"pull_request".into(), &"merged".into()), "{key}");
    }
    assert!(app.all("/api/tasks").await.is_empty(), "nothing is left to do about what is merged");

    let before = rows(&store).await;
    let _ = app.import().await;
    assert_eq!(app.all("/api/items?limit=100").await, items, "the second import changed something");
    assert!(rows(&store).await == before, "the second import wrote a row again");
}

/// Every row that an import writes, with its version.
async fn rows(store: &Store) -> Vec<(String, i64)> {
    let mut rows = Vec::new();
    for table in [
        "SELECT id, version FROM items",
        "SELECT id, version FROM timeline",
        "SELECT id, version FROM repositories",
    ] {
        let mut sql = Sql::new(table);
        sql.push(" ORDER BY id");
        rows.extend(sql.fetch_all::<(String, i64)>(store).await.unwrap());
    }
    assert!(rows.len() > 3 * 2_628, "{} rows prove nothing", rows.len());
    rows
}
