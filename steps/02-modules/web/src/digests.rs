//! `/api/digests`

use automator_pages::digest::{self, NAMED};
use axum::{Router, extract::State, http::StatusCode, routing::post};
use chassis::{
    extract::Ignored,
    idempotency::{Answer, Keyed},
};
use domain::{Digests, Login};
use step_02_contracts::{Ctx, Fault, Once};
use uuid::Uuid;

use crate::Ports;

/// The route of digests, over any ports.
pub fn router(ports: Ports) -> Router {
    Router::new().route("/api/digests", post(create)).with_state(ports)
}

/// Mails every active member their open tasks and what the community waits for: four calls, however many members there are.
async fn create(
    State(ports): State<Ports>,
    ctx: Ctx,
    Keyed(key, Ignored): Keyed<Ignored>,
) -> Result<Answer, Fault> {
    // One message for each member and request: the same when the request is repeated, another one tomorrow.
    let request = key.as_ref().map_or_else(|| Uuid::now_v7().to_string(), |key| key.key.clone());
    let (waiting, all) = ports.github.waiting(&ctx, NAMED).await?;
    let members = ports.team.active(&ctx).await?;
    let logins: Vec<Login> = members.iter().map(|member| member.login.clone()).collect();
    let workloads = ports.backlog.workload(&ctx, &logins, NAMED).await?;
    let messages = members
        .into_iter()
        .zip(workloads)
        .map(|(member, load)| digest::mail(&request, member, (&load.first, load.all), (&waiting, all)))
        .collect();
    let Once { value: notifications, replayed } = ports.notify.send(&ctx, key, messages).await?;
    Once { value: Digests { notifications }, replayed }.answer(StatusCode::ACCEPTED)
}
