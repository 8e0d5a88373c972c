//! `/webhooks/github`

use automator_github::{
    deliveries, repositories,
    webhook::{self, Envelope, signed},
};
use axum::{
    extract::{Request, State as Shared},
    http::{HeaderMap, StatusCode},
};
use chassis::{Problem, extract::body};
use domain::Origin;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{Result, state::State};

/// The route that GitHub tells.
pub fn router() -> OpenApiRouter<State> {
    OpenApiRouter::new().routes(routes!(receive))
}

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
    Shared(state): Shared<State>,
    headers: HeaderMap,
    request: Request,
) -> Result<StatusCode> {
    let payload = body(request, &()).await?;
    let (delivery, event) = signed(&headers, state.webhook_secret.as_ref(), &payload)?;
    let payload = webhook::payload(&headers, payload)?;
    let unreadable = |error: serde_json::Error| webhook::not_githubs(&error.to_string());
    let envelope: Envelope = serde_json::from_slice(&payload).map_err(unreadable)?;
    let name = envelope.repository.map(|repository| repository.full_name).unwrap_or_default();
    let Some(repository) = state.catalogue.find(&name) else { return Ok(StatusCode::ACCEPTED) };
    let Some(heard) = webhook::read(&event, &repository.name, &payload).map_err(unreadable)? else {
        return Ok(StatusCode::ACCEPTED);
    };
    let heard = heard.unless_ours(state.importer.github()).await;

    let mut tx = state.store.begin_write().await?;
    // The row and its effect are committed together: whoever finds it has nothing left to do.
    if !deliveries::is_new(&mut tx, &delivery, &event).await? {
        return Ok(StatusCode::ACCEPTED);
    }
    let tracked = repositories::tracked(&mut tx, &repository.name).await?;
    state.writer.write(&mut tx, &tracked, &[heard.told], Origin::Webhook, heard.event).await?;
    tx.commit().await?;
    state.rules.wake();
    Ok(StatusCode::ACCEPTED)
}
