//! The control routes: what was sent, what is to fail, what happens on GitHub. Not part of any service.
//!
//! Bodies are JSON whatever their `Content-Type`; a wrong one is a 400 or 422 with `{"error": "…"}`.

use std::{
    net::IpAddr,
    sync::{Arc, PoisonError},
};

use axum::{
    Json, Router,
    body::Bytes,
    extract::{Query, State as Shared, rejection::QueryRejection},
    http::StatusCode,
    middleware,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use chassis::auth;
use jiff::Timestamp;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    State,
    faults::{Fault, Service},
    github::{
        self,
        change::{self, Happening},
        model::{Actor, ActorKind, Item},
        webhook::Delivery,
        words,
    },
};

/// The most deliveries at once.
const MOST: u32 = 100;

/// The routes under `/control`.
pub(crate) fn router() -> Router<State> {
    Router::new()
        .route("/control/calls", get(calls).delete(forget_calls))
        .route("/control/faults", get(faults).post(set_fault).delete(clear_faults))
        .route("/control/github", get(world))
        .route("/control/github/timeline", get(timeline))
        .route("/control/github/events", post(happen))
        .route("/control/github/deliver", post(deliver))
        // A page that somebody visits must not steer them: they sign webhooks.
        .layer(middleware::from_fn(auth::near_only))
}

/// Why a control call was refused.
#[derive(Debug)]
pub(crate) struct Refusal {
    status: StatusCode,
    message: String,
}

impl Refusal {
    pub(crate) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into() }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.status, Json(json!({"error": self.message}))).into_response()
    }
}

fn read<T: DeserializeOwned>(body: &Bytes) -> Result<T, Refusal> {
    serde_json::from_slice(body).map_err(|error| Refusal::new(StatusCode::BAD_REQUEST, error.to_string()))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CallsQuery {
    service: Option<Service>,
}

/// `GET /control/calls?service=`: the calls so far, oldest first.
async fn calls(
    Shared(state): Shared<State>,
    query: Result<Query<CallsQuery>, QueryRejection>,
) -> Result<Json<Value>, Refusal> {
    let Query(query) = query.map_err(|error| Refusal::new(StatusCode::BAD_REQUEST, error.body_text()))?;
    let (calls, forgotten) = state.calls().list(query.service);
    Ok(Json(json!({"calls": calls, "forgotten": forgotten})))
}

/// `DELETE /control/calls`.
async fn forget_calls(Shared(state): Shared<State>) -> StatusCode {
    state.calls().clear();
    StatusCode::NO_CONTENT
}

/// `GET /control/faults`: those that have not happened yet.
async fn faults(Shared(state): Shared<State>) -> Json<Value> {
    Json(json!({"faults": state.faults().list(Timestamp::now())}))
}

/// `POST /control/faults`: one more; 201 with the fault.
async fn set_fault(Shared(state): Shared<State>, body: Bytes) -> Result<(StatusCode, Json<Fault>), Refusal> {
    let fault = state
        .faults()
        .set(read(&body)?, Timestamp::now())
        .map_err(|why| Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, why))?;
    Ok((StatusCode::CREATED, Json(fault)))
}

/// `DELETE /control/faults`.
async fn clear_faults(Shared(state): Shared<State>) -> StatusCode {
    state.faults().clear();
    StatusCode::NO_CONTENT
}

/// `GET /control/github`: what there is, in numbers.
async fn world(Shared(state): Shared<State>) -> Json<Value> {
    let world = state.world().read().unwrap_or_else(PoisonError::into_inner);
    let repositories: Vec<_> = world
        .repositories()
        .iter()
        .map(|repository| {
            let open = repository.items.values().filter(|item| item.is_open()).count();
            json!({"name": repository.name, "items": repository.items.len(), "open": open})
        })
        .collect();
    Json(json!({
        "now": world.now(),
        "app": format!("{}[bot]", github::APP),
        "maintainers": words::MAINTAINERS,
        "repositories": repositories,
    }))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TimelineQuery {
    repository: String,
}

/// `GET /control/github/timeline?repository=`: who said what when, item by item: a second source for
/// whoever checks what a client made of `POST /graphql`.
async fn timeline(
    Shared(state): Shared<State>,
    query: Result<Query<TimelineQuery>, QueryRejection>,
) -> Result<Json<Value>, Refusal> {
    let Query(query) = query.map_err(|error| Refusal::new(StatusCode::BAD_REQUEST, error.body_text()))?;
    let world = state.world().read().unwrap_or_else(PoisonError::into_inner);
    let repository = world.repository(&query.repository).ok_or_else(|| {
        Refusal::new(StatusCode::NOT_FOUND, format!("no repository {:?}", query.repository))
    })?;
    let items: Vec<_> = repository
        .items
        .values()
        .map(|item| json!({"number": item.number, "state": item.state.as_str(), "entries": words_of(item)}))
        .collect();
    Ok(Json(json!({"items": items})))
}

/// Everything that was said about an item; closing, merging and the like say nothing.
fn words_of(item: &Item) -> Vec<Value> {
    let word = |entry: &str, actor: Option<&Arc<Actor>>, at: Timestamp| {
        let bot = actor.is_some_and(|actor| actor.kind == ActorKind::Bot);
        let login = actor.map_or("ghost", |actor| &actor.login);
        json!({"entry": entry, "actor": login, "bot": bot, "at": at})
    };
    let comments = item.comments.iter().map(|one| word("comment", one.author.as_ref(), one.created_at));
    let reviews = item.reviews.iter().map(|one| word("review", one.author.as_ref(), one.submitted_at));
    [word("opened", item.author.as_ref(), item.created_at)]
        .into_iter()
        .chain(comments)
        .chain(reviews)
        .collect()
}

/// `POST /control/github/events`: something happens to an item; the webhook that tells of it, sent to
/// `deliver_to` or handed back for the caller to send.
async fn happen(Shared(state): Shared<State>, body: Bytes) -> Result<Json<Value>, Refusal> {
    let happening: Happening = read(&body)?;
    let url = happening.deliver_to.as_deref().map(|url| destination(&state, url)).transpose()?;
    let times = times(happening.times)?;
    let told = {
        let mut world = state.world().write().unwrap_or_else(PoisonError::into_inner);
        change::apply(&mut world, &happening)?
    };
    let secret = &state.options().github_webhook_secret;
    let delivery = Delivery::new(told.event, new_id(), told.payload.to_string(), secret);
    send(&state, &delivery, url, times).await
}

/// Body of `POST /control/github/deliver`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Parcel {
    url: String,
    /// Value of `X-GitHub-Event`.
    event: String,
    /// Sent as JSON; a string is sent as it is, so that it may be no JSON at all.
    payload: Value,
    /// Signs with this in place of the right secret.
    #[serde(default)]
    secret: Option<String>,
    /// Value of `X-GitHub-Delivery`; a new one unless told.
    #[serde(default)]
    delivery: Option<String>,
    #[serde(default)]
    times: Option<u32>,
}

/// `POST /control/github/deliver`: sends any webhook, signed.
async fn deliver(Shared(state): Shared<State>, body: Bytes) -> Result<Json<Value>, Refusal> {
    let parcel: Parcel = read(&body)?;
    let url = destination(&state, &parcel.url)?;
    let times = times(parcel.times)?;
    let body = match parcel.payload {
        Value::String(raw) => raw,
        payload => payload.to_string(),
    };
    let secret = parcel.secret.as_ref().unwrap_or(&state.options().github_webhook_secret);
    let delivery = Delivery::new(parcel.event, parcel.delivery.unwrap_or_else(new_id), body, secret);
    send(&state, &delivery, Some(url), times).await
}

async fn send(
    state: &State,
    delivery: &Delivery,
    url: Option<reqwest::Url>,
    times: u32,
) -> Result<Json<Value>, Refusal> {
    let answers = match url {
        None => Vec::new(),
        Some(url) => delivery
            .send(state.webhooks(), url.as_str(), times)
            .await
            .map_err(|why| Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, why))?,
    };
    Ok(Json(delivery.describe(&answers)))
}

/// New at every delivery, also after a restart: the receiver remembers those it has seen.
fn new_id() -> String {
    Uuid::now_v7().to_string()
}

/// Where a webhook is sent: to a process on this machine; from a container, also to those beside it. Whoever can
/// steer us must not get signed requests, or ours at all, sent to anybody else.
fn destination(state: &State, url: &str) -> Result<reqwest::Url, Refusal> {
    let wrong =
        |why: String| Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, format!("{url:?} is no address: {why}"));
    let parsed: reqwest::Url = url.parse().map_err(|error| wrong(format!("{error}")))?;
    if !matches!(parsed.scheme(), "http" | "https") {
        return Err(wrong("only http and https".to_owned()));
    }
    if !parsed.host_str().is_some_and(|host| may_deliver_to(host, state.options().host.is_loopback())) {
        return Err(wrong(
            "webhooks go to processes on this machine or beside this container only".to_owned(),
        ));
    }
    Ok(parsed)
}

/// Whether a webhook may be sent to `host`; `on_loopback`, nobody beside this machine reaches us either.
fn may_deliver_to(host: &str, on_loopback: bool) -> bool {
    if auth::is_loopback_name(host) {
        return true;
    }
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    match address {
        Ok(address) if address.is_loopback() => true,
        Ok(IpAddr::V4(address)) => !on_loopback && address.is_private(),
        Ok(IpAddr::V6(address)) => !on_loopback && address.is_unique_local(),
        Err(_) => !on_loopback && auth::is_near_name(host),
    }
}

fn times(times: Option<u32>) -> Result<u32, Refusal> {
    match times.unwrap_or(1) {
        times @ 1..=MOST => Ok(times),
        _ => Err(Refusal::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            format!("times must lie between 1 and {MOST}"),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn webhooks_stay_on_this_machine_or_beside_the_container() {
        for host in ["localhost", "127.0.0.1", "127.0.0.2", "[::1]"] {
            assert!(may_deliver_to(host, true) && may_deliver_to(host, false), "{host}");
        }
        for host in ["gateway", "gateway.workshop.svc", "172.17.0.1", "10.0.0.7", "[fd00::1]"] {
            assert!(!may_deliver_to(host, true) && may_deliver_to(host, false), "{host}");
        }
        for host in [
            "example.org",
            "169.254.169.254",
            "8.8.8.8",
            "0.0.0.0",
            "[2001:db8::1]",
            "127.0.0.1.evil.example",
        ] {
            assert!(!may_deliver_to(host, true) && !may_deliver_to(host, false), "{host}");
        }
    }
}
