//! A change of a task (AIP-134). The mask tells a field that stays from one that is taken away.

use domain::{RiceChange, TaskChange};
use prost_types::FieldMask;
use step_02_contracts::{Fault, backlog::Update};

use crate::{
    Read,
    enums::{number, numbered, value},
    fields::{given, id, optional},
    pieces::status::factor,
    v1,
};

impl From<Update> for v1::UpdateTaskRequest {
    fn from(update: Update) -> Self {
        let Update { id, change, expected, by } = update;
        Self {
            update_mask: Some(FieldMask { paths: paths(&change) }),
            task: Some(v1::Task { id: id.to_string(), ..values(change) }),
            expected: expected.map(|any_of| v1::Versions { any_of }),
            by: number(by),
        }
    }
}

/// What can be changed, as a mask names it.
const PATHS: [&str; 7] =
    ["status", "assignee", "due_date", "rice.reach", "rice.impact", "rice.confidence", "rice.effort"];

/// Those of [`PATHS`] whose place in `is_named` says so.
fn mask(is_named: [bool; PATHS.len()]) -> Vec<String> {
    let paths = PATHS.into_iter().zip(is_named);
    paths.filter(|(_, is_named)| *is_named).map(|(path, _)| path.to_owned()).collect()
}

/// The mask of a change.
fn paths(change: &TaskChange) -> Vec<String> {
    let rice = change.rice.unwrap_or_default();
    mask([
        change.status.is_some(),
        change.assignee.is_some(),
        change.due_date.is_some(),
        rice.reach.is_some(),
        rice.impact.is_some(),
        rice.confidence.is_some(),
        rice.effort.is_some(),
    ])
}

/// The new values.
fn values(change: TaskChange) -> v1::Task {
    v1::Task {
        status: numbered(change.status).unwrap_or_default(),
        assignee: change.assignee.flatten().map(Into::into),
        due_date: change.due_date.flatten().map(|day| day.to_string()),
        rice: change.rice.map(|RiceChange { reach, impact, confidence, effort }| v1::Rice {
            reach,
            impact,
            confidence,
            effort,
        }),
        ..v1::Task::default()
    }
}

impl TryFrom<v1::UpdateTaskRequest> for Update {
    type Error = Fault;

    fn try_from(request: v1::UpdateTaskRequest) -> Result<Self, Fault> {
        let task = given("task", request.task)?;
        let paths = request.update_mask.map_or_else(|| present(&task), |mask| mask.paths);
        Ok(Self {
            id: id("id", &task.id)?,
            change: change(&task, &paths)?,
            expected: request.expected.map(|versions| versions.any_of),
            by: value("by", request.by)?,
        })
    }
}

/// The mask of a request without one: what is there.
fn present(task: &v1::Task) -> Vec<String> {
    let rice = task.rice.unwrap_or_default();
    mask([
        task.status != v1::TaskStatus::Unspecified as i32,
        task.assignee.is_some(),
        task.due_date.is_some(),
        rice.reach.is_some(),
        rice.impact.is_some(),
        rice.confidence.is_some(),
        rice.effort.is_some(),
    ])
}

/// The change that a mask makes of the values.
fn change(task: &v1::Task, paths: &[String]) -> Read<TaskChange> {
    let rice = task.rice.unwrap_or_default();
    let mut change = TaskChange::default();
    for path in paths {
        match path.as_str() {
            "status" => change.status = Some(value(path, task.status)?),
            "assignee" => change.assignee = Some(optional(path, task.assignee.clone())?),
            "due_date" => change.due_date = Some(optional(path, task.due_date.clone())?),
            "rice.reach" => rice_of(&mut change).reach = Some(factor(path, rice.reach)?),
            "rice.impact" => rice_of(&mut change).impact = Some(factor(path, rice.impact)?),
            "rice.confidence" => rice_of(&mut change).confidence = Some(factor(path, rice.confidence)?),
            "rice.effort" => rice_of(&mut change).effort = Some(factor(path, rice.effort)?),
            _ => return Err(Fault::invalid("update_mask", format!("has {path}, which cannot be changed"))),
        }
    }
    Ok(change)
}

fn rice_of(change: &mut TaskChange) -> &mut RiceChange {
    change.rice.get_or_insert_default()
}
