//! What other contexts tell. The event itself stays in the JSON of who tells it: this file of messages has not to change when
//! theirs does.

use prost::Message;
use step_02_contracts::{Fault, Recorded};

use crate::{
    fields::{id, time, wire_time},
    v1,
};

/// How long a message may be, in bytes: a page of rules with ten comments of 10,000 characters each, and some more. A batch
/// of events is kept below a quarter of it.
pub const LONGEST_MESSAGE: usize = 16 * 1024 * 1024;

/// How long a batch of events may be, in bytes, where it has more than one.
const LONGEST_BATCH: usize = LONGEST_MESSAGE / 4;

/// The calls that tell `events`, in their order.
///
/// # Errors
/// [`Fault::Internal`] when one has no JSON form.
pub fn batches(events: &[Recorded]) -> Result<Vec<v1::HandleEventsRequest>, Fault> {
    let mut batches = Vec::new();
    let mut batch = v1::HandleEventsRequest::default();
    let mut length = 0;
    for event in events {
        let event = v1::Event::try_from(event)?;
        length += event.encoded_len();
        if length > LONGEST_BATCH && !batch.events.is_empty() {
            length = event.encoded_len();
            batches.push(std::mem::take(&mut batch));
        }
        batch.events.push(event);
    }
    if !batch.events.is_empty() {
        batches.push(batch);
    }
    Ok(batches)
}

impl TryFrom<&Recorded> for v1::Event {
    type Error = Fault;

    /// # Errors
    /// [`Fault::Internal`] when it has no JSON form.
    fn try_from(event: &Recorded) -> Result<Self, Fault> {
        Ok(Self {
            id: event.id.to_string(),
            r#type: event.kind.clone(),
            version: event.version,
            origin: event.origin.clone(),
            subject: event.subject.clone(),
            time: Some(wire_time(event.time)),
            data: serde_json::to_vec(&event.data).map_err(Fault::internal)?,
        })
    }
}

impl TryFrom<v1::Event> for Recorded {
    type Error = Fault;

    fn try_from(event: v1::Event) -> Result<Self, Fault> {
        Ok(Self {
            id: id("events.id", &event.id)?,
            kind: event.r#type,
            version: event.version,
            origin: event.origin,
            subject: event.subject,
            time: time("events.time", event.time)?,
            data: serde_json::from_slice(&event.data)
                .map_err(|_| Fault::invalid("events.data", "must be JSON"))?,
        })
    }
}
