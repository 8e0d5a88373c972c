//! The routes of the tutorial's services, for the clients that were written for them. New ones use `/api`.

use axum::Json;
use chassis::{
    Ctx, Fault, Problem,
    extract::{Json as JsonBody, Query},
    idempotency::{Answer, IdempotencyKey, Keyed},
};
use domain::{
    Catalogue, Channel, FieldError, Item, Kind, Message, NewNotification, Notification, Repository,
    check_sender,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema, openapi::Deprecated};
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::{items, notifications};
use crate::{Result, app::State};

/// Those that read, described as deprecated.
pub fn router() -> OpenApiRouter<State> {
    deprecated(
        OpenApiRouter::new().routes(routes!(ping)).routes(routes!(issues)).routes(routes!(pull_requests)),
    )
}

/// Those that send messages.
pub fn messages() -> OpenApiRouter<State> {
    deprecated(OpenApiRouter::new().routes(routes!(email)).routes(routes!(sms)))
}

fn deprecated(mut router: OpenApiRouter<State>) -> OpenApiRouter<State> {
    for path in router.get_openapi_mut().paths.paths.values_mut() {
        for operation in [&mut path.get, &mut path.post].into_iter().flatten() {
            operation.deprecated = Some(Deprecated::True);
        }
    }
    router
}

/// What every service of the tutorial answered to a ping.
#[derive(Debug, Serialize, ToSchema)]
pub struct Pong {
    #[schema(example = "success")]
    status: &'static str,
    #[schema(example = "pong!")]
    message: &'static str,
}

/// Answers whoever asks.
#[utoipa::path(get, path = "/ping", responses((status = 200, body = Pong)))]
pub async fn ping() -> Json<Pong> {
    Json(Pong { status: "success", message: "pong!" })
}

/// Whose items.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Params {
    /// `name` or `owner/name`, in any case.
    pub repo: String,
}

/// An issue or pull request, as much of it as the tutorial showed.
#[derive(Debug, Serialize, ToSchema)]
pub struct Entry {
    number: i64,
    url: String,
    title: String,
}

impl From<Item> for Entry {
    fn from(Item { number, url, title, .. }: Item) -> Self {
        Self { number, url, title }
    }
}

/// The open issues of a repository, newest first: `GET /api/items?kind=issue` in old words.
///
/// # Errors
/// 404 a repository that is not tracked, 422 no `repo`, or a name that two owners use.
#[utoipa::path(
    get,
    path = "/github/issues",
    params(Params),
    responses(
        (status = 200, body = Vec<Entry>),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 422, body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn issues(
    state: axum::extract::State<State>,
    Query(params): Query<Params>,
) -> Result<Json<Vec<Entry>>> {
    open(&state, &params.repo, Kind::Issue).await
}

/// The open pull requests of a repository, newest first: `GET /api/items?kind=pull_request` in old words.
///
/// # Errors
/// As [`issues`].
#[utoipa::path(
    get,
    path = "/github/prs",
    params(Params),
    responses(
        (status = 200, body = Vec<Entry>),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 422, body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn pull_requests(
    state: axum::extract::State<State>,
    Query(params): Query<Params>,
) -> Result<Json<Vec<Entry>>> {
    open(&state, &params.repo, Kind::PullRequest).await
}

/// All of them: the tutorial had no pages.
async fn open(state: &State, name: &str, kind: Kind) -> Result<Json<Vec<Entry>>> {
    let repository = tracked(&state.catalogue, name)?;
    let items = items::open(&state.store, &repository.name, kind).await?;
    Ok(Json(items.into_iter().map(Entry::from).collect()))
}

/// The repository of that name, with or without its owner.
///
/// # Errors
/// 404 none, 422 more than one.
pub fn tracked<'c>(catalogue: &'c Catalogue, name: &str) -> Result<&'c Repository, Fault> {
    if name.contains('/') {
        return catalogue.find(name).ok_or_else(|| Fault::NotFound(format!("repository {name}")));
    }
    let mut named = catalogue.repositories.iter();
    let mut next = || named.find(|repository| repository.name.name().eq_ignore_ascii_case(name));
    match (next(), next()) {
        (Some(repository), None) => Ok(repository),
        (Some(_), Some(_)) => Err(Fault::invalid("repo", "more than one owner has it: say owner/name")),
        (None, _) => Err(Fault::NotFound(format!("repository {name}"))),
    }
}

/// Body of `POST /email`.
#[derive(Debug, Deserialize, ToSchema)]
pub struct LegacyEmail {
    /// Address that it comes from: one that SendGrid knows as a sender.
    from_email: String,
    /// Address that it goes to.
    to_email: String,
    /// 1 to 200 characters.
    subject: String,
    /// 1 to 10,000 characters.
    content: String,
}

/// Body of `POST /sms`.
#[derive(Debug, Deserialize, ToSchema)]
pub struct LegacySms {
    /// Number that it comes from: one that the account at Twilio owns.
    from_number: String,
    /// Number that it goes to.
    to_number: String,
    /// 1 to 1,600 characters.
    body: String,
}

/// Send a mail. Use `POST /api/notifications`.
///
/// # Errors
/// 422 naming the fields that are wrong.
#[utoipa::path(
    post,
    path = "/email",
    params(IdempotencyKey),
    request_body = LegacyEmail,
    security(("token" = [])),
    responses(
        (status = 202, body = Notification, headers(("Location" = String))),
        (status = 422, body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn email(
    state: axum::extract::State<State>,
    ctx: Ctx,
    Keyed(key, JsonBody(mail)): Keyed<JsonBody<LegacyEmail>>,
) -> Result<Answer> {
    notifications::queue(&*state.outgoing, &ctx, key, mail.message()?).await
}

/// Send a text message. Use `POST /api/notifications`.
///
/// # Errors
/// 422 naming the fields that are wrong.
#[utoipa::path(
    post,
    path = "/sms",
    params(IdempotencyKey),
    request_body = LegacySms,
    security(("token" = [])),
    responses(
        (status = 202, body = Notification, headers(("Location" = String))),
        (status = 422, body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn sms(
    state: axum::extract::State<State>,
    ctx: Ctx,
    Keyed(key, JsonBody(text)): Keyed<JsonBody<LegacySms>>,
) -> Result<Answer> {
    notifications::queue(&*state.outgoing, &ctx, key, text.message()?).await
}

impl LegacyEmail {
    /// The message that it asks for.
    ///
    /// # Errors
    /// 422 naming the fields that are wrong.
    pub fn message(self) -> Result<Message, Fault> {
        let new = NewNotification {
            channel: Channel::Email,
            to: self.to_email,
            subject: Some(self.subject),
            body: self.content,
        };
        let names = [("from", "from_email"), ("to", "to_email"), ("body", "content")];
        message(self.from_email, new, &names)
    }
}

impl LegacySms {
    /// The message that it asks for.
    ///
    /// # Errors
    /// 422 naming the fields that are wrong.
    pub fn message(self) -> Result<Message, Fault> {
        let new =
            NewNotification { channel: Channel::Sms, to: self.to_number, subject: None, body: self.body };
        message(self.from_number, new, &[("from", "from_number"), ("to", "to_number")])
    }
}

/// The message that an old body asks for. `names` are the old names of the fields.
fn message(from: String, new: NewNotification, names: &[(&str, &str)]) -> Result<Message, Fault> {
    let mut errors = check_sender(new.channel, &from).err().into_iter().collect::<Vec<_>>();
    errors.extend(new.validate().err().into_iter().flatten());
    if !errors.is_empty() {
        let renamed = |error: FieldError| {
            let old = names.iter().find(|(name, _)| *name == error.field);
            FieldError { field: old.map_or(error.field, |(_, old)| (*old).to_owned()), ..error }
        };
        return Err(Fault::Invalid(errors.into_iter().map(renamed).collect()));
    }
    let id = Uuid::now_v7();
    Ok(Message {
        id,
        key: id.to_string(),
        channel: new.channel,
        sender: Some(from),
        to: new.to,
        subject: new.subject,
        body: new.body,
    })
}
