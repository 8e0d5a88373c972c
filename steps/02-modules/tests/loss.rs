//! What the bus in memory loses. Step 07 mends it: `loss_07` is the same kill turned round. An import brings tasks back; what rules would
//! have made of an event, nobody does.

#![expect(clippy::unwrap_used, reason = "a test")]

mod in_process;

use std::sync::Arc;

use acceptance::Database;
use domain::TaskQuery;

use in_process::{Ear, ctx, delivery, modules};

#[tokio::test]
async fn a_process_that_dies_after_its_commit_leaves_an_item_without_a_task() {
    let database = Database::sqlite().unwrap();
    {
        let died = modules(&database, None).await;
        died.ports.github.deliver(&ctx(), delivery("opened", "2019-06-01T00:00:00Z")).await.unwrap();
    }
    let ear = Arc::new(Ear::default());
    let modules = modules(&database, Some(ear.clone())).await;
    let tasks = async || modules.ports.backlog.tasks(&ctx(), TaskQuery::default()).await.unwrap().items.len();
    let _ = ear.all().await;
    let item = modules.ports.github.item(&ctx(), "sendgrid/rest#1").await.unwrap();
    assert_eq!(
        (item.number, tasks().await),
        (1, 0),
        "the item is there, and nobody has to do anything about it"
    );
    // GitHub was told 202 and will not tell again.
    modules.ports.github.deliver(&ctx(), delivery("opened", "2019-06-01T00:00:00Z")).await.unwrap();
    let _ = ear.all().await;
    assert_eq!(tasks().await, 0);
    // Only what happens to the item later brings its task, or an import: see the scenario `an_import_brings_what_a_power_cut_lost`.
    modules.ports.github.deliver(&ctx(), delivery("labeled", "2019-06-02T00:00:00Z")).await.unwrap();
    let _ = ear.all().await;
    assert_eq!(tasks().await, 1);
}
