//! GitHub's side as a test has it: it knows some items, and counts what it is asked.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard},
};

use acceptance::serde_json::{self, json};
use async_trait::async_trait;
use domain::{Item, ItemKey, Rice, Status};
use step_02_backlog::pieces::with_items::TaskRow;
use step_02_contracts::{Ctx, Fault, Items};

/// Knows some items.
#[derive(Default)]
pub(crate) struct Counting {
    items: HashMap<ItemKey, Item>,
    is_down: bool,
    calls: Mutex<Vec<Vec<ItemKey>>>,
}

impl Counting {
    /// Knows the items with these numbers.
    pub(crate) fn knowing(numbers: impl IntoIterator<Item = i64>) -> Self {
        let items = numbers.into_iter().map(|number| (key(number), item(number))).collect();
        Self { items, ..Self::default() }
    }

    /// Knows the same items by another title.
    pub(crate) fn calling_it(mut self, title: &str) -> Self {
        self.items.values_mut().for_each(|item| item.title = title.into());
        self
    }

    /// Answers nobody.
    pub(crate) fn down() -> Self {
        Self { is_down: true, ..Self::default() }
    }

    /// The keys of each call.
    pub(crate) fn calls(&self) -> Vec<Vec<ItemKey>> {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Vec<ItemKey>>> {
        self.calls.lock().expect("nobody panics with it")
    }
}

#[async_trait]
impl Items for Counting {
    async fn items(&self, _: &Ctx, keys: &[ItemKey]) -> Result<HashMap<ItemKey, Item>, Fault> {
        self.lock().push(keys.to_vec());
        if self.is_down {
            return Err(Fault::Unavailable("github".to_owned()));
        }
        let known = keys.iter().filter_map(|key| self.items.get_key_value(key));
        Ok(known.map(|(key, item)| (key.clone(), item.clone())).collect())
    }
}

pub(crate) fn key(number: i64) -> ItemKey {
    format!("sendgrid/rest#{number}").parse().expect("a key")
}

fn item(number: i64) -> Item {
    let item = json!({
        "key": key(number), "repository": "sendgrid/rest", "language": "csharp", "number": number, "kind": "issue",
        "title": format!("Item {number}"), "url": "https://github.com/sendgrid/rest", "author": "asker", "state": "open",
        "labels": [], "category": null, "difficulty": "unknown", "comments": 0, "reactions": 0,
        "created_at": "2019-06-01T00:00:00Z", "updated_at": "2019-06-01T00:00:00Z", "closed_at": null,
        "waiting": null, "waiting_since": null
    });
    serde_json::from_value(item).expect("an item")
}

/// A task about the item with this number, in the place `rank`.
pub(crate) fn row(rank: i64, number: i64) -> TaskRow {
    let key = key(number);
    TaskRow {
        id: domain::task_id(&key),
        key,
        opened_at: "2019-06-01T00:00:00Z".parse().expect("a time"),
        status: Status::Intake,
        assignee: None,
        due_date: None,
        rice: Rice { reach: 1.0, impact: 1.0, confidence: 1.0, effort: 1.0 },
        score: 1.0,
        rank: Some(rank),
        version: 1,
        updated_at: "2019-06-01T00:00:00Z".parse().expect("a time"),
    }
}
