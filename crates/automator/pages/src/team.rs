//! `/team`: who maintains, and the forms to add somebody and to say who has left.

use askama::Template;
use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use chassis::{
    Ctx, Fault,
    extract::{Path, Query},
    session::{SignedForm, Visitor},
};
use domain::{Member, MemberChange, NewMember, Page as PageOf, PageQuery, Role};
use serde::Deserialize;

use crate::{
    Pages, Result,
    field::{Choice, Errors, Field},
};

#[derive(Template)]
#[template(path = "team.html")]
struct Page {
    visitor: Visitor,
    page: PageOf<Member>,
    fields: Vec<Field>,
    wrong: bool,
}

/// What the form for a new member sends, as it was typed.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Form {
    login: String,
    name: String,
    email: String,
    phone: String,
    role: String,
    on_call: String,
}

impl Form {
    fn read(&self, errors: &mut Errors) -> NewMember {
        let text = |text: &str| text.trim().to_owned();
        NewMember {
            login: text(&self.login),
            name: text(&self.name),
            email: text(&self.email),
            phone: Some(text(&self.phone)).filter(|phone| !phone.is_empty()),
            role: errors.read::<Role>("role", &self.role, "must be one of the list"),
            on_call: errors.read("on_call", &self.on_call, "must be one of the list").unwrap_or_default(),
        }
    }

    fn fields(&self, errors: &Errors) -> Vec<Field> {
        let field = |name, label, value: &str| Field::new(name, label, value).error(errors.of(name));
        let role = if self.role.is_empty() { Role::Maintainer.as_str() } else { &self.role };
        let roles = Role::ALL.iter().map(|known| Choice::named(known.as_str(), role)).collect();
        let on_call = if self.on_call.is_empty() { "false" } else { &self.on_call };
        let calls = vec![Choice::new("false", "no", on_call), Choice::new("true", "yes", on_call)];
        vec![
            field("login", "GitHub login", &self.login).required(),
            field("name", "Name", &self.name).required(),
            field("email", "E-mail", &self.email).input("email").required(),
            field("phone", "Phone", &self.phone).input("tel").hint("like +15551234567, or empty"),
            field("role", "Role", role).choices(roles),
            field("on_call", "On call", on_call).choices(calls),
        ]
    }
}

/// The team by login, with those who left.
pub(crate) async fn show(
    State(pages): State<Pages>,
    ctx: Ctx,
    visitor: Visitor,
    Query(query): Query<PageQuery>,
) -> Result<Response> {
    render(&pages, &ctx, visitor, StatusCode::OK, query, &Form::default(), &Errors::default()).await
}

/// Adds a member and shows the team. What was typed comes back with 422 when it does not fit, with 409 when the login
/// is taken.
pub(crate) async fn add(
    State(pages): State<Pages>,
    ctx: Ctx,
    visitor: Visitor,
    SignedForm(form): SignedForm<Form>,
) -> Result<Response> {
    let mut errors = Errors::default();
    let new = form.read(&mut errors);
    if let Err(wrong) = new.validate() {
        errors.extend(wrong);
    }
    let mut status = StatusCode::UNPROCESSABLE_ENTITY;
    if errors.is_empty() {
        match pages.source.add_member(&ctx, new).await {
            Ok(()) => return Ok(Redirect::to("/team").into_response()),
            Err(fault @ Fault::Taken(_)) => {
                status = StatusCode::CONFLICT;
                errors.push("login", fault.to_string());
            }
            Err(fault) => return Err(fault),
        }
    }
    render(&pages, &ctx, visitor, status, PageQuery::default(), &form, &errors).await
}

/// Whether somebody is in the team.
#[derive(Debug, Deserialize)]
pub(crate) struct Presence {
    active: bool,
}

/// Says that a member has left, or is back, and shows the team.
pub(crate) async fn change(
    State(pages): State<Pages>,
    ctx: Ctx,
    Path(login): Path<String>,
    SignedForm(presence): SignedForm<Presence>,
) -> Result<Response> {
    let change = MemberChange { active: Some(presence.active), ..MemberChange::default() };
    pages.source.change_member(&ctx, &login, change).await?;
    Ok(Redirect::to("/team").into_response())
}

async fn render(
    pages: &Pages,
    ctx: &Ctx,
    visitor: Visitor,
    status: StatusCode,
    query: PageQuery,
    form: &Form,
    errors: &Errors,
) -> Result<Response> {
    let page = pages.source.members(ctx, query).await?;
    let fields = form.fields(errors);
    crate::page(status, &Page { visitor, page, fields, wrong: !errors.is_empty() })
}
