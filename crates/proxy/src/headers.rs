//! What is passed on in the head of a request: nothing that can be read in two ways, and who asks.

use std::net::{IpAddr, SocketAddr};

use http::{HeaderMap, HeaderName, HeaderValue, Method, header, request::Parts, uri::Authority};
use ipnet::IpNet;

use crate::{Error, hop_by_hop, via::Via};

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

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
pub fn check(request: &Parts) -> Result<(), Error> {
    let headers = &request.headers;
    let mut hosts = headers.get_all(header::HOST).iter();
    let host = hosts.next();
    if hosts.next().is_some() {
        return Err(Error::Ambiguous("it has more than one Host"));
    }
    if host.is_some_and(|host| !is_host(host)) {
        return Err(Error::Ambiguous("its Host is none"));
    }
    match (host, request.uri.authority()) {
        (None, None) if request.version >= http::Version::HTTP_11 => {
            return Err(Error::Ambiguous("it has no Host"));
        }
        (Some(host), Some(target)) if !host.as_bytes().eq_ignore_ascii_case(target.as_str().as_bytes()) => {
            return Err(Error::Ambiguous("its target names another host than Host"));
        }
        (None, Some(_)) => return Err(Error::Ambiguous("its target names a host and it has no Host")),
        _ => {}
    }
    let mut codings = headers.get_all(header::TRANSFER_ENCODING).iter();
    if let Some(coding) = codings.next() {
        if !coding.as_bytes().eq_ignore_ascii_case(b"chunked") || codings.next().is_some() {
            return Err(Error::Ambiguous("its Transfer-Encoding is not just chunked"));
        }
        if headers.contains_key(header::CONTENT_LENGTH) {
            return Err(Error::Ambiguous("it has both a Content-Length and a Transfer-Encoding"));
        }
    }
    Ok(())
}

/// Whether it is a host, perhaps with a port (RFC 9110, 7.2); nothing at all is allowed.
fn is_host(value: &HeaderValue) -> bool {
    let is_authority = |text| Authority::try_from(text).is_ok_and(|it| !it.as_str().contains('@'));
    value.is_empty() || is_authority(value.as_bytes())
}

/// Makes the head of a request ready for an upstream.
///
/// # Errors
/// [`Error::Loop`], [`Error::LastHop`].
pub fn pass_on(request: &mut Parts, peer: &Peer, via: &Via) -> Result<(), Error> {
    let headers = &mut request.headers;
    hop_by_hop::remove(headers);
    // Met here: hyper says 100 as soon as an upstream wants the body.
    headers.remove(header::EXPECT);
    via.add(headers)?;
    peer.introduce(headers);
    if matches!(request.method, Method::OPTIONS | Method::TRACE) { one_hop_less(headers) } else { Ok(()) }
}

/// RFC 9110, 7.6.2. What is no number is nobody's limit.
fn one_hop_less(headers: &mut HeaderMap) -> Result<(), Error> {
    let limit = headers.get(header::MAX_FORWARDS).and_then(|value| value.to_str().ok()?.parse::<u32>().ok());
    match limit {
        None => Ok(()),
        Some(0) => Err(Error::LastHop),
        Some(hops) => {
            headers.insert(header::MAX_FORWARDS, HeaderValue::from(hops - 1));
            Ok(())
        }
    }
}
