//! The modules in the process of a test, over a SQLite file: for what a black box does not show.

use std::sync::{Arc, Mutex};

use acceptance::{Database, serde_json::json};
use clap::Parser;
use step_02_bus::Bus;
use step_02_composition::{MODULES, Stores, migrate};
use step_02_contracts::{Ctx, Delivery, Recorded};
use step_02_modules::{app::Modules, config::Config};
use store::Recorder;

/// Passes on what it hears, and remembers it.
#[derive(Debug, Default)]
pub(crate) struct Ear {
    bus: Arc<Bus>,
    heard: Mutex<Vec<Recorded>>,
}

impl Recorder for Ear {
    fn committed(&self, events: Vec<Recorded>) {
        self.heard.lock().unwrap().extend(events.iter().cloned());
        self.bus.committed(events);
    }
}

impl Ear {
    /// What was told so far, once nothing is under way any more.
    pub(crate) async fn all(&self) -> Vec<Recorded> {
        self.bus.settled().await;
        self.heard.lock().unwrap().clone()
    }
}

/// The modules over that database, migrated. Without an ear nobody ever hears what they tell: the process that told it
/// died after its commit.
pub(crate) async fn modules(database: &Database, ear: Option<Arc<Ear>>) -> Modules {
    let config = Config::try_parse_from(["monolith-02", "--database-url", database.url()]).unwrap();
    migrate(&config.modules.databases, &MODULES).await.unwrap();
    let bus = ear.as_ref().map(|ear| ear.bus.clone()).unwrap_or_default();
    let recorder = ear.map(|ear| ear as Arc<dyn Recorder>);
    let stores = Stores::open(&config.modules.databases, recorder).await.unwrap();
    Modules::new(&config.modules, &stores, &bus).await.unwrap()
}

/// A webhook of GitHub's about issue 1 of `sendgrid/rest`: `opened`, or `labeled` with `type: bug`.
pub(crate) fn delivery(action: &str, at: &str) -> Delivery {
    let user = json!({ "login": "asker", "type": "User" });
    let payload = json!({
        "action": action,
        "issue": {
            "node_id": "I_1", "number": 1, "title": "It does not work", "html_url": "https://github.com/sendgrid/rest/issues/1",
            "user": user, "state": "open", "labels": [], "comments": 0, "reactions": { "total_count": 0 },
            "created_at": "2019-06-01T00:00:00Z", "updated_at": at, "closed_at": null
        },
        "label": { "name": "type: bug" },
        "sender": user,
        "repository": { "full_name": "sendgrid/rest" }
    });
    Delivery { id: format!("{action} {at}"), event: "issues".to_owned(), payload: payload.to_string().into() }
}

pub(crate) fn ctx() -> Ctx {
    Ctx::background(std::time::Duration::from_secs(10))
}
