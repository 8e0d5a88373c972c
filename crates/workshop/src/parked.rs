//! `cargo workshop parked`: the messages that a running step has put aside, since whoever they are for could not take them.

use std::{process::ExitCode, time::Duration};

use anyhow::{Context, Result, bail};
use harness::http::{Answer, Request};
use serde::Deserialize;
use serde_json::Value;

use crate::{
    Usage,
    cli::Parked,
    list::Step,
    output::{complain, say, style},
    run::Running,
    workshop::Workshop,
};

/// How long one answer may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// The step that parks messages.
const STEP: &str = "07";
/// Where each service has its own.
const PATH: &str = "/internal/parked";
/// The longest id that anybody gives.
const LONGEST_ID: usize = 128;

/// A message that was put aside.
#[derive(Debug, Deserialize)]
struct Message {
    id: String,
    /// Who could not take it.
    consumer: String,
    kind: String,
    /// What it is about: whose order counts.
    subject: String,
    reason: String,
    tries: u64,
    parked_at: String,
    /// How many wait behind it, to keep that order.
    #[serde(default)]
    waiting: u64,
}

#[derive(Debug, Deserialize)]
struct List {
    parked: Vec<Message>,
}

/// A service of the running step.
struct Service<'a> {
    name: &'a str,
    url: &'a str,
    authorization: String,
}

pub(crate) fn parked(workshop: &Workshop, what: Option<&Parked>) -> Result<ExitCode> {
    if let Some(Parked::Retry { id } | Parked::GiveUp { id }) = what {
        is_id(id)?;
    }
    let Some((step, running)) = Running::find(workshop) else {
        bail!("no step is running; messages are parked at step {STEP}: cargo workshop run 7");
    };
    let authorization = format!("Bearer {}", running.service_token);
    let services: Vec<_> = running
        .services
        .iter()
        .map(|(name, url)| Service { name, url, authorization: authorization.clone() })
        .collect();
    match what {
        None | Some(Parked::List) => list(step, &services),
        Some(Parked::Retry { id }) => act(step, &services, id, "retry", "is sent again"),
        Some(Parked::GiveUp { id }) => act(step, &services, id, "give-up", "is given up"),
    }
}

/// An id becomes a part of a path.
fn is_id(id: &str) -> Result<()> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if id.is_empty() || id.len() > LONGEST_ID || !id.chars().all(plain) {
        return Err(Usage(format!(
            "{id:?} is no id of a message; cargo workshop parked shows those that there are"
        ))
        .into());
    }
    Ok(())
}

fn list(step: &Step, services: &[Service<'_>]) -> Result<ExitCode> {
    let (parked, away) = all(step, services)?;
    if parked.is_empty() && away.is_empty() {
        say("no message is parked");
    }
    for (service, message) in &parked {
        let Message { id, consumer, kind, subject, reason, tries, parked_at, waiting } = message;
        let times = if *tries == 1 { "once".to_owned() } else { format!("{tries} times") };
        let subject = in_one_line(subject);
        say(&format!("{}  {kind} about {subject}, for {consumer} in {}", style::bold(id), service.name));
        say(&format!("    tried {times}, parked at {parked_at}: {}", in_one_line(reason)));
        match waiting {
            0 => {}
            1 => say("    1 message about it waits behind it"),
            more => say(&format!("    {more} messages about it wait behind it")),
        }
    }
    if !parked.is_empty() {
        say("\nNext: cargo workshop parked retry ID, or: cargo workshop parked give-up ID");
    }
    for (service, reason) in &away {
        complain(&format!("{} does not answer ({reason}); what it has parked is not shown", service.name));
    }
    Ok(if away.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Has the service that parked the message do something with it.
fn act(step: &Step, services: &[Service<'_>], id: &str, action: &str, done: &str) -> Result<ExitCode> {
    let (parked, away) = all(step, services)?;
    let Some((service, message)) = parked.iter().find(|(_, message)| message.id == id) else {
        if let Some((service, reason)) = away.first() {
            bail!("no service that answers has parked {id}, and {} does not answer: {reason}", service.name);
        }
        bail!("no message {id} is parked; cargo workshop parked shows those that are");
    };
    let answer = service.ask("POST", &format!("{PATH}/{id}/{action}"))?;
    match answer.status {
        200..300 => {
            say(&format!(
                "{} about {} {done}, by {}",
                message.kind,
                in_one_line(&message.subject),
                service.name
            ));
            Ok(ExitCode::SUCCESS)
        }
        // Somebody else was faster.
        404 => bail!("{} has not parked {id} any more", service.name),
        _ => bail!("{} refuses: {}", service.name, explanation(&answer)),
    }
}

/// What each service has parked, and which did not answer.
#[expect(clippy::type_complexity, reason = "two lists of pairs, said above")]
fn all<'a>(
    step: &Step,
    services: &'a [Service<'a>],
) -> Result<(Vec<(&'a Service<'a>, Message)>, Vec<(&'a Service<'a>, String)>)> {
    let (mut parked, mut away, mut parks) = (Vec::new(), Vec::new(), false);
    for service in services {
        match service.ask("GET", PATH) {
            // It has no such route.
            Ok(Answer { status: 404 | 405, .. }) => {}
            // A server of gRPC refuses in a header of its own, with the status 200.
            Ok(Answer { status: 200, body }) if body.is_empty() => {}
            Ok(Answer { status: 200, body }) => {
                parks = true;
                let list: List = serde_json::from_str(&body)
                    .with_context(|| format!("{} answers what we do not understand", service.name))?;
                parked.extend(list.parked.into_iter().map(|message| (service, message)));
            }
            Ok(answer) => away.push((service, explanation(&answer))),
            Err(error) => away.push((service, error.root_cause().to_string())),
        }
    }
    if !parks && away.is_empty() {
        bail!("step {} parks no messages, step {STEP} does: cargo workshop run 7", step.number);
    }
    Ok((parked, away))
}

impl Service<'_> {
    fn ask(&self, method: &str, path: &str) -> Result<Answer> {
        let headers = [("authorization", self.authorization.as_str())];
        let request = Request { method, base: self.url, path, headers: &headers, body: "", limit: PATIENCE };
        request.send().with_context(|| format!("{} does not answer", self.name))
    }
}

/// What a message brought with it may have line ends in it, and what only a terminal understands.
fn in_one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// What problem details say (RFC 9457), or the status alone.
fn explanation(answer: &Answer) -> String {
    let problem: Value = serde_json::from_str(&answer.body).unwrap_or_default();
    let text = problem["detail"].as_str().or(problem["title"].as_str());
    text.map_or_else(|| format!("status {}", answer.status), str::to_owned)
}
