//! Requests that two servers could read in two ways (RFC 9112, section 11.2): refused, or forwarded so that only one is left.

use crate::{
    client::{Client, get, header},
    started::with,
};

const TWO: &str = "[[route]]\nname = \"all\"\nprefix = \"/\"\nold = \"old\"\n\
                   [[route]]\nname = \"admin\"\nprefix = \"/admin\"\nold = \"new\"\n";

/// Sends `bytes`, which must be refused: with 400, and with nothing passed on, whatever hides behind the first request.
fn is_refused(bytes: &str) {
    with(TWO, async |gateway| {
        let mut client = Client::connect(&gateway.url).await;
        client.send(bytes).await;
        assert_eq!(client.status().await, Some(400), "{bytes:?}");
        let mut rest = Vec::new();
        loop {
            let more = client.more().await;
            if more.is_empty() {
                break;
            }
            rest.extend(more);
        }
        let answers = String::from_utf8_lossy(&rest).matches("HTTP/1.1 ").count();
        assert_eq!(answers, 1, "more than one request was seen in {bytes:?}");
        let passed = [gateway.old.seen(), gateway.new.seen()].concat();
        assert!(passed.is_empty(), "{bytes:?} was passed on: {passed:?}");
    });
}

const HIDDEN: &str = "GET /admin HTTP/1.1\r\nHost: x\r\n\r\n";

#[test]
fn two_lengths_that_differ() {
    is_refused(&format!(
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nContent-Length: 38\r\n\r\n{HIDDEN}"
    ));
    is_refused(&format!("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0, 38\r\n\r\n{HIDDEN}"));
}

#[test]
fn a_length_that_is_no_plain_number() {
    for length in ["+5", "0x5", "5 5", "-1", "", "99999999999999999999999"] {
        is_refused(&format!("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\nhello{HIDDEN}"));
    }
}

#[test]
fn a_coding_that_is_not_just_chunked() {
    for coding in [
        "gzip, chunked",
        "chunked, chunked",
        "xchunked",
        "chunked\r\nTransfer-Encoding: identity",
        "\"chunked\"",
    ] {
        is_refused(&format!(
            "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: {coding}\r\n\r\n0\r\n\r\n{HIDDEN}"
        ));
    }
    is_refused(&format!("POST / HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{HIDDEN}"));
}

#[test]
fn a_folded_line() {
    is_refused(&format!("POST / HTTP/1.1\r\nHost: x\r\nX-A: 1\r\n Content-Length: 38\r\n\r\n{HIDDEN}"));
}

#[test]
fn a_blank_before_the_colon() {
    is_refused(&format!("POST / HTTP/1.1\r\nHost: x\r\nContent-Length : 38\r\n\r\n{HIDDEN}"));
    is_refused(&format!(
        "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n{HIDDEN}"
    ));
}

#[test]
fn another_host_than_that_of_the_target_or_none_or_two() {
    is_refused("GET http://other.example/ HTTP/1.1\r\nHost: front.example\r\n\r\n");
    is_refused("GET / HTTP/1.1\r\n\r\n");
    for host in ["a b/c", "a/b", "u@a", "http://a", "a:b:c"] {
        is_refused(&format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n"));
    }
    is_refused("GET / HTTP/1.1\r\nHost: front.example\r\nHost: other.example\r\n\r\n");
}

#[test]
fn a_path_that_leads_out_of_its_route() {
    for path in ["/x/../admin", "/x/%2e%2e/admin", "/x/..%2fadmin", "/x/..%5cadmin", "/x/..;/admin"] {
        is_refused(&format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n"));
    }
}

#[test]
fn a_path_that_leads_to_two_routes() {
    for path in ["/admin%2fusers", "/admin%5cusers", "//admin/users", "/admin;x/users", "/admin%00"] {
        is_refused(&format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n"));
    }
    is_refused("GET /gateway%2froutes HTTP/1.1\r\nHost: localhost\r\n\r\n");
}

/// RFC 9112, 6.1: the coding decides, and the length must not be forwarded.
#[test]
fn a_coding_beside_a_length_is_forwarded_as_one_of_them() {
    for both in
        ["Content-Length: 4\r\nTransfer-Encoding: chunked", "Transfer-Encoding: chunked\r\nContent-Length: 4"]
    {
        with(TWO, async |gateway| {
            let mut client = Client::connect(&gateway.url).await;
            client.send(format!("POST / HTTP/1.1\r\nHost: x\r\n{both}\r\n\r\n5\r\nhello\r\n0\r\n\r\n")).await;
            assert_eq!(client.answer().await.status, 200);
            let seen = gateway.old.last();
            assert_eq!(header(&seen.head, "content-length"), None, "{}", seen.head);
            assert_eq!(header(&seen.head, "transfer-encoding"), Some("chunked"), "{}", seen.head);
            assert_eq!(seen.body, b"5\r\nhello\r\n0\r\n\r\n");
            assert_eq!((gateway.old.seen().len(), gateway.new.seen().len()), (1, 0));
        });
    }
}

#[test]
fn a_target_in_absolute_form_is_forwarded_as_a_path() {
    with(TWO, async |gateway| {
        let mut client = Client::connect(&gateway.url).await;
        client.send("GET http://front.example/admin?x=1 HTTP/1.1\r\nHost: front.example\r\n\r\n").await;
        assert_eq!(client.answer().await.text(), "new");
        let head = gateway.new.last().head;
        assert!(head.starts_with("GET /admin?x=1 HTTP/1.1\r\n"), "{head}");
    });
}

#[test]
fn an_encoded_slash_within_one_route_is_forwarded_as_it_is() {
    with(TWO, async |gateway| {
        assert_eq!(get(&gateway.url, "/api/a%2Fb", "").await.text(), "old");
        assert!(gateway.old.last().head.starts_with("GET /api/a%2Fb HTTP/1.1\r\n"));
    });
}

#[test]
fn no_tunnel_is_opened_for_anybody() {
    with(TWO, async |gateway| {
        let mut client = Client::connect(&gateway.url).await;
        client.send("CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: 127.0.0.1:22\r\n\r\n").await;
        assert_eq!(client.status().await, Some(405));
    });
}
