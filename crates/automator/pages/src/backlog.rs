//! `/`: the backlog.

use askama::Template;
use axum::{
    extract::State,
    http::{StatusCode, Uri},
    response::Response,
};
use chassis::{Ctx, extract::Query, session::Visitor};
use domain::{Kind, Page, Status, Task, TaskQuery};

use crate::{
    Pages, Result,
    field::{Choice, words},
};

#[derive(Template)]
#[template(path = "backlog.html")]
struct Backlog {
    visitor: Visitor,
    page: Page<Task>,
    /// Whether this is not the first page.
    later: bool,
    /// Query string of this list without its cursor.
    query: String,
    filters: Vec<Filter>,
    /// `limit`, where the list has one: the form keeps it.
    limit: Option<String>,
}

/// A select of the filter form.
struct Filter {
    name: &'static str,
    label: &'static str,
    choices: Vec<Choice>,
}

/// Open tasks by rank, with the filters of `GET /api/tasks`.
pub(crate) async fn show(
    State(pages): State<Pages>,
    ctx: Ctx,
    visitor: Visitor,
    uri: Uri,
    Query(params): Query<TaskQuery>,
) -> Result<Response> {
    let asked: Vec<(String, String)> = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes())
        .into_owned()
        .filter(|(name, value)| name != "cursor" && !value.is_empty())
        .collect();
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(&asked).finish();
    let backlog = Backlog {
        visitor,
        later: params.cursor.is_some(),
        page: pages.source.tasks(&ctx, params).await?,
        query,
        filters: filters(&pages, &ctx, &asked).await?,
        limit: value(&asked, "limit").map(str::to_owned),
    };
    crate::page(StatusCode::OK, &backlog)
}

fn value<'a>(asked: &'a [(String, String)], name: &str) -> Option<&'a str> {
    asked.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

async fn filters(pages: &Pages, ctx: &Ctx, asked: &[(String, String)]) -> Result<Vec<Filter>> {
    let chosen = |name| value(asked, name).unwrap_or_default();
    let filter = |name, label, any: &str, values: Vec<String>| {
        let any = Choice::new("", any, chosen(name));
        let values = values.iter().map(|value| Choice::named(value, chosen(name)));
        Filter { name, label, choices: std::iter::once(any).chain(values).collect() }
    };
    let statuses = Status::ALL.iter().map(ToString::to_string).collect();
    let members = pages.source.active_members(ctx).await?;
    let mut logins: Vec<_> = members.iter().map(|member| member.login.to_string()).collect();
    // Somebody who has left may still have tasks; a list of theirs can be asked for and keeps its filter.
    let assignee = chosen("assignee").to_ascii_lowercase();
    if !assignee.is_empty() && !logins.contains(&assignee) {
        logins.push(chosen("assignee").to_owned());
    }
    let languages = pages.source.languages(ctx).await?;
    let kinds = Kind::ALL.iter().map(ToString::to_string).collect();
    let sort = |name: &str, label: &str| Choice::new(name, label, chosen("sort"));
    Ok(vec![
        filter("status", "Status", "all open", statuses),
        Filter {
            name: "assignee",
            label: "Assignee",
            choices: std::iter::once(Choice::new("", "anybody", &assignee))
                .chain(logins.iter().map(|login| Choice::new(login, login, &assignee)))
                .collect(),
        },
        filter("language", "Language", "all", languages),
        filter("kind", "Kind", "all", kinds),
        Filter {
            name: "sort",
            label: "Order",
            choices: vec![
                sort("", "highest score"),
                sort("due", "earliest due date"),
                sort("age", "oldest item"),
            ],
        },
    ])
}
