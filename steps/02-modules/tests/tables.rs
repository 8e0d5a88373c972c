//! Every table has one owner.

use std::collections::BTreeSet;

use acceptance::{Database, tokio::runtime::Runtime};
use store::{Sql, Store};

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
