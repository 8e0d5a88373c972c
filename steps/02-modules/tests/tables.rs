//! Every table has one owner, and one form whoever makes it.

#![expect(clippy::unwrap_used, reason = "helpers of tests may, like tests")]

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

/// The statements of the migrations in `folder`, in order.
fn statements(folder: &str) -> Vec<String> {
    let mut files: Vec<_> = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(folder))
        .unwrap()
        .map(|file| file.unwrap().path())
        .filter(|file| file.extension().is_some_and(|extension| extension == "sql"))
        .collect();
    files.sort();
    let texts = files.iter().map(|file| fs::read_to_string(file).unwrap());
    let lines = texts.flat_map(|text| {
        text.lines().map(|line| line.split("--").next().unwrap_or_default().to_owned()).collect::<Vec<_>>()
    });
    let text = lines.collect::<Vec<_>>().join("\n");
    text.split(';')
        .map(|statement| statement.trim().to_owned())
        .filter(|statement| !statement.is_empty())
        .collect()
}

/// Step 02's github takes over what step 01 made, and makes it itself where there was no step 01; the tests of what both share have
/// their own.
#[test]
fn githubs_tables_are_the_same_whoever_makes_them() {
    Runtime::new().unwrap().block_on(async {
        let (mut kept, mut made) = (Vec::new(), Vec::new());
        let folders =
            ["../01-monolith/migrations", "github/migrations", "../../crates/automator/github/tests/schema"];
        for folder in folders {
            let database = Database::sqlite().unwrap();
            let store = Store::connect(&database.url().parse().unwrap()).await.unwrap();
            for statement in statements(folder) {
                Query::assembled(statement).execute(&store).await.unwrap();
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
