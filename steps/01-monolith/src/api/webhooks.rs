//! `/webhooks/github`

use axum::{
    extract::Request,
    http::{HeaderMap, StatusCode},
};
use chassis::{Fault, Problem, auth::Secret, extract::body};
use domain::Origin;
use store::{OnConstraint, query};
use uuid::Uuid;

use crate::{
    Error, Result,
    app::State,
    github::webhook::{self, Envelope},
    sync,
};

/// The longest payload that we read, in bytes. GitHub sends up to 25 MB, but what we listen to, one
/// issue or pull request, stays far below this.
pub const LONGEST_PAYLOAD: usize = 5 * 1024 * 1024;

/// A delivery from GitHub. It takes effect once, however often it comes; unknown events, and
/// repositories that nobody tracks, are acknowledged and change nothing.
///
/// # Errors
/// 401 wrong or missing signature, 400 no delivery id or event, or a payload that is not GitHub's, 413 too long.
#[utoipa::path(
    post,
    path = "/webhooks/github",
    params(
        ("X-Hub-Signature-256" = String, Header, description = "HMAC-SHA256 of the body, as GitHub signs"),
        ("X-GitHub-Delivery" = String, Header, description = "Id of the delivery"),
        ("X-GitHub-Event" = String, Header, description = "Name of the event"),
    ),
    request_body = serde_json::Value,
    responses(
        (status = 202, description = "Taken, known already, or none of our business"),
        (status = 400, body = Problem, content_type = "application/problem+json"),
        (status = 401, body = Problem, content_type = "application/problem+json"),
        (status = 413, body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn receive(
    state: axum::extract::State<State>,
    headers: HeaderMap,
    request: Request,
) -> Result<StatusCode> {
    let payload = body(request, &()).await?;
    let (delivery, event) = signed(&headers, state.webhook_secret.as_ref(), &payload)?;
    let unreadable = |error: serde_json::Error| webhook::not_githubs(&error.to_string());
    let envelope: Envelope = serde_json::from_slice(&payload).map_err(unreadable)?;
    let name = envelope.repository.map(|repository| repository.full_name).unwrap_or_default();
    let Some(repository) = state.catalogue.find(&name) else { return Ok(StatusCode::ACCEPTED) };
    let Some(heard) = webhook::read(&event, &repository.name, &payload).map_err(unreadable)? else {
        return Ok(StatusCode::ACCEPTED);
    };

    let mut tx = state.store.begin_write().await?;
    let first = query(
        "INSERT INTO deliveries (id, delivery, event, received_at, version) VALUES ($1, $2, $3, $4, 1)",
    )
    .bind(Uuid::now_v7().to_string())
    .bind(&delivery)
    .bind(&event)
    .bind(store::now())
    .execute(&mut tx)
    .await
    .on_unique_violation("deliveries.delivery", || Error::from(Fault::Taken("the delivery".to_owned())));
    match first {
        // The row and its effect were committed together: whoever finds it has nothing left to do.
        Err(Error::Fault(Fault::Taken(_))) => return Ok(StatusCode::ACCEPTED),
        other => other?,
    };
    let tracked: sync::TrackedRepository = query("SELECT id, name, reach FROM repositories WHERE name = $1")
        .bind(repository.name.as_str())
        .fetch_one(&mut tx)
        .await?;
    state.sink.write(&mut tx, &tracked, &[heard.told], Origin::Webhook, heard.event).await?;
    tx.commit().await?;
    state.ruler.wake();
    Ok(StatusCode::ACCEPTED)
}

/// Id and event of a delivery, once its signature is known to be right.
///
/// # Errors
/// 401 wrong or missing signature, 400 no delivery id or event.
pub fn signed(headers: &HeaderMap, secret: Option<&Secret>, payload: &[u8]) -> Result<(String, String)> {
    let signature = header(headers, "x-hub-signature-256").unwrap_or_default();
    if !secret.is_some_and(|secret| webhook::is_signed(secret, payload, signature)) {
        return Err(Problem::new(
            StatusCode::UNAUTHORIZED,
            "bad-signature",
            "X-Hub-Signature-256 is not the body's signature under GITHUB_WEBHOOK_SECRET",
        )
        .into());
    }
    Ok((required(headers, "x-github-delivery")?, required(headers, "x-github-event")?))
}

fn header<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()
}

/// A header that GitHub always sends: 1 to 200 characters.
fn required(headers: &HeaderMap, name: &str) -> Result<String> {
    let value = header(headers, name).filter(|value| (1..=200).contains(&value.len()));
    value.map(str::to_owned).ok_or_else(|| {
        Problem::new(StatusCode::BAD_REQUEST, "not-githubs", format!("the header {name} is missing")).into()
    })
}
