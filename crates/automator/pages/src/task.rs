//! `/tasks/{id}`: a task, how its score is made, what became of it, and the form that changes it.

use askama::Template;
use automator_ranking::{due_weight, status_weight};
use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use chassis::{
    Ctx, Fault,
    extract::Path,
    session::{SignedForm, Visitor},
};
use domain::{HistoryLine, RiceChange, Status, Task, TaskChange};
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use serde::Deserialize;
use uuid::Uuid;

use crate::{
    Pages, Result,
    field::{Choice, Errors, Field, words},
};

/// How many lines of the history are shown.
const HISTORY: i64 = 50;

#[derive(Template)]
#[template(path = "task.html")]
struct Page {
    visitor: Visitor,
    task: Task,
    status_weight: f64,
    due_weight: f64,
    fields: Vec<Field>,
    /// Somebody changed the task since the form was loaded.
    overtaken: bool,
    wrong: bool,
    history: Vec<HistoryLine>,
}

/// What the form sends, as it was typed.
#[derive(Debug, Deserialize)]
pub(crate) struct Form {
    version: i64,
    status: String,
    assignee: String,
    due_date: String,
    #[serde(rename = "rice.reach")]
    reach: String,
    #[serde(rename = "rice.impact")]
    impact: String,
    #[serde(rename = "rice.confidence")]
    confidence: String,
    #[serde(rename = "rice.effort")]
    effort: String,
}

impl Form {
    /// The form that changes nothing.
    fn of(task: &Task) -> Self {
        Self {
            version: task.version,
            status: task.status.to_string(),
            assignee: task.assignee.as_ref().map(ToString::to_string).unwrap_or_default(),
            due_date: task.due_date.map(|day| day.to_string()).unwrap_or_default(),
            reach: task.rice.reach.to_string(),
            impact: task.rice.impact.to_string(),
            confidence: task.rice.confidence.to_string(),
            effort: task.rice.effort.to_string(),
        }
    }

    /// What the form changes of `task`. A field that still has its value is no change: the factors follow the item
    /// until a person sets one, and an assignee who has left may stay.
    fn change(&self, task: &Task, errors: &mut Errors) -> TaskChange {
        let number = "must be a number, like 2.5";
        let status = errors.read("status", &self.status, "must be one of the list");
        let assignee = errors.read_optional("assignee", &self.assignee, "must be one of the list");
        let due_date = errors.read_optional("due_date", &self.due_date, "must be a day, like 2030-01-02");
        let mut factor =
            |field, text: &str, now: f64| errors.read(field, text, number).filter(|value| *value != now);
        let rice = RiceChange {
            reach: factor("rice.reach", &self.reach, task.rice.reach),
            impact: factor("rice.impact", &self.impact, task.rice.impact),
            confidence: factor("rice.confidence", &self.confidence, task.rice.confidence),
            effort: factor("rice.effort", &self.effort, task.rice.effort),
        };
        TaskChange {
            status: status.filter(|status| *status != task.status),
            assignee: assignee.filter(|assignee| *assignee != task.assignee),
            due_date: due_date.filter(|due_date| *due_date != task.due_date),
            rice: (rice != RiceChange::default()).then_some(rice),
        }
    }
}

/// The task.
pub(crate) async fn show(
    State(pages): State<Pages>,
    ctx: Ctx,
    visitor: Visitor,
    Path(id): Path<Uuid>,
) -> Result<Response> {
    let task = pages.source.task(&ctx, id).await?;
    let form = Form::of(&task);
    render(&pages, &ctx, visitor, StatusCode::OK, task, &form, &Errors::default()).await
}

/// Changes the task and shows it. What was typed comes back with 422 when it does not fit, and with 412 when somebody
/// else has changed the task since the form was loaded.
pub(crate) async fn change(
    State(pages): State<Pages>,
    ctx: Ctx,
    visitor: Visitor,
    Path(id): Path<Uuid>,
    SignedForm(form): SignedForm<Form>,
) -> Result<Response> {
    let task = pages.source.task(&ctx, id).await?;
    let mut errors = Errors::default();
    let change = form.change(&task, &mut errors);
    if task.version == form.version {
        if let Err(wrong) = change.validate() {
            errors.extend(wrong);
        }
        if !errors.is_empty() {
            return render(&pages, &ctx, visitor, StatusCode::UNPROCESSABLE_ENTITY, task, &form, &errors)
                .await;
        }
    }
    match pages.source.change_task(&ctx, id, change, form.version).await {
        Ok(()) => Ok(Redirect::to(&format!("/tasks/{id}")).into_response()),
        Err(Fault::Invalid(wrong)) => {
            errors.extend(wrong);
            render(&pages, &ctx, visitor, StatusCode::UNPROCESSABLE_ENTITY, task, &form, &errors).await
        }
        Err(Fault::VersionMismatch { .. }) => {
            let task = pages.source.task(&ctx, id).await?;
            render(&pages, &ctx, visitor, StatusCode::PRECONDITION_FAILED, task, &form, &Errors::default())
                .await
        }
        Err(fault) => Err(fault),
    }
}

async fn render(
    pages: &Pages,
    ctx: &Ctx,
    visitor: Visitor,
    status: StatusCode,
    task: Task,
    form: &Form,
    errors: &Errors,
) -> Result<Response> {
    let page = Page {
        visitor,
        status_weight: status_weight(task.status),
        // Fourteenths are shown to the third digit.
        due_weight: (due_weight(task.due_date.map(days_until)) * 1_000.0).round() / 1_000.0,
        fields: fields(pages, ctx, &task, form, errors).await?,
        overtaken: status == StatusCode::PRECONDITION_FAILED,
        wrong: !errors.is_empty(),
        history: pages.source.history(ctx, task.id, HISTORY).await?,
        task,
    };
    crate::page(status, &page)
}

/// How many days there are until that day, UTC; negative after it.
fn days_until(day: Date) -> i64 {
    let today = Timestamp::now().to_zoned(TimeZone::UTC).date();
    day.duration_since(today).as_hours() / 24
}

/// The fields of the form. Where somebody else has changed the task, each says what its value is now.
async fn fields(pages: &Pages, ctx: &Ctx, task: &Task, form: &Form, errors: &Errors) -> Result<Vec<Field>> {
    let now = Form::of(task);
    let statuses = Status::ALL.iter().map(|status| Choice::named(status.as_str(), &form.status)).collect();
    let mut assignees = vec![Choice::new("", "nobody", &form.assignee)];
    let members = pages.source.active_members(ctx).await?;
    assignees.extend(members.iter().map(|member| {
        let label = format!("{} ({})", member.login, member.name);
        Choice::new(member.login.as_str(), label, &form.assignee)
    }));
    if !assignees.iter().any(|choice| choice.selected) {
        let label = format!("{} (not in the team now)", form.assignee);
        assignees.push(Choice::new(&form.assignee, label, &form.assignee));
    }
    // Beside a value that somebody else has set meanwhile.
    let overtaken = form.version != task.version;
    let field = |name, label, value: &str, stored: &str| {
        Field::new(name, label, value).error(errors.of(name)).now(Some(stored).filter(|_| overtaken))
    };
    let factor = |name, label, hint, value: &str, stored: &str| {
        field(name, label, value, stored).hint(hint).mode("decimal")
    };
    Ok(vec![
        field("status", "Status", &form.status, &now.status).choices(statuses),
        field("assignee", "Assignee", &form.assignee, &now.assignee).choices(assignees),
        field("due_date", "Due date", &form.due_date, &now.due_date).input("date"),
        factor("rice.reach", "Reach", "people it touches, 0 to 1,000,000", &form.reach, &now.reach),
        factor("rice.impact", "Impact", "on each of them, 0 to 10", &form.impact, &now.impact),
        factor("rice.confidence", "Confidence", "above 0, at most 1", &form.confidence, &now.confidence),
        factor("rice.effort", "Effort", "above 0, at most 100", &form.effort, &now.effort),
    ])
}
