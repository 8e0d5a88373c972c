//! Tasks and their factors.

use domain::{Rice, Task};
use step_02_contracts::Fault;

use crate::{
    enums::{number, value},
    fields::{given, id, optional, time, wire_time},
    pieces::status::factor,
    v1,
};

impl From<Task> for v1::Task {
    fn from(task: Task) -> Self {
        Self {
            id: task.id.to_string(),
            item: Some(task.item.into()),
            status: number(task.status),
            assignee: task.assignee.map(Into::into),
            due_date: task.due_date.map(|day| day.to_string()),
            rice: Some(task.rice.into()),
            score: task.score,
            rank: task.rank,
            version: task.version,
            updated_at: Some(wire_time(task.updated_at)),
        }
    }
}

impl TryFrom<v1::Task> for Task {
    type Error = Fault;

    fn try_from(task: v1::Task) -> Result<Self, Fault> {
        Ok(Self {
            id: id("id", &task.id)?,
            item: given("item", task.item)?.try_into()?,
            status: value("status", task.status)?,
            assignee: optional("assignee", task.assignee)?,
            due_date: optional("due_date", task.due_date)?,
            rice: given("rice", task.rice)?.try_into()?,
            score: task.score,
            rank: task.rank,
            version: task.version,
            updated_at: time("updated_at", task.updated_at)?,
        })
    }
}

impl From<Rice> for v1::Rice {
    fn from(rice: Rice) -> Self {
        Self {
            reach: Some(rice.reach),
            impact: Some(rice.impact),
            confidence: Some(rice.confidence),
            effort: Some(rice.effort),
        }
    }
}

impl TryFrom<v1::Rice> for Rice {
    type Error = Fault;

    fn try_from(rice: v1::Rice) -> Result<Self, Fault> {
        Ok(Self {
            reach: factor("rice.reach", rice.reach)?,
            impact: factor("rice.impact", rice.impact)?,
            confidence: factor("rice.confidence", rice.confidence)?,
            effort: factor("rice.effort", rice.effort)?,
        })
    }
}
