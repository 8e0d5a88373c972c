//! What a write answers when others write at the same time.

#![expect(clippy::unwrap_used, reason = "a test")]

mod in_process;

use std::{
    fmt::{self, Debug, Formatter},
    sync::Arc,
};

use acceptance::Database;
use clap::Parser;
use domain::{Status, TaskChange, TaskQuery};
use step_02_backlog as backlog;
use step_02_composition::Stores;
use step_02_contracts::{
    Backlog, Recorded,
    backlog::{By, Update},
};
use step_02_modules::config::Config;
use store::{Recorder, Store, query, time};
use tokio::{runtime::Handle, task::block_in_place};
use uuid::Uuid;

use in_process::{Ear, ctx, delivery, modules};

#[tokio::test(flavor = "multi_thread")]
async fn a_change_answers_what_it_wrote_even_if_a_rule_changes_it_again_at_once() {
    let database = Database::sqlite().unwrap();
    let ear = Arc::new(Ear::default());
    let modules = modules(&database, Some(ear.clone())).await;
    modules.ports.github.deliver(&ctx(), delivery("opened", "2019-06-01T00:00:00Z")).await.unwrap();
    let _ = ear.all().await;
    let created = modules.ports.backlog.tasks(&ctx(), TaskQuery::default()).await.unwrap().items.remove(0);

    let config = Config::try_parse_from(["monolith-02", "--database-url", database.url()]).unwrap();
    let hasty = Arc::new(Hasty { backlog: modules.ports.backlog.clone(), task: created.id });
    let stores = Stores::open(&config.modules.databases, Some(hasty)).await.unwrap();
    let ports = backlog::Ports {
        github: modules.ports.github.clone(),
        team: modules.ports.team.clone(),
        notify: modules.ports.notify.clone(),
    };
    let catalogue = Arc::new(config.modules.catalogue.catalogue().unwrap());
    let overtaken =
        backlog::Module::new(stores.backlog, catalogue, ports, &config.modules.backlog).await.unwrap();

    let answer = overtaken.change(&ctx(), to(created.id, Status::InProgress)).await.unwrap();
    assert_eq!((answer.status, answer.version), (Status::InProgress, created.version + 1));
    let stored = modules.ports.backlog.task(&ctx(), created.id).await.unwrap();
    assert_eq!((stored.status, stored.version), (Status::NeedsReview, created.version + 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_is_scored_for_the_day_that_the_scores_have_whatever_the_clock_says() {
    let database = Database::sqlite().unwrap();
    let ear = Arc::new(Ear::default());
    let modules = modules(&database, Some(ear.clone())).await;
    modules.ports.github.deliver(&ctx(), delivery("opened", "2019-06-01T00:00:00Z")).await.unwrap();
    let _ = ear.all().await;
    let backlog = &modules.ports.backlog;
    let created = backlog.tasks(&ctx(), TaskQuery::default()).await.unwrap().items.remove(0);
    // Another process, whose clock is a little ahead, has scored the tasks for tomorrow.
    let store = Store::connect(&database.url().parse().unwrap()).await.unwrap();
    query("UPDATE backlog_day SET day = day + 1").execute(&store).await.unwrap();

    let due_date = time::date(time::today() + 3).unwrap();
    let change = TaskChange { due_date: Some(Some(due_date)), ..TaskChange::default() };
    let update = Update { id: created.id, change, expected: None, by: By::Api };
    let changed = backlog.change(&ctx(), update).await.unwrap();
    assert_eq!(changed.score, created.score * (1.0 + 12.0 / 14.0), "due in two days, as of tomorrow");
}

#[tokio::test(flavor = "multi_thread")]
async fn ranks_are_right_as_soon_as_another_process_tracks_other_repositories() {
    let database = Database::sqlite().unwrap();
    let ear = Arc::new(Ear::default());
    let modules = modules(&database, Some(ear.clone())).await;
    let store = Store::connect(&database.url().parse().unwrap()).await.unwrap();
    let config = Config::try_parse_from(["monolith-02", "--database-url", database.url()]).unwrap();
    let before = config.modules.catalogue.catalogue().unwrap();
    let mut after = before.clone();
    after.repositories.retain(|repository| repository.name.as_str() != "sendgrid/sendgrid-csharp");
    // As GitHub tells of sendgrid/rest, it tells of the other, which has the greater reach.
    let told = async |number: i64| {
        let mut told = delivery("opened", "2019-06-01T00:00:00Z");
        let payload = String::from_utf8(told.payload.to_vec()).unwrap();
        let payload = payload
            .replace("sendgrid/rest", "sendgrid/sendgrid-csharp")
            .replace("I_1", &format!("C_{number}"));
        told.payload = payload.replace("\"number\":1", &format!("\"number\":{number}")).into();
        told.id = format!("delivery {number}");
        modules.ports.github.deliver(&ctx(), told).await.unwrap();
        let _ = ear.all().await;
    };
    modules.ports.github.deliver(&ctx(), delivery("opened", "2019-06-01T00:00:00Z")).await.unwrap();
    told(1).await;
    let mut all = modules.ports.backlog.tasks(&ctx(), TaskQuery::default()).await.unwrap().items;
    let task = all.remove(1);
    assert_eq!((task.item.repository.as_str(), task.rank), ("sendgrid/rest", Some(2)));
    let rank = async || modules.ports.backlog.task(&ctx(), task.id).await.unwrap().rank;

    backlog::track(&store, &after).await.unwrap();
    assert_eq!(rank().await, Some(1), "what is tracked no more stands before");
    told(2).await;
    backlog::track(&store, &before).await.unwrap();
    assert_eq!(rank().await, Some(3));
}

/// Hears of a change, and has changed the task again before the one who wrote it goes on.
struct Hasty {
    backlog: Arc<dyn Backlog>,
    task: Uuid,
}

impl Debug for Hasty {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hasty").field("task", &self.task).finish_non_exhaustive()
    }
}

impl Recorder for Hasty {
    fn committed(&self, _: Vec<Recorded>) {
        let again = async { self.backlog.change(&ctx(), to(self.task, Status::NeedsReview)).await };
        let _ = block_in_place(|| Handle::current().block_on(again)).unwrap();
    }
}

fn to(id: Uuid, status: Status) -> Update {
    let change = TaskChange { status: Some(status), ..TaskChange::default() };
    Update { id, change, expected: None, by: By::Api }
}
