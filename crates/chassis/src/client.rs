//! An HTTP client that never waits for ever.

use std::time::Duration;

/// How long a connection may take to be made.
const CONNECT: Duration = Duration::from_secs(3);

/// A client whose calls end, body included, after `timeout` at the latest. Follows no redirect, so a
/// credential never travels to a host that nobody configured. Names itself `automator`, as GitHub asks.
///
/// # Errors
/// No certificate store, in an image without CA bundle.
pub fn client(timeout: Duration) -> Result<reqwest::Client, reqwest::Error> {
    install_crypto();
    reqwest::Client::builder()
        .timeout(timeout)
        .connect_timeout(CONNECT)
        .redirect(reqwest::redirect::Policy::none())
        .user_agent(concat!("automator/", env!("CARGO_PKG_VERSION")))
        .build()
}

/// The address of a resource of the API at `base`, whatever path `base` has and whether that ends in a slash.
/// `None` when `base` cannot have a path, as `mailto:` cannot.
#[must_use]
pub fn under(base: &reqwest::Url, segments: &[&str]) -> Option<reqwest::Url> {
    let mut url = base.clone();
    url.path_segments_mut().ok()?.pop_if_empty().extend(segments);
    Some(url)
}

/// Makes ring the process's TLS provider; first in each `main`. A second call changes nothing.
pub fn install_crypto() {
    // An error says that one is installed already.
    let _ = rustls::crypto::ring::default_provider().install_default();
}
