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
use store::Recorder;
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
