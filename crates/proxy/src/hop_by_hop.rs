//! Headers about one connection, not about the message: they end here (RFC 9110, 7.6.1).

use http::{HeaderMap, HeaderName, HeaderValue, header};

const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
const PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");

/// Those that everybody knows. `Connection` names others.
const HOP_BY_HOP: [HeaderName; 7] = [
    header::CONNECTION,
    KEEP_ALIVE,
    PROXY_CONNECTION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// Takes away what is about one connection, and what `Connection` names besides. A client cannot have its own framing, Host or
/// what a proxy adds taken away: these are set afterwards, or kept.
pub fn remove(headers: &mut HeaderMap) {
    // Nearly all messages say one of two words, or nothing.
    let names_others = |connection: &HeaderValue| !matches!(connection.as_bytes(), b"keep-alive" | b"close");
    if headers.get_all(header::CONNECTION).iter().any(names_others) {
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
/// past every rule about requests.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_connection_line_is_read() {
        for lines in
            [&["keep-alive", "x-private"][..], &["close, X-Private"], &["x-other", "keep-alive, x-private"]]
        {
            let mut headers = HeaderMap::new();
            headers.insert("x-private", HeaderValue::from_static("1"));
            headers.insert("x-kept", HeaderValue::from_static("1"));
            for line in lines {
                headers.append(header::CONNECTION, HeaderValue::from_static(line));
            }
            remove(&mut headers);
            assert_eq!(headers.keys().map(HeaderName::as_str).collect::<Vec<_>>(), ["x-kept"], "{lines:?}");
        }
    }
}
