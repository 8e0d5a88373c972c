//! Webhooks as GitHub sends them.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// The value of `X-Hub-Signature-256`: HMAC-SHA256 of the raw body, in hex after `sha256=`.
#[must_use]
pub fn sign(secret: &str, body: &[u8]) -> String {
    #[expect(clippy::expect_used, reason = "HMAC takes a key of any length")]
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("any length");
    mac.update(body);
    format!("sha256={}", hex::encode(mac.finalize().into_bytes()))
}
