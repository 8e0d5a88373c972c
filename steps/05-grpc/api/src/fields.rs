//! What messages have in their fields: ids, texts with a form, times.

use std::{fmt::Display, str::FromStr};

use jiff::Timestamp;
use step_02_contracts::Fault;
use uuid::Uuid;

use crate::Read;

/// What the service answered. A message that cannot be read is no fault of whoever asked the caller.
///
/// # Errors
/// [`Fault::Internal`] when it cannot be read.
pub fn answer<T>(message: impl TryInto<T, Error = Fault>) -> Result<T, Fault> {
    message.try_into().map_err(broken)
}

/// The fault of an answer that cannot be read.
fn broken(fault: Fault) -> Fault {
    let Fault::Invalid(errors) = &fault else { return fault };
    let told: Vec<_> = errors.iter().map(|error| format!("{} {}", error.field, error.message)).collect();
    Fault::internal(format!("backlog's answer cannot be read: {}", told.join(", ")))
}

/// An id in its text form.
///
/// # Errors
/// [`Fault::Invalid`] naming `field`.
pub fn id(field: &str, text: &str) -> Result<Uuid, Fault> {
    text.parse().map_err(|_| Fault::invalid(field, "must be a UUID"))
}

/// A value with a text form.
///
/// # Errors
/// [`Fault::Invalid`] naming `field`.
pub fn text<T: FromStr<Err: Display>>(field: &str, text: &str) -> Result<T, Fault> {
    text.parse().map_err(|error| Fault::invalid(field, format!("{error}")))
}

/// A value with a text form, if there is one.
pub(crate) fn optional<T: FromStr<Err: Display>>(field: &str, value: Option<String>) -> Read<Option<T>> {
    value.map(|value| text(field, &value)).transpose()
}

/// What has to be there.
pub(crate) fn given<T>(field: &str, value: Option<T>) -> Read<T> {
    value.ok_or_else(|| Fault::invalid(field, "must be given"))
}

/// A time on the wire.
pub(crate) fn wire_time(time: Timestamp) -> prost_types::Timestamp {
    let (mut seconds, mut nanos) = (time.as_second(), time.subsec_nanosecond());
    // On the wire nanoseconds count forward, before 1970 too.
    if nanos < 0 {
        (seconds, nanos) = (seconds - 1, nanos + 1_000_000_000);
    }
    prost_types::Timestamp { seconds, nanos }
}

/// A time from the wire.
pub(crate) fn time(field: &str, time: Option<prost_types::Timestamp>) -> Read<Timestamp> {
    optional_time(field, time).and_then(|time| given(field, time))
}

/// A time from the wire, if there is one.
pub(crate) fn optional_time(field: &str, time: Option<prost_types::Timestamp>) -> Read<Option<Timestamp>> {
    time.map(|time| Timestamp::new(time.seconds, time.nanos))
        .transpose()
        .map_err(|_| Fault::invalid(field, "must be a time"))
}
