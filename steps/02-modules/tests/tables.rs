//! Every table has one owner, and one form whoever makes it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use acceptance::{Database, tokio::runtime::Runtime};
use store::{Query, Sql, Store};

#[test]
fn every_module_makes_the_tables_that_it_owns_and_no_others() {
    let modules = [
        ("backlog", step_02_backlog::migrations(), &step_02_backlog::TABLES[..]),
        ("github", step_02_github::migrations(), &step_02_github::TABLES[..]),
        ("insights", step_02_insights::migrations(), &step_02_insights::TABLES[..]),
        ("notify", step_02_notify::migrations(), &step_02_notify::TABLES[..]),
        ("team", step_02_team::migrations(), &step_02_team::TABLES[..]),
    ];
    let mut owned = BTreeSet::new();
    let mut declared = 0;
    for (module, migrations, tables) in modules {
        let made: BTreeSet<String> = Runtime::new().unwrap().block_on(async {
            let database = Database::sqlite().unwrap();
            let store = Store::connect(&database.url().parse().unwrap()).await.unwrap();
            store.migrate(module, migrations).await.unwrap();
            let sql = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_%' ESCAPE '\\' \
                       AND name NOT LIKE 'sqlite%'";
            let names: Vec<(String,)> = Sql::new(sql).fetch_all(&store).await.unwrap();
            names.into_iter().map(|(name,)| name).collect()
        });
        assert_eq!(made, tables.iter().map(|&table| table.to_owned()).collect(), "{module}");
        declared += tables.len();
        owned.extend(made);
    }
    assert_eq!(owned.len(), declared, "a table has two owners");
}

/// What a table is made of, line by line: its columns, what of it is unique, and to which tables it refers.
const FORM: &str = "SELECT t.name, 'column ' || c.name || ' ' || c.type || ' ' || c.\"notnull\" || ' ' || c.pk FROM sqlite_master t \
                    JOIN pragma_table_info(t.name) c WHERE t.type = 'table' \
                    UNION SELECT t.name, 'unique ' || (SELECT group_concat(name) FROM pragma_index_info(u.name)) FROM sqlite_master t \
                    JOIN pragma_index_list(t.name) u WHERE t.type = 'table' AND u.\"unique\" = 1 \
                    UNION SELECT t.name, 'to ' || f.\"table\" || ' by ' || f.\"from\" FROM sqlite_master t \
                    JOIN pragma_foreign_key_list(t.name) f WHERE t.type = 'table' ORDER BY 1, 2";

async fn forms(store: &Store) -> BTreeMap<String, Vec<String>> {
    let lines: Vec<(String, String)> = Sql::new(FORM).fetch_all(store).await.unwrap();
    let mut forms: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (table, line) in lines {
        forms.entry(table).or_default().push(line);
    }
    forms
}

/// Step 02's github takes over what step 01 made, and makes it itself where there was no step 01; the tests of what both share have
/// their own.
#[test]
fn githubs_tables_are_the_same_whoever_makes_them() {
    Runtime::new().unwrap().block_on(async {
        let (mut kept, mut made) = (Vec::new(), Vec::new());
        for migrated in [Some(step_01_monolith::app::migrations()), Some(step_02_github::migrations()), None]
        {
            let database = Database::sqlite().unwrap();
            let store = Store::connect(&database.url().parse().unwrap()).await.unwrap();
            if let Some(migrations) = migrated {
                store.migrate("github", migrations).await.unwrap();
            } else {
                let file = "../../crates/automator/github/tests/schema/0001_github.sql";
                let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap();
                let lines =
                    text.lines().filter(|line| !line.starts_with("--")).collect::<Vec<_>>().join("\n");
                for statement in lines.split(';').filter(|statement| !statement.trim().is_empty()) {
                    Query::assembled(statement.to_owned()).execute(&store).await.unwrap();
                }
            }
            made.push(forms(&store).await);
            kept.push(database);
        }
        let [monolith, module, fixture] = <[_; 3]>::try_from(made).unwrap();
        assert!(fixture.len() >= 6 && fixture["items"].len() > 20, "{fixture:?}");
        for (table, form) in &fixture {
            assert_eq!(Some(form), module.get(table), "{table}: the tests' own, and step 02's");
        }
        let taken_over =
            module.iter().filter(|(table, _)| monolith.contains_key(*table) && !table.starts_with('_'));
        let taken_over: Vec<_> = taken_over.collect();
        assert!(taken_over.len() >= 6, "{taken_over:?}");
        for (table, form) in taken_over {
            assert_eq!(Some(form), monolith.get(table), "{table}: step 02's, and step 01's");
        }
    });
}
