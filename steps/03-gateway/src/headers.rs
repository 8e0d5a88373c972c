//! What is passed on in the head of a message, and what is not.

use std::{
    cell::RefCell,
    fmt::Write,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use chassis::{
    ctx::{self, REQUEST_ID, REQUEST_TIMEOUT},
    trace::{self, TraceParent},
};
use http::{HeaderMap, HeaderName, HeaderValue, header, request::Parts};
use ipnet::IpNet;

use crate::refusal::Refusal;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const TIMEOUT: HeaderName = HeaderName::from_static(REQUEST_TIMEOUT);
const ID: HeaderName = HeaderName::from_static(REQUEST_ID);
const TRACEPARENT: HeaderName = HeaderName::from_static(trace::TRACEPARENT);
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");
const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
const PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");

/// Headers about one connection, not about the message (RFC 9110, 7.6.1).
const HOP_BY_HOP: [HeaderName; 7] = [
    header::CONNECTION,
    KEEP_ALIVE,
    PROXY_CONNECTION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// Who is at the other end of a connection, as upstreams are told.
#[derive(Debug)]
pub struct Peer {
    /// Its address.
    pub address: IpAddr,
    /// Whether it is a proxy of ours, which is believed when it says whom it speaks for.
    is_trusted: bool,
    forwarded_for: HeaderValue,
    forwarded: HeaderValue,
}

impl Peer {
    /// Made once for a connection, so that a request costs no formatting.
    #[must_use]
    pub fn new(peer: SocketAddr, trusted: &[IpNet]) -> Self {
        let address = peer.ip().to_canonical();
        // Brackets and quotes for IPv6: RFC 7239, section 6.
        let node = if address.is_ipv6() { format!("\"[{address}]\"") } else { address.to_string() };
        Self {
            address,
            is_trusted: trusted.iter().any(|network| network.contains(&address)),
            forwarded_for: value(&address.to_string()),
            forwarded: value(&format!("for={node};proto=http")),
        }
    }

    /// Tells the upstream who asks. A proxy of ours has its word kept and its own address added; what anybody else says of
    /// the way is replaced by what we see.
    fn introduce(&self, headers: &mut HeaderMap) {
        let believed = |name: HeaderName| headers.get(name).filter(|_| self.is_trusted);
        let added = |name: HeaderName, own: &HeaderValue| {
            let said = headers.get_all(name).iter().filter_map(|said| said.to_str().ok());
            let mut said: Vec<&str> = said.filter(|_| self.is_trusted).collect();
            if said.is_empty() {
                return own.clone();
            }
            said.extend(own.to_str());
            value(&said.join(", "))
        };
        let forwarded_for = added(FORWARDED_FOR, &self.forwarded_for);
        let forwarded = added(header::FORWARDED, &self.forwarded);
        let proto = believed(FORWARDED_PROTO).cloned();
        let host = believed(FORWARDED_HOST).or_else(|| headers.get(header::HOST)).cloned();
        headers.insert(FORWARDED_FOR, forwarded_for);
        headers.insert(header::FORWARDED, forwarded);
        headers.insert(FORWARDED_PROTO, proto.unwrap_or_else(|| HeaderValue::from_static("http")));
        match host {
            Some(host) => headers.insert(FORWARDED_HOST, host),
            None => headers.remove(FORWARDED_HOST),
        };
    }
}

/// Text that we have made: it has no character that a header cannot have.
fn value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or_else(|_| HeaderValue::from_static("unknown"))
}

/// Refuses a request whose end or target two servers could see differently. What the parser refuses never gets here:
/// two lengths that differ, a line that is folded, a length that is no number.
///
/// # Errors
/// What is ambiguous.
pub fn check(request: &Parts) -> Result<(), Refusal> {
    let headers = &request.headers;
    let mut hosts = headers.get_all(header::HOST).iter();
    let host = hosts.next();
    if hosts.next().is_some() {
        return Err(Refusal::Ambiguous("it has more than one Host"));
    }
    match (host, request.uri.authority()) {
        (None, None) if request.version >= http::Version::HTTP_11 => {
            return Err(Refusal::Ambiguous("it has no Host"));
        }
        (Some(host), Some(target)) if !host.as_bytes().eq_ignore_ascii_case(target.as_str().as_bytes()) => {
            return Err(Refusal::Ambiguous("its target names another host than Host"));
        }
        (None, Some(_)) => return Err(Refusal::Ambiguous("its target names a host and it has no Host")),
        _ => {}
    }
    let mut codings = headers.get_all(header::TRANSFER_ENCODING).iter();
    if let Some(coding) = codings.next() {
        if !coding.as_bytes().eq_ignore_ascii_case(b"chunked") || codings.next().is_some() {
            return Err(Refusal::Ambiguous("its Transfer-Encoding is not just chunked"));
        }
        if headers.contains_key(header::CONTENT_LENGTH) {
            return Err(Refusal::Ambiguous("it has both a Content-Length and a Transfer-Encoding"));
        }
    }
    Ok(())
}

/// Makes the head of a request ready for an upstream. The request's id.
pub fn pass_on(headers: &mut HeaderMap, peer: &Peer) -> HeaderValue {
    remove_hop_by_hop(headers);
    // Met here: hyper says 100 as soon as an upstream wants the body.
    headers.remove(header::EXPECT);
    headers.insert(header::VIA, HeaderValue::from_static("1.1 gateway"));
    peer.introduce(headers);
    identify(headers)
}

/// How long the upstream has: what the client says, and at most `longest`. The upstream is told. What is no number is passed on
/// as it is: the upstream refuses it in its own words.
pub fn allow(headers: &mut HeaderMap, longest: Duration) -> Duration {
    let said = headers.get(TIMEOUT).and_then(|value| value.to_str().ok()).map(str::parse);
    let allowed = match said {
        Some(Ok(milliseconds)) => Duration::from_millis(milliseconds).min(longest),
        Some(Err(_)) => return longest,
        None => longest,
    };
    headers.insert(TIMEOUT, HeaderValue::from(u64::try_from(allowed.as_millis()).unwrap_or(u64::MAX)));
    allowed
}

/// Gives a request an id and a trace (W3C Trace Context), unless it has them and they are well formed.
fn identify(headers: &mut HeaderMap) -> HeaderValue {
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

/// Takes away what is about one connection, and what `Connection` names besides. A client cannot have its own framing, Host or
/// what the gateway adds taken away: these are set afterwards, or kept.
pub fn remove_hop_by_hop(headers: &mut HeaderMap) {
    if let Some(connection) = headers.get(header::CONNECTION)
        && !matches!(connection.as_bytes(), b"keep-alive" | b"close")
    {
        let named: Vec<HeaderName> = tokens(headers)
            .filter_map(|name| name.parse().ok())
            .filter(|name| ![header::HOST, header::CONTENT_LENGTH].contains(name))
            .collect();
        for name in named {
            headers.remove(name);
        }
    }
    for name in HOP_BY_HOP {
        headers.remove(name);
    }
}

/// What `Connection` lists.
fn tokens(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let values = headers.get_all(header::CONNECTION).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(str::trim)
}

/// The protocol that a message offers or takes up by `Connection: upgrade`. Not h2c: a second HTTP inside the first would get
/// past every rule of the table.
#[must_use]
pub fn upgrade(headers: &HeaderMap) -> Option<HeaderValue> {
    let protocol = headers.get(header::UPGRADE)?;
    let asked = tokens(headers).any(|token| token.eq_ignore_ascii_case("upgrade"));
    let is_http = protocol.to_str().is_ok_and(|name| {
        name.split(',').any(|name| {
            let name = name.trim().to_ascii_lowercase();
            name.starts_with("h2") || name.starts_with("http")
        })
    });
    (asked && !is_http).then(|| protocol.clone())
}

/// Says that a message goes over to `protocol`.
pub fn set_upgrade(headers: &mut HeaderMap, protocol: HeaderValue) {
    headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(header::UPGRADE, protocol);
}

/// Names the request on an answer that does not.
pub fn name_request(headers: &mut HeaderMap, id: HeaderValue) {
    headers.entry(ID).or_insert(id);
}
