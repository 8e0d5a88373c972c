//! The databases themselves: every test gets one that is empty and its own.

use acceptance::{Database, Engine};

acceptance::on_both_databases!(a_database_has_a_url_of_its_own, another_one_is_another_one);

async fn a_database_has_a_url_of_its_own(database: Database) {
    let scheme = match database.engine() {
        Engine::Sqlite => "sqlite://",
        Engine::Postgres => "postgres://",
    };
    assert!(database.url().starts_with(scheme), "{}", database.url());
}

async fn another_one_is_another_one(database: Database) {
    assert!(database.another().is_ok_and(|another| another != database.url()));
}
