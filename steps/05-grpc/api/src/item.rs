//! Items.

use domain::{Item, ItemKey};
use step_02_contracts::Fault;

use crate::{
    enums::{self, number, numbered, value},
    fields::{optional_time, text, time, wire_time},
    v1,
};

impl From<Item> for v1::Item {
    fn from(item: Item) -> Self {
        Self {
            key: item.key.to_string(),
            language: item.language.into(),
            kind: number(item.kind),
            title: item.title,
            url: item.url,
            author: item.author,
            state: number(item.state),
            labels: item.labels,
            category: numbered(item.category),
            difficulty: number(item.difficulty),
            comments: item.comments,
            reactions: item.reactions,
            created_at: Some(wire_time(item.created_at)),
            updated_at: Some(wire_time(item.updated_at)),
            closed_at: item.closed_at.map(wire_time),
            waiting: numbered(item.waiting),
            waiting_since: item.waiting_since.map(wire_time),
        }
    }
}

impl TryFrom<v1::Item> for Item {
    type Error = Fault;

    fn try_from(item: v1::Item) -> Result<Self, Fault> {
        let key: ItemKey = text("item.key", &item.key)?;
        Ok(Self {
            repository: key.repository().clone(),
            number: key.number(),
            key,
            language: text("item.language", &item.language)?,
            kind: value("item.kind", item.kind)?,
            title: item.title,
            url: item.url,
            author: item.author,
            state: value("item.state", item.state)?,
            labels: item.labels,
            category: enums::optional("item.category", item.category)?,
            difficulty: value("item.difficulty", item.difficulty)?,
            comments: item.comments,
            reactions: item.reactions,
            created_at: time("item.created_at", item.created_at)?,
            updated_at: time("item.updated_at", item.updated_at)?,
            closed_at: optional_time("item.closed_at", item.closed_at)?,
            waiting: enums::optional("item.waiting", item.waiting)?,
            waiting_since: optional_time("item.waiting_since", item.waiting_since)?,
        })
    }
}
