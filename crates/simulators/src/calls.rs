//! What the simulators were sent.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
};

use axum::http::{HeaderMap, Method, Uri, header};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use crate::faults::{FaultKind, Service};

/// How many calls are kept; older ones are forgotten and counted.
const KEPT: usize = 5000;

/// One call.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Call {
    /// Counts all calls since the start.
    pub(crate) sequence: u64,
    pub(crate) service: Service,
    pub(crate) method: String,
    /// With its query.
    pub(crate) path: String,
    /// Names in lower case; of a credential only its scheme.
    pub(crate) headers: BTreeMap<String, String>,
    /// As it was sent.
    pub(crate) body: String,
    /// The body read as JSON or as a form; `null` when it is neither.
    pub(crate) fields: Value,
    /// When it arrived, by the machine's clock.
    pub(crate) at: Timestamp,
    /// The status that was answered; `null` while it is under way, or when the client did not wait.
    pub(crate) status: Option<u16>,
    /// The fault that it met.
    pub(crate) fault: Option<FaultKind>,
}

/// The calls so far.
#[derive(Debug, Default)]
pub(crate) struct Calls(Mutex<Log>);

#[derive(Debug, Default)]
struct Log {
    calls: VecDeque<Call>,
    sequence: u64,
    forgotten: u64,
}

impl Calls {
    /// Notes a call before it is answered; its sequence number.
    pub(crate) fn arrived(
        &self,
        service: Service,
        (method, uri, headers): (&Method, &Uri, &HeaderMap),
        body: &[u8],
        fault: Option<FaultKind>,
    ) -> u64 {
        let mut log = self.lock();
        log.sequence += 1;
        let call = Call {
            sequence: log.sequence,
            service,
            method: method.to_string(),
            path: uri.path_and_query().map_or_else(|| uri.path().to_owned(), ToString::to_string),
            headers: without_secrets(headers),
            body: String::from_utf8_lossy(body).into_owned(),
            fields: fields(headers, body),
            at: Timestamp::now(),
            status: None,
            fault,
        };
        log.calls.push_back(call);
        if log.calls.len() > KEPT {
            log.calls.pop_front();
            log.forgotten += 1;
        }
        log.sequence
    }

    /// Notes how a call was answered.
    pub(crate) fn answered(&self, sequence: u64, status: u16) {
        let mut log = self.lock();
        if let Some(call) = log.calls.iter_mut().rev().find(|call| call.sequence == sequence) {
            call.status = Some(status);
        }
    }

    /// The calls of one service or of all, oldest first, and how many older ones were forgotten.
    pub(crate) fn list(&self, service: Option<Service>) -> (Vec<Call>, u64) {
        let log = self.lock();
        let wanted = log.calls.iter().filter(|call| service.is_none_or(|service| call.service == service));
        (wanted.cloned().collect(), log.forgotten)
    }

    /// Forgets all.
    pub(crate) fn clear(&self) {
        let mut log = self.lock();
        log.calls.clear();
        log.forgotten = 0;
    }

    fn lock(&self) -> MutexGuard<'_, Log> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The headers; of `Authorization` and cookies only the scheme or nothing.
fn without_secrets(headers: &HeaderMap) -> BTreeMap<String, String> {
    let shown = |name: &header::HeaderName, value: &str| match *name {
        header::AUTHORIZATION | header::PROXY_AUTHORIZATION => {
            format!("{} …", value.split(' ').next().filter(|_| value.contains(' ')).unwrap_or_default())
        }
        header::COOKIE => "…".to_owned(),
        _ => value.to_owned(),
    };
    headers
        .iter()
        .map(|(name, value)| (name.to_string(), shown(name, &String::from_utf8_lossy(value.as_bytes()))))
        .collect()
}

fn fields(headers: &HeaderMap, body: &[u8]) -> Value {
    let form = headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|value| value.as_bytes().starts_with(b"application/x-www-form-urlencoded"));
    if form {
        crate::twilio::form(body).into_iter().map(|(name, value)| (name, Value::String(value))).collect()
    } else {
        serde_json::from_slice(body).unwrap_or_default()
    }
}
