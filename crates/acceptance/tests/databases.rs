//! The databases themselves: every test gets one that is empty and its own.

use acceptance::{Database, Engine};

acceptance::on_both_databases!(
    a_database_has_a_url_of_its_own,
    another_one_is_another_one,
    a_name_means_one_database
);

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

async fn a_name_means_one_database(database: Database) {
    let url = |name| database.named(name).unwrap_or_default();
    assert_eq!(url("backlog"), url("backlog"));
    assert_ne!(url("backlog"), url("team"));
    let copy = database.copy().and_then(|copy| copy.named("backlog"));
    assert!(copy.is_ok_and(|copied| copied != url("backlog")), "a copy has what belongs to somebody else");
}
