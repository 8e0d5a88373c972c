//! A role for each service on the database that they share: it reaches its own tables and no others, and that is enough to work. On
//! SQLite, which has no roles, the file is the fence: each has one with its own tables and no others.

#![expect(clippy::unwrap_used, reason = "a test")]

#[expect(dead_code, reason = "shared with other tests, which use the rest")]
#[path = "support/moving.rs"]
mod moving;

use std::{collections::BTreeSet, time::Duration};

use acceptance::{
    App, Database, Engine, Step,
    tokio::{task::spawn_blocking, time::sleep},
};
use store::{Query, Store, query};

use self::moving::{People, finished, open, shared};

acceptance::on_both_databases!(each_service_reaches_its_own_tables_and_no_others);

const ROLES: &str = include_str!("../roles.sql");
/// The services, each by its process and its role.
const SERVICES: [(&str, &str); 3] =
    [("monolith", "automator_monolith"), ("backlog", "automator_backlog"), ("notify", "automator_notify")];

async fn each_service_reaches_its_own_tables_and_no_others(database: Database) {
    if database.engine() == Engine::Sqlite {
        return a_file_is_the_fence(&database).await;
    }
    shared(&database).await;
    let owner = open(database.url()).await;
    // With the one role of step 05 anybody writes to anybody's tables.
    for table in ["backlog_tasks", "messages", "items"] {
        assert!(may(&owner, &format!("DELETE FROM {table} WHERE 1 = 0")).await, "{table}");
    }
    for statement in ROLES.split(";\n\n") {
        Query::assembled(statement.to_owned()).execute(&owner).await.unwrap();
    }
    let tables: Vec<(String,)> =
        query("SELECT CAST(tablename AS TEXT) FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename")
            .fetch_all(&owner)
            .await
            .unwrap();
    let mut reached = BTreeSet::new();
    for (_, role) in SERVICES {
        let password = format!("ALTER ROLE {role} PASSWORD 'workshop'");
        Query::assembled(password).execute(&owner).await.unwrap();
        let service = open(&as_role(database.url(), role)).await;
        for (table,) in &tables {
            if may(&service, &format!("SELECT count(*) FROM {table}")).await {
                assert!(reached.insert(table), "{table} is reached by {role}, and by another one before");
                continue;
            }
            let write = may(&service, &format!("DELETE FROM {table} WHERE 1 = 0")).await;
            assert!(!write, "{role} may not read {table}, and may write it");
        }
    }
    let unreached: Vec<_> = tables.iter().filter(|(table,)| !reached.contains(table)).collect();
    assert!(unreached.is_empty(), "nobody reaches {unreached:?}");
    assert!(reached.len() > 25, "{reached:?}");

    let (url, shared) = (database.url().to_owned(), database.clone());
    let app = spawn_blocking(move || {
        let step = Step {
            number: "06",
            binary: env!("CARGO_BIN_EXE_system-06"),
            folder: concat!(env!("CARGO_MANIFEST_DIR"), "/tests/undone"),
        };
        App::start(&step, shared, |options| {
            SERVICES.iter().fold(options, |options, (process, role)| {
                options.env(process, "DATABASE_URL", as_role(&url, role))
            })
        })
    });
    let app = app.await.unwrap().unwrap();
    let _ = app.import().await;
    let people = People::of(&app);
    people.work(sleep(Duration::from_millis(500))).await;
    assert_eq!(*people.failed.borrow(), 0);
}

/// Each file has the tables of one service, and the tables of no two services have a name in common.
async fn a_file_is_the_fence(database: &Database) {
    let app = finished(database).await;
    let mut files = Vec::new();
    for url in [database.url(), &database.named("backlog").unwrap(), &database.named("notify").unwrap()] {
        let store = open(url).await;
        let tables: Vec<(String,)> =
            query("SELECT name FROM sqlite_schema WHERE type = 'table'").fetch_all(&store).await.unwrap();
        let tables: BTreeSet<String> = tables.into_iter().map(|(name,)| name).collect();
        files.push(tables.into_iter().filter(|name| !name.starts_with("sqlite_")).collect::<BTreeSet<_>>());
    }
    let [monolith, backlog, notify] = files.try_into().unwrap();
    assert!(monolith.contains("items") && backlog.contains("backlog_tasks") && notify.contains("messages"));
    assert!(monolith.is_disjoint(&backlog) && monolith.is_disjoint(&notify) && backlog.is_disjoint(&notify));
    drop(app);
}

async fn may(store: &Store, sql: &str) -> bool {
    match Query::assembled(sql.to_owned()).execute(store).await {
        Ok(_) => true,
        Err(error) => {
            assert!(error.to_string().contains("permission denied"), "{sql}: {error}");
            false
        }
    }
}

fn as_role(url: &str, role: &str) -> String {
    let (_, place) = url.split_once('@').unwrap();
    format!("postgres://{role}:workshop@{place}")
}
