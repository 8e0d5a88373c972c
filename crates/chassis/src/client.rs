//! An HTTP client that never waits for ever.

use std::{
    env,
    time::{Duration, SystemTime},
};

use reqwest::{
    NoProxy, Proxy,
    header::{HeaderMap, RETRY_AFTER},
};

/// How long a connection may take to be made.
const CONNECT: Duration = Duration::from_secs(3);

/// Who is never asked over a proxy, whatever the environment says.
const HERE: &str = "localhost,127.0.0.0/8,::1";

/// A client whose calls end, body included, after `timeout` at the latest. Follows no redirect, so a credential never
/// travels to a host that nobody configured. Names itself `automator`, as GitHub asks.
///
/// A proxy is for GitHub, SendGrid and Twilio, which are asked over TLS: `HTTPS_PROXY` (or `ALL_PROXY`) and
/// `NO_PROXY` count for them. Our own services and the simulators speak plain HTTP, near by, with tokens of ours:
/// they are asked directly, whatever `HTTP_PROXY` says.
///
/// # Errors
/// No certificate store, in an image without CA bundle; a proxy whose address is none.
pub fn client(timeout: Duration) -> Result<reqwest::Client, reqwest::Error> {
    install_crypto();
    let builder = reqwest::Client::builder().no_proxy();
    let builder = match proxy(|name| env::var(name).ok())? {
        Some(proxy) => builder.proxy(proxy),
        None => builder,
    };
    builder
        .timeout(timeout)
        .connect_timeout(CONNECT)
        .redirect(reqwest::redirect::Policy::none())
        .user_agent(concat!("automator/", env!("CARGO_PKG_VERSION")))
        .build()
}

/// The proxy for what is asked over TLS, as the environment names it.
fn proxy(variable: impl Fn(&str) -> Option<String>) -> Result<Option<Proxy>, reqwest::Error> {
    let said = |name: &str| {
        let value = variable(name).or_else(|| variable(&name.to_ascii_lowercase()));
        value.filter(|value| !value.trim().is_empty())
    };
    let Some(url) = said("HTTPS_PROXY").or_else(|| said("ALL_PROXY")) else { return Ok(None) };
    let direct = match said("NO_PROXY") {
        Some(more) => format!("{HERE},{more}"),
        None => HERE.to_owned(),
    };
    Ok(Some(Proxy::https(url)?.no_proxy(NoProxy::from_string(&direct))))
}

/// The address of a resource of the API at `base`, whatever path `base` has and whether that ends in a slash.
/// `None` when `base` cannot have a path, as `mailto:` cannot.
#[must_use]
pub fn under(base: &reqwest::Url, segments: &[&str]) -> Option<reqwest::Url> {
    let mut url = base.clone();
    url.path_segments_mut().ok()?.pop_if_empty().extend(segments);
    Some(url)
}

/// How long an answer asks to be left alone: `Retry-After` as seconds or as a date (RFC 9110, 10.2.3), counted from `now`. Fractions
/// of a second are in no RFC, and sent all the same. `None` without it, or when it cannot be read.
#[must_use]
pub fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(until) = httpdate::parse_http_date(text) {
        return Some(until.duration_since(now).unwrap_or_default());
    }
    let seconds = text.parse::<f64>().ok().filter(|seconds| seconds.is_finite())?;
    Some(Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or(Duration::MAX))
}

/// Makes ring the process's TLS provider; first in each `main`. A second call changes nothing.
pub fn install_crypto() {
    // An error says that one is installed already.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the environment says leads to this proxy, as reqwest prints it.
    fn named(variables: &[(&str, &str)]) -> Option<String> {
        let variable = |name: &str| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        };
        proxy(variable).unwrap().map(|proxy| format!("{proxy:?}"))
    }

    #[test]
    fn only_what_is_asked_over_tls_may_go_over_a_proxy() {
        assert_eq!(named(&[]), None);
        assert_eq!(
            named(&[
                ("HTTP_PROXY", "http://proxy.example:3128"),
                ("http_proxy", "http://proxy.example:3128")
            ]),
            None
        );
        assert_eq!(named(&[("HTTPS_PROXY", " ")]), None);
        for name in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
            let proxy = named(&[(name, "http://proxy.example:3128"), ("NO_PROXY", "corp.example")]).unwrap();
            assert!(proxy.contains("proxy.example") && proxy.contains("Https"), "{proxy}");
            assert!(proxy.contains("localhost") && proxy.contains("corp.example"), "{proxy}");
        }
        assert!(proxy(|_| Some("http://[".to_owned())).is_err());
    }
    #[test]
    fn a_server_says_in_several_forms_when_to_come_back() {
        let after = |text: &str| {
            let headers: HeaderMap = [(RETRY_AFTER, text.parse().unwrap())].into_iter().collect();
            // Wednesday, 21 October 2015, 07:28:00 GMT.
            let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_445_412_480);
            retry_after(&headers, now).map(|pause| pause.as_millis())
        };
        assert_eq!((after("7"), after("1.5")), (Some(7_000), Some(1_500)));
        assert_eq!((after("0"), after("-3")), (Some(0), Some(0)));
        assert_eq!(after("Wed, 21 Oct 2015 07:28:09 GMT"), Some(9_000));
        assert_eq!(after("Wednesday, 21-Oct-15 07:28:09 GMT"), Some(9_000), "the form of RFC 850");
        assert_eq!(after("Wed Oct 21 07:28:09 2015"), Some(9_000), "asctime's");
        assert_eq!(after("Wed, 21 Oct 2015 07:27:00 GMT"), Some(0), "it has passed");
        assert!(after("1e300").is_some());
        for nothing in ["", "soon", "NaN", "inf", "Wed, 21 Oct"] {
            assert_eq!(after(nothing), None, "{nothing:?}");
        }
        assert_eq!(retry_after(&HeaderMap::new(), SystemTime::now()), None);
    }
}
