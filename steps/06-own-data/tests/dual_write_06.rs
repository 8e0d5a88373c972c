//! What an application loses that writes to two databases by itself: two commits are never one. The move of this step notes a
//! change in its own transaction instead (`src/moving`), and a follower brings it.

#![expect(clippy::expect_used, reason = "a test")]

use acceptance::{
    Database,
    tokio::{select, sync::Notify},
};
use store::{Store, query};

acceptance::on_both_databases!(
    killed_between_its_two_commits_it_has_told_one_of_two_truths,
    two_people_at_once_leave_two_truths_of_one_version,
);

/// A task in both databases.
struct Both {
    old: Store,
    new: Store,
    _place: Database,
}

impl Both {
    async fn new(place: Database) -> Self {
        let another = place.another().expect("a database beside it");
        let (old, new) = (task_in(place.url()).await, task_in(&another).await);
        Self { old, new, _place: place }
    }

    async fn rows(&self) -> [(i64, String); 2] {
        [row(&self.old).await, row(&self.new).await]
    }
}

async fn task_in(url: &str) -> Store {
    let store = Store::connect(&url.parse().expect("a URL")).await.expect("it opens");
    for sql in [
        "CREATE TABLE tasks (id TEXT PRIMARY KEY, version BIGINT NOT NULL, status TEXT NOT NULL)",
        "INSERT INTO tasks (id, version, status) VALUES ('1', 1, 'intake')",
    ] {
        query(sql).execute(&store).await.expect("a table with a row");
    }
    store
}

/// One of the two commits of a dual write.
async fn writes(store: &Store, status: &str) {
    let sql = "UPDATE tasks SET version = version + 1, status = $1 WHERE id = '1'";
    let mut tx = store.begin_write().await.expect("a transaction");
    query(sql).bind(status).execute(&mut tx).await.expect("a row");
    tx.commit().await.expect("it is there");
}

async fn row(store: &Store) -> (i64, String) {
    query("SELECT version, status FROM tasks").fetch_one(store).await.expect("a row")
}

async fn killed_between_its_two_commits_it_has_told_one_of_two_truths(place: Database) {
    let both = Both::new(place).await;
    let killed = Notify::new();
    let dual_write = async {
        writes(&both.old, "done").await;
        killed.notify_one();
        std::future::pending::<()>().await;
        writes(&both.new, "done").await;
    };
    select! {
        () = dual_write => unreachable!("nobody lets it go on"),
        () = killed.notified() => {}
    }
    assert_eq!(both.rows().await, [(2, "done".to_owned()), (1, "intake".to_owned())]);
}

async fn two_people_at_once_leave_two_truths_of_one_version(place: Database) {
    let both = Both::new(place).await;
    // Ana writes to both, Ben writes to both; between her two commits lie his.
    writes(&both.old, "done").await;
    writes(&both.old, "deferred").await;
    writes(&both.new, "deferred").await;
    writes(&both.new, "done").await;
    // Nobody was killed, and nothing failed. Neither a count nor a sum of versions sees it: only whoever looks at the rows.
    assert_eq!(both.rows().await, [(3, "deferred".to_owned()), (3, "done".to_owned())]);
}
