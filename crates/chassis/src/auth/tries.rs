//! Who has shown a wrong token how often: a token is long, and nobody shall try many.

use std::{collections::HashMap, net::IpAddr};

use axum::{
    extract::Request,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};

use crate::Problem;

/// The most refusals in a minute of one client who signs in: a person.
pub(crate) const MOST: u32 = 10;
/// The most of one client that shows the token with its writes: a program, which asks more often and whose mistake is not one of a person.
pub(crate) const MOST_SHOWN: u32 = 60;
/// The most of all clients together who sign in: whoever invents addresses gets no further.
const MOST_OF_ALL: u32 = 100;
/// The most clients that are told apart; the rest count as one.
const MOST_CLIENTS: usize = 10_000;
/// How long they count, in seconds.
const WINDOW: u64 = 60;

/// The refusals of this minute, in this process.
#[derive(Debug, Default)]
pub(crate) struct Tries {
    /// When it began, epoch seconds.
    since: u64,
    /// On the page where people sign in.
    signing_in: Counts,
    /// With writes: a program that has an old token must keep nobody from signing in.
    showing: Counts,
}

/// How many, of whom.
#[derive(Debug, Default)]
struct Counts {
    all: u32,
    by_client: HashMap<String, u32>,
}

impl Counts {
    /// Under which name a client is counted: beyond so many, all have the same.
    fn name<'c>(&self, client: &'c str) -> &'c str {
        let is_told_apart = self.by_client.len() < MOST_CLIENTS || self.by_client.contains_key(client);
        if is_told_apart { client } else { "" }
    }

    fn of(&self, client: &str) -> u32 {
        self.by_client.get(self.name(client)).copied().unwrap_or_default()
    }

    fn add(&mut self, client: &str) {
        self.all = self.all.saturating_add(1);
        let tries = self.by_client.entry(self.name(client).to_owned()).or_default();
        *tries = tries.saturating_add(1);
    }
}

/// The address at the other end of a connection, as the server knows it: an extension of each request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) IpAddr);

/// Who sends a request, as the nearest proxy says: the last address of `X-Forwarded-For`. Without one, whoever is at the other end.
pub(crate) fn client(request: &Request) -> String {
    let peer = request.extensions().get::<Peer>().map(|Peer(address)| address.to_string());
    forwarded_for(request.headers()).or(peer).unwrap_or_default()
}

/// An address only: a name of a client is kept for a minute, and anybody may send a long one.
fn forwarded_for(headers: &HeaderMap) -> Option<String> {
    let said = headers.get_all("x-forwarded-for").iter().next_back()?.to_str().ok()?;
    let address: IpAddr = said.rsplit(',').next()?.trim().parse().ok()?;
    Some(address.to_string())
}

/// The answer to whoever is not listened to for so many seconds.
pub(crate) fn wait(seconds: u64) -> Response {
    let detail = "too many wrong tokens: wait a minute, then try again";
    let problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, "too-many-tries", detail);
    ([(header::RETRY_AFTER, HeaderValue::from(seconds))], problem).into_response()
}

impl Tries {
    /// For how many seconds a client is not listened to.
    pub(crate) fn refuses(&mut self, client: &str, now: u64) -> Option<u64> {
        self.begin(now);
        (self.showing.of(client) >= MOST_SHOWN).then(|| self.left(now))
    }

    /// The same for who signs in, where the tries of all count too: nobody loses more by it than a minute.
    pub(crate) fn refuses_to_sign_in(&mut self, client: &str, now: u64) -> Option<u64> {
        self.begin(now);
        let counts = &self.signing_in;
        (counts.of(client) >= MOST || counts.all >= MOST_OF_ALL).then(|| self.left(now))
    }

    /// Notes a refusal.
    pub(crate) fn failed(&mut self, client: &str, now: u64) {
        self.begin(now);
        self.showing.add(client);
    }

    /// Notes that somebody was not let in.
    pub(crate) fn failed_to_sign_in(&mut self, client: &str, now: u64) {
        self.begin(now);
        self.signing_in.add(client);
    }

    fn left(&self, now: u64) -> u64 {
        (self.since + WINDOW).saturating_sub(now)
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
    use axum::body::Body;

    use super::*;

    #[test]
    fn a_minute_later_one_may_try_again_and_inventing_addresses_does_not_help_to_sign_in() {
        let mut tries = Tries::default();
        for number in 0..MOST {
            assert_eq!(tries.refuses_to_sign_in("a", 1_000), None, "{number}");
            tries.failed_to_sign_in("a", 1_000);
        }
        assert_eq!((tries.refuses_to_sign_in("a", 1_010), tries.refuses("a", 1_010)), (Some(50), None));
        for _ in 0..MOST_SHOWN {
            tries.failed("program", 1_010);
        }
        assert_eq!(tries.refuses("program", 1_020), Some(40));
        assert_eq!(tries.refuses_to_sign_in("program", 1_020), None, "a program keeps no person out");
        assert_eq!(tries.refuses_to_sign_in("b", 1_010), None);
        assert_eq!(tries.refuses_to_sign_in("a", 1_060), None);
        for number in 0..MOST_OF_ALL {
            tries.failed_to_sign_in(&number.to_string(), 1_060);
        }
        assert!(tries.refuses_to_sign_in("new", 1_061).is_some());
        assert_eq!(tries.refuses("new", 1_061), None, "others' tries keep nobody's program from writing");
    }

    #[test]
    fn invented_addresses_do_not_fill_the_memory() {
        let mut tries = Tries::default();
        for number in 0..MOST_CLIENTS * 2 {
            tries.failed(&number.to_string(), 1_000);
        }
        let known = tries.showing.by_client.len();
        assert!(known <= MOST_CLIENTS + 1, "{known}");
        assert!(tries.refuses("yet another", 1_000).is_some(), "the rest count as one");
    }

    #[test]
    fn the_nearest_proxy_says_who_it_is_and_without_one_the_connection_does() {
        let said = |lines: &[&str]| {
            let mut request = Request::new(Body::empty());
            for line in lines {
                request.headers_mut().append("x-forwarded-for", line.parse().unwrap());
            }
            request.extensions_mut().insert(Peer([192, 0, 2, 9].into()));
            client(&request)
        };
        assert_eq!(said(&["198.51.100.7, 192.0.2.1"]), "192.0.2.1");
        assert_eq!(said(&["198.51.100.7", "192.0.2.1"]), "192.0.2.1");
        assert_eq!(said(&[]), "192.0.2.9");
        assert_eq!(said(&["x".repeat(60_000).as_str()]), "192.0.2.9", "that is no address");
    }
}
