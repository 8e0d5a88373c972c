//! Who was refused how often: a token is long, and nobody shall try many of them.

use std::collections::HashMap;

use axum::http::HeaderMap;

/// The most refusals of one client in a minute.
pub(super) const MOST: u32 = 10;
/// The most of all clients together: whoever invents addresses gets no further.
const MOST_OF_ALL: u32 = 100;
/// How long they count, in seconds.
const WINDOW: u64 = 60;

/// The refusals of this minute.
#[derive(Debug, Default)]
pub(super) struct Tries {
    /// When it began, epoch seconds.
    since: u64,
    all: u32,
    by_client: HashMap<String, u32>,
}

/// Who sends a request, as the nearest proxy says: the last address of `X-Forwarded-For`. Without one, whoever asks
/// directly, all in one.
pub(super) fn client(headers: &HeaderMap) -> String {
    let said = headers.get_all("x-forwarded-for").iter().next_back().and_then(|value| value.to_str().ok());
    said.and_then(|said| said.rsplit(',').next()).unwrap_or_default().trim().to_owned()
}

impl Tries {
    /// For how many seconds a client is not listened to.
    pub(super) fn refuses(&mut self, client: &str, now: u64) -> Option<u64> {
        self.begin(now);
        let of_client = self.by_client.get(client).copied().unwrap_or_default();
        (of_client >= MOST || self.all >= MOST_OF_ALL).then(|| (self.since + WINDOW).saturating_sub(now))
    }

    /// Notes a refusal.
    pub(super) fn failed(&mut self, client: String, now: u64) {
        self.begin(now);
        self.all = self.all.saturating_add(1);
        *self.by_client.entry(client).or_default() += 1;
    }

    /// Forgets the minute before.
    fn begin(&mut self, now: u64) {
        // A clock that was set back begins anew too.
        if now.abs_diff(self.since) >= WINDOW {
            *self = Self { since: now, ..Self::default() };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minute_later_one_may_try_again_and_inventing_addresses_does_not_help() {
        let mut tries = Tries::default();
        for number in 0..MOST {
            assert_eq!(tries.refuses("a", 1_000), None, "{number}");
            tries.failed("a".to_owned(), 1_000);
        }
        assert_eq!(tries.refuses("a", 1_010), Some(50));
        assert_eq!(tries.refuses("b", 1_010), None);
        assert_eq!(tries.refuses("a", 1_060), None);
        for number in 0..MOST_OF_ALL {
            tries.failed(number.to_string(), 1_060);
        }
        assert!(tries.refuses("new", 1_061).is_some());
    }

    #[test]
    fn the_nearest_proxy_says_who_it_is() {
        let said = |lines: &[&str]| {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append("x-forwarded-for", line.parse().unwrap());
            }
            client(&headers)
        };
        assert_eq!(said(&["198.51.100.7, 192.0.2.1"]), "192.0.2.1");
        assert_eq!(said(&["198.51.100.7", "192.0.2.1"]), "192.0.2.1");
        assert_eq!(said(&[]), "");
    }
}
