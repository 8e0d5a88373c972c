//! The adapter, before a service that promises what the contract says and nothing else.

use std::time::Duration;

use acceptance::serde_json::{self, Value};
use domain::Message;
use step_02_contracts::{Ctx, Fault, Notify};
use uuid::Uuid;

use super::{file::Interaction, shape::Filling};
use crate::{
    call,
    service::{Does, Service},
};

/// How long one answer of a service on this machine may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// What the adapter makes of `answer`, in a word that is another one where it has read something else.
///
/// # Errors
/// It cannot make anything of it, or does not ask what the interaction says. What it does instead.
pub(super) async fn reads(
    interaction: &Interaction,
    filling: &Filling,
    answer: &Value,
) -> Result<String, String> {
    let (path, body) = interaction.filled(filling);
    let service = Service::that(Does::Answers(interaction.status, answer.to_string(), Duration::ZERO)).await;
    let ended = ask(&service.url, &interaction.method, &path, &body).await?;
    let asked = service.asked();
    let Some(asked) = asked.first() else { return Err("asks nothing at all".to_owned()) };
    let wanted = format!("{} {path} HTTP/1.1", interaction.method);
    if asked.line != wanted {
        return Err(format!("asks {:?} and not {wanted:?}", asked.line));
    }
    if asked.body != body {
        return Err(format!("sends {} and not {body}", asked.body));
    }
    match ended {
        Err(Fault::Unavailable(_) | Fault::Internal(_) | Fault::DeadlineExceeded)
            if interaction.status < 500 =>
        {
            Err(format!("can make nothing of {} with {answer}", interaction.status))
        }
        ended => Ok(format!("{ended:?}")),
    }
}

/// Has the adapter make that request.
async fn ask(url: &str, method: &str, path: &str, body: &Value) -> Result<Result<String, Fault>, String> {
    let (adapter, ctx) = (call::adapter(url), Ctx::background(PATIENCE));
    if method == "POST" {
        let messages: Vec<Message> = serde_json::from_value(body["messages"].clone())
            .map_err(|error| format!("has no message of that shape to send: {error}"))?;
        return Ok(adapter.send(&ctx, None, messages).await.map(|sent| format!("{sent:?}")));
    }
    let id = path.rsplit('/').next().and_then(|id| id.parse::<Uuid>().ok());
    let id = id.ok_or_else(|| format!("never asks for {path}: there is no id of a message in it"))?;
    Ok(adapter.find(&ctx, id).await.map(|found| format!("{found:?}")))
}
