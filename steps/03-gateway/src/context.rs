//! What a request of ours carries on its way: an id, a trace, and how long it has. The chassis says what these look like.

use std::{cell::RefCell, fmt::Write, time::Duration};

use chassis::{
    ctx::{self, REQUEST_ID, REQUEST_TIMEOUT},
    trace::{self, TraceParent},
};
use http::{HeaderMap, HeaderName, HeaderValue};

const TIMEOUT: HeaderName = HeaderName::from_static(REQUEST_TIMEOUT);
const ID: HeaderName = HeaderName::from_static(REQUEST_ID);
const TRACEPARENT: HeaderName = HeaderName::from_static(trace::TRACEPARENT);
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// How long the upstream has: what the client says, and at most `longest`. The upstream is told. What is no number is passed on
/// as it is: the upstream refuses it in its own words.
pub fn allow(headers: &mut HeaderMap, longest: Duration) -> Duration {
    let allowed = match headers.get(TIMEOUT).map(milliseconds) {
        Some(Some(milliseconds)) => Duration::from_millis(milliseconds).min(longest),
        Some(None) => return longest,
        None => longest,
    };
    headers.insert(TIMEOUT, HeaderValue::from(u64::try_from(allowed.as_millis()).unwrap_or(u64::MAX)));
    allowed
}

/// A whole number, as the chassis reads it. Rust's own reading takes a sign, too.
fn milliseconds(value: &HeaderValue) -> Option<u64> {
    let digits = value.to_str().ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))?;
    digits.parse().ok()
}

/// Gives a request an id and a trace (W3C Trace Context), unless it has them and they are well formed. The id.
pub fn identify(headers: &mut HeaderMap) -> HeaderValue {
    let shown = headers.get(ID).filter(|id| id.to_str().is_ok_and(ctx::is_request_id)).cloned();
    let traced = headers.get(TRACEPARENT).and_then(|value| value.to_str().ok());
    let traced = traced.is_some_and(|text| text.parse::<TraceParent>().is_ok());
    if let (Some(id), true) = (&shown, traced) {
        return id.clone();
    }
    let random = Random::next();
    if !traced {
        // What a foreign trace kept with itself means nothing in ours.
        headers.remove(TRACESTATE);
        headers.insert(TRACEPARENT, random.traceparent());
    }
    let id = shown.unwrap_or_else(|| random.id());
    headers.insert(ID, id.clone());
    id
}

/// The random part of a request's ids.
struct Random([u8; 24]);

impl Random {
    /// From a store that each thread fills by the page: a system call each would cost more than the rest of the head.
    fn next() -> Self {
        const SIZE: usize = 24;
        thread_local! {
            static STORE: RefCell<([u8; SIZE * 100], usize)> = const { RefCell::new(([0; SIZE * 100], SIZE * 100)) };
        }
        STORE.with_borrow_mut(|(store, at)| {
            if *at == store.len() {
                // Without randomness ids repeat; requests are answered all the same.
                let _ = getrandom::fill(store);
                *at = 0;
            }
            let mut random = [0; SIZE];
            random.copy_from_slice(&store[*at..*at + SIZE]);
            *at += SIZE;
            Self(random)
        })
    }

    fn id(&self) -> HeaderValue {
        let mut text = [0; 32];
        // It is twice as long as what it shows.
        let _ = hex::encode_to_slice(&self.0[..16], &mut text);
        HeaderValue::from_bytes(&text).unwrap_or_else(|_| HeaderValue::from_static("unknown"))
    }

    fn traceparent(&self) -> HeaderValue {
        let mut text = String::with_capacity(55);
        text.push_str("00-");
        let (trace, span) = self.0.split_at(16);
        for (part, end) in [(trace, "-"), (span, "-00")] {
            let mut shown = [0; 32];
            let shown = &mut shown[..part.len() * 2];
            let _ = hex::encode_to_slice(part, shown);
            // Writing to a String cannot fail.
            let _ = write!(text, "{}{end}", std::str::from_utf8(shown).unwrap_or_default());
        }
        HeaderValue::from_str(&text).unwrap_or_else(|_| HeaderValue::from_static(""))
    }
}

/// Names the request on an answer that does not.
pub fn name_request(headers: &mut HeaderMap, id: HeaderValue) {
    headers.entry(ID).or_insert(id);
}
