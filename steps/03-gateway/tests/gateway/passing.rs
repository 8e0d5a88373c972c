//! What passes, in both directions, and what does not.

use std::time::Duration;

use acceptance::tokio::time::sleep;

use crate::{
    client::{Client, ask, get, header},
    started::{ALL_OLD, with, with_options},
};

#[test]
fn a_request_and_its_answer_pass_byte_for_byte() {
    with(ALL_OLD, async |gateway| {
        let target = "/a%20b/%C3%A9%2fx;y=1/?q=a+b&c=%2F..//";
        let body = "{\"x\": \"\\u0000\"}";
        let request = format!(
            "PATCH {target} HTTP/1.1\r\nHost: front.example\r\nCookie: a=1\r\nAuthorization: Bearer x\r\n\
             If-Match: \"7\"\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let answer = ask(&gateway.url, request).await;
        assert_eq!((answer.status, answer.text()), (200, "old"));
        let seen = gateway.old.last();
        assert!(seen.head.starts_with(&format!("PATCH {target} HTTP/1.1\r\n")), "{}", seen.head);
        assert_eq!(seen.body, body.as_bytes());
        for (name, value) in [
            ("host", "front.example"),
            ("cookie", "a=1"),
            ("authorization", "Bearer x"),
            ("if-match", "\"7\""),
        ] {
            assert_eq!(header(&seen.head, name), Some(value), "{}", seen.head);
        }
    });
}

#[test]
fn what_is_about_one_connection_ends_here() {
    with(ALL_OLD, async |gateway| {
        let more = "Connection: close, x-secret, content-length, host\r\nX-Secret: 1\r\nKeep-Alive: timeout=9\r\n\
                    Proxy-Connection: keep-alive\r\nTE: trailers\r\nTrailer: x\r\nX-Kept: yes\r\n";
        let answer = get(&gateway.url, "/hops", more).await;
        let head = gateway.old.last().head;
        for gone in ["connection", "x-secret", "keep-alive", "proxy-connection", "te", "trailer"] {
            assert_eq!(header(&head, gone), None, "{head}");
        }
        assert_eq!((header(&head, "x-kept"), header(&head, "host")), (Some("yes"), Some("front.example")));
        for gone in ["x-private", "keep-alive", "proxy-connection"] {
            assert_eq!(answer.header(gone), None, "{}", answer.head);
        }
        assert_eq!(answer.header("x-kept"), Some("yes"));
        assert_eq!(answer.head.matches("set-cookie: ").count(), 2, "{}", answer.head);
    });
}

#[test]
fn every_line_about_the_connection_is_read() {
    with(ALL_OLD, async |gateway| {
        let more = "Connection: keep-alive\r\nConnection: x-secret\r\nX-Secret: 1\r\nX-Kept: yes\r\n";
        let _ = get(&gateway.url, "/", more).await;
        let head = gateway.old.last().head;
        assert_eq!((header(&head, "x-secret"), header(&head, "x-kept")), (None, Some("yes")), "{head}");
    });
}

#[test]
fn the_gateway_stands_behind_those_that_came_before_it() {
    with(ALL_OLD, async |gateway| {
        let _ = get(&gateway.url, "/", "Via: 1.0 fred\r\nVia: 1.1 p.example (x)\r\n").await;
        let head = gateway.old.last().head;
        let via = header(&head, "via").unwrap_or_default();
        assert!(via.starts_with("1.0 fred, 1.1 p.example (x), 1.1 gateway-"), "{head}");
    });
}

/// RFC 9110, 7.6.2.
#[test]
fn a_trace_goes_as_far_as_its_client_says() {
    with(ALL_OLD, async |gateway| {
        let trace = |hops: &str| format!("TRACE / HTTP/1.1\r\nHost: x\r\nMax-Forwards: {hops}\r\n\r\n");
        ask(&gateway.url, trace("0")).await.is_problem(405, "method-not-allowed");
        assert_eq!(gateway.old.seen().len(), 0, "it was passed on");
        for (said, told) in [("7", "6"), ("far", "far")] {
            assert_eq!(ask(&gateway.url, trace(said)).await.status, 200);
            assert_eq!(header(&gateway.old.last().head, "max-forwards"), Some(told));
        }
        let _ = get(&gateway.url, "/", "Max-Forwards: 0\r\n").await;
        assert_eq!(header(&gateway.old.last().head, "max-forwards"), Some("0"), "it is about no GET");
    });
}

#[test]
fn what_is_asked_of_the_server_as_a_whole_is_passed_on() {
    with(ALL_OLD, async |gateway| {
        let answer = ask(&gateway.url, "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n").await;
        assert_eq!(answer.text(), "old");
        assert!(gateway.old.last().head.starts_with("OPTIONS * HTTP/1.1\r\n"));
    });
}

#[test]
fn an_old_client_need_not_name_a_host_and_an_upstream_learns_one() {
    with(ALL_OLD, async |gateway| {
        assert_eq!(ask(&gateway.url, "GET / HTTP/1.0\r\n\r\n").await.status, 200);
        let head = gateway.old.last().head;
        assert!(head.starts_with("GET / HTTP/1.1\r\n"), "{head}");
        assert_eq!(header(&head, "host"), Some(gateway.old.url.trim_start_matches("http://")), "{head}");
    });
}

#[test]
fn the_upstreams_version_is_not_the_clients() {
    with(ALL_OLD, async |gateway| {
        let mut client = Client::connect(&gateway.url).await;
        for _ in 0..2 {
            client.send("GET /old-version HTTP/1.1\r\nHost: x\r\n\r\n").await;
            let answer = client.answer().await;
            assert!(answer.head.starts_with("HTTP/1.1 200 ") && answer.is_whole, "{answer:?}");
            assert_eq!((answer.text(), answer.header("connection")), ("all of it", None));
        }
    });
}

const CLAIMS: &str = "X-Forwarded-For: 192.0.2.6\r\nX-Forwarded-For: 192.0.2.7\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: shown.example\r\n\
                      Forwarded: for=192.0.2.7;proto=https\r\n";

#[test]
fn the_upstream_learns_who_asks_and_a_stranger_cannot_lie_about_it() {
    with_options(
        ALL_OLD,
        |options| options.value("trusted", "192.0.2.99"),
        async |gateway| {
            for claims in ["", CLAIMS] {
                let _ = get(&gateway.url, "/", claims).await;
                let head = gateway.old.last().head;
                for (name, value) in [
                    ("x-forwarded-for", "127.0.0.1"),
                    ("x-forwarded-proto", "http"),
                    ("x-forwarded-host", "front.example"),
                    ("forwarded", "for=127.0.0.1;proto=http"),
                ] {
                    assert_eq!(header(&head, name), Some(value), "{head}");
                }
                assert!(header(&head, "via").is_some_and(|via| via.starts_with("1.1 gateway-")), "{head}");
            }
        },
    );
}

#[test]
fn a_proxy_of_ours_is_believed_and_added_to() {
    with(ALL_OLD, async |gateway| {
        let _ = get(&gateway.url, "/", CLAIMS).await;
        let head = gateway.old.last().head;
        for (name, value) in [
            ("x-forwarded-for", "192.0.2.6, 192.0.2.7, 127.0.0.1"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-host", "shown.example"),
            ("forwarded", "for=192.0.2.7;proto=https, for=127.0.0.1;proto=http"),
        ] {
            assert_eq!(header(&head, name), Some(value), "{head}");
        }
    });
}

#[test]
fn a_request_keeps_its_id_and_trace_or_gets_some() {
    with(ALL_OLD, async |gateway| {
        let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let own = format!("X-Request-Id: mine-1\r\nTraceparent: {trace}\r\nTracestate: a=1\r\n");
        let answer = get(&gateway.url, "/", &own).await;
        let head = gateway.old.last().head;
        assert_eq!(answer.header("x-request-id"), Some("mine-1"));
        assert_eq!(
            (header(&head, "x-request-id"), header(&head, "traceparent")),
            (Some("mine-1"), Some(trace))
        );
        assert_eq!(header(&head, "tracestate"), Some("a=1"));

        let mut made = Vec::new();
        for bad in ["", "X-Request-Id: a b\r\nTraceparent: 00-0-0-0\r\nTracestate: a=1\r\n"] {
            let answer = get(&gateway.url, "/", bad).await;
            let head = gateway.old.last().head;
            let (id, trace) = (header(&head, "x-request-id"), header(&head, "traceparent"));
            assert_eq!(answer.header("x-request-id"), id);
            assert_eq!((id.map(str::len), trace.map(str::len)), (Some(32), Some(55)), "{head}");
            assert_eq!(header(&head, "tracestate"), None, "{head}");
            made.extend([id, trace].map(|made| made.unwrap_or_default().to_owned()));
        }
        let distinct: std::collections::BTreeSet<_> = made.iter().collect();
        assert_eq!(distinct.len(), made.len(), "{made:?}");
    });
}

#[test]
fn an_answer_streams_while_it_is_made() {
    with(ALL_OLD, async |gateway| {
        let mut client = Client::connect(&gateway.url).await;
        client.send("GET /parts HTTP/1.1\r\nHost: x\r\n\r\n").await;
        let _ = client.head().await;
        assert_eq!(client.more().await, b"5\r\nfirst\r\n");
        gateway.old.open_gate();
        let mut rest = Vec::new();
        while !rest.ends_with(b"0\r\n\r\n") {
            rest.extend(client.more().await);
        }
        assert_eq!(rest, b"6\r\nsecond\r\n0\r\n\r\n");
    });
}

#[test]
fn a_request_streams_while_it_is_sent() {
    with(ALL_OLD, async |gateway| {
        let mut client = Client::connect(&gateway.url).await;
        client
            .send("POST /early HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n")
            .await;
        gateway.old.has_seen(1).await;
        client.send("6\r\nsecond\r\n0\r\n\r\n").await;
        assert_eq!(client.answer().await.status, 200);
        assert_eq!(gateway.old.last().body, b"5\r\nfirst\r\n6\r\nsecond\r\n0\r\n\r\n");
    });
}

#[test]
fn a_large_answer_passes_whole() {
    with(ALL_OLD, async |gateway| {
        let answer = get(&gateway.url, "/big", "").await;
        assert_eq!(answer.body, "0123456789".repeat(300_000).as_bytes());
    });
}

#[test]
fn an_upgraded_connection_carries_bytes_both_ways() {
    with(ALL_OLD, async |gateway| {
        let mut client = Client::connect(&gateway.url).await;
        client.send("GET /upgrade HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n").await;
        let head = client.head().await;
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        assert_eq!((header(&head, "upgrade"), header(&head, "connection")), (Some("echo"), Some("upgrade")));
        for said in ["one", "two"] {
            client.send(said).await;
            assert_eq!(client.more().await, said.as_bytes());
        }
    });
}

#[test]
fn http_inside_http_is_no_upgrade() {
    with(ALL_OLD, async |gateway| {
        let more = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n";
        let answer = get(&gateway.url, "/", more).await;
        assert_eq!(answer.status, 200);
        let head = gateway.old.last().head;
        for gone in ["upgrade", "connection", "http2-settings"] {
            assert_eq!(header(&head, gone), None, "{head}");
        }
    });
}

#[test]
fn connections_to_an_upstream_are_kept() {
    with(ALL_OLD, async |gateway| {
        for _ in 0..20 {
            assert_eq!(get(&gateway.url, "/", "").await.status, 200);
        }
        assert!(gateway.old.connections() <= 2, "{} connections", gateway.old.connections());
    });
}

#[test]
fn a_kept_connection_that_was_closed_costs_no_request() {
    with(ALL_OLD, async |gateway| {
        for _ in 0..10 {
            assert_eq!(get(&gateway.url, "/close-later", "").await.status, 200);
            // Long enough for the end of the connection to be known, as it is in life between most requests.
            sleep(Duration::from_millis(150)).await;
            let answer = ask(&gateway.url, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi").await;
            assert_eq!(answer.status, 200);
        }
    });
}

/// It was closed just as we used it: nobody can know that before. A read is asked again, a write may have been done.
#[test]
fn a_read_is_asked_again_when_a_kept_connection_gives_nothing() {
    with(ALL_OLD, async |gateway| {
        let asked = |path: &str| {
            let line = format!(" {path} ");
            gateway.old.seen().iter().filter(|seen| seen.head.contains(&line)).count()
        };
        for _ in 0..20 {
            assert_eq!(get(&gateway.url, "/", "").await.status, 200);
            assert_eq!(get(&gateway.url, "/cut-kept", "").await.text(), "old");
        }
        assert_eq!(asked("/cut-kept"), 40, "each was asked on a kept connection, then on another");

        assert_eq!(get(&gateway.url, "/", "").await.status, 200);
        let write = "POST /cut-kept?write HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi";
        ask(&gateway.url, write).await.is_problem(502, "bad-gateway");
        assert_eq!(asked("/cut-kept?write"), 1);

        assert_eq!(get(&gateway.url, "/", "").await.status, 200);
        get(&gateway.url, "/half-kept", "").await.is_problem(502, "bad-gateway");
        assert_eq!(asked("/half-kept"), 1, "its answer had begun");
    });
}

#[test]
fn the_gateways_own_paths_are_for_this_machine_or_the_token() {
    with(ALL_OLD, async |gateway| {
        for path in ["/gateway/routes", "/gateway/shadow"] {
            assert_eq!(gateway.own(path, "").await.status, 200);
            // By way of another proxy, or by a name that a foreign page may have.
            let proxied = gateway.own(path, "X-Forwarded-For: 192.0.2.7\r\n").await;
            proxied.is_problem(401, "unauthorized");
            get(&gateway.url, path, "").await.is_problem(401, "unauthorized");
            get(&gateway.url, path, "Authorization: Bearer wrong\r\n").await.is_problem(401, "unauthorized");
            assert_eq!(
                get(&gateway.url, path, "Authorization: Bearer token-of-the-test\r\n").await.status,
                200
            );
        }
        assert_eq!(get(&gateway.url, "/gateway/health/live", "").await.status, 200);
        assert_eq!(gateway.own("/gateway/nowhere", "").await.status, 404);
        assert_eq!(gateway.old.seen().len(), 0, "it was passed on");
        assert_eq!(get(&gateway.url, "/gatewayx", "").await.text(), "old");
    });
}
