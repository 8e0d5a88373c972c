//! What clients are told when an upstream does not do its part, or they ask for too much.

use std::time::{Duration, Instant};

use acceptance::{harness::ports::Port, tokio::time::sleep};

use crate::{
    client::{Client, ask, get},
    started::{ALL_OLD, PATIENT, with},
};

/// Half a second for an answer.
const SHORT: &str = "[[route]]\nname = \"all\"\nprefix = \"/\"\nold = \"old\"\ntimeout_ms = 500\n";
/// 1,000 bytes for a body.
const NARROW: &str = "[[route]]\nname = \"all\"\nprefix = \"/\"\nold = \"old\"\nbody_limit = 1000\n";
/// Less than whoever has set no limit waits.
const SOON: Duration = Duration::from_millis(4_500);

#[test]
fn a_hung_upstream_ends_at_its_deadline() {
    with(SHORT, async |gateway| {
        let start = Instant::now();
        let answer = get(&gateway.url, "/hang", "X-Request-Id: mine\r\n").await;
        answer.is_problem(504, "deadline-exceeded");
        assert_eq!(answer.header("x-request-id"), Some("mine"));
        let taken = start.elapsed();
        assert!((Duration::from_millis(500)..SOON).contains(&taken), "{taken:?}");
    });
}

#[test]
fn a_client_says_how_long_it_waits_and_the_upstream_is_told() {
    with(ALL_OLD, async |gateway| {
        let start = Instant::now();
        get(&gateway.url, "/hang", "X-Request-Timeout: 300\r\n").await.is_problem(504, "deadline-exceeded");
        let taken = start.elapsed();
        assert!((Duration::from_millis(300)..SOON).contains(&taken), "{taken:?}");
        for (said, told) in
            [("", "5000"), ("X-Request-Timeout: 300\r\n", "300"), ("X-Request-Timeout: 3600000\r\n", "5000")]
        {
            let _ = get(&gateway.url, "/", said).await;
            let head = gateway.old.last().head.to_lowercase();
            assert!(head.contains(&format!("x-request-timeout: {told}\r\n")), "{said}: {head}");
        }
    });
}

#[test]
fn a_limit_that_is_no_number_is_for_the_upstream_to_refuse() {
    with(ALL_OLD, async |gateway| {
        for said in ["+5", "-5", "0x5", "", "soon", "99999999999999999999999"] {
            assert_eq!(get(&gateway.url, "/", &format!("X-Request-Timeout: {said}\r\n")).await.status, 200);
            let head = gateway.old.last().head.to_lowercase();
            assert!(head.contains(&format!("x-request-timeout: {said}\r\n")), "{said:?}: {head}");
        }
    });
}

#[test]
fn an_upstream_that_leads_back_is_found_the_first_time() {
    with(ALL_OLD, async |gateway| {
        let own = format!("[upstream.own]\nurl = \"{}\"\n", gateway.url);
        gateway.change(&format!("{own}{}", ALL_OLD.replace("\"old\"", "\"own\""))).await;
        let start = Instant::now();
        get(&gateway.url, "/", "").await.is_problem(508, "loop");
        assert!(start.elapsed() < SOON, "{:?}", start.elapsed());
        // Whoever closed the circle says so, once: nobody else had anything to refuse.
        let said = || gateway.system.log("gateway").unwrap().matches("leads back to this gateway").count();
        while said() == 0 && start.elapsed() < SOON {
            sleep(Duration::from_millis(20)).await;
        }
        assert_eq!(said(), 1, "{}", gateway.system.log("gateway").unwrap());
    });
}

#[test]
fn what_is_no_chunk_is_not_the_upstreams_fault() {
    with(ALL_OLD, async |gateway| {
        let chunked = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
        for body in ["zz\r\n", "5\r\nfirst\r\nzz\r\n", "5\r\nlonger than five\r\n"] {
            ask(&gateway.url, format!("{chunked}{body}")).await.is_problem(400, "incomplete");
        }
        // Nor is a client that leaves.
        let mut client = Client::connect(&gateway.url).await;
        client.send("POST /early HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf").await;
        gateway.old.has_seen(1).await;
        drop(client);
        assert_eq!(get(&gateway.url, "/", "").await.status, 200);
        let log = gateway.system.log("gateway").unwrap();
        assert!(!log.contains("WARN"), "{log}");
    });
}

/// 200 clients that send a megabyte, all but its end, and show nothing that says who they are.
#[cfg(target_os = "linux")]
#[test]
fn bodies_that_never_end_do_not_fill_the_memory() {
    with(&PATIENT, async |gateway| {
        let id = gateway.system.id("gateway").unwrap();
        let before = kilobytes(id);
        let mut clients = Vec::new();
        let body = vec![b'x'; 1_000_000];
        for _ in 0..200 {
            let mut client = Client::connect(&gateway.url).await;
            client.send("POST /early HTTP/1.1\r\nHost: x\r\nContent-Length: 1000001\r\n\r\n").await;
            client.send(&body).await;
            clients.push(client);
        }
        gateway.old.has_seen(clients.len()).await;
        let taken = kilobytes(id) - before;
        assert!(taken < 40_000, "{taken} kB for {} bodies", clients.len());
        assert_eq!(get(&gateway.url, "/", "").await.status, 200);
    });
}

/// The most memory that a process has had so far.
#[cfg(target_os = "linux")]
fn kilobytes(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).expect("it runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("the kernel says so");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

#[test]
fn a_client_that_never_ends_its_body_ends_at_the_deadline() {
    with(SHORT, async |gateway| {
        let start = Instant::now();
        let answer = ask(&gateway.url, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf").await;
        answer.is_problem(504, "deadline-exceeded");
        assert!(start.elapsed() < SOON, "{:?}", start.elapsed());
    });
}

#[test]
fn an_answer_that_falls_silent_is_cut_and_not_completed() {
    with(SHORT, async |gateway| {
        let start = Instant::now();
        let answer = get(&gateway.url, "/silent", "").await;
        assert!(!answer.is_whole && answer.status == 200, "{answer:?}");
        assert!(start.elapsed() < SOON, "{:?}", start.elapsed());
    });
}

#[test]
fn a_broken_answer_is_a_bad_gateway_and_is_asked_for_once() {
    with(NARROW, async |gateway| {
        for path in ["/cut", "/garbage"] {
            let before = gateway.old.seen().len();
            get(&gateway.url, path, "").await.is_problem(502, "bad-gateway");
            assert_eq!(gateway.old.seen().len(), before + 1, "{path}");
        }
    });
}

#[test]
fn nobody_at_the_upstream_is_unavailable_and_may_be_tried_again() {
    let free = Port::take().unwrap();
    let nobody = format!("[upstream.nobody]\nurl = \"http://127.0.0.1:{}\"\n", free.number());
    with(&format!("{nobody}{}", NARROW.replace("\"old\"", "\"nobody\"")), async |gateway| {
        let answer = get(&gateway.url, "/", "").await;
        answer.is_problem(503, "unavailable");
        assert_eq!(answer.header("retry-after"), Some("1"));
    });
}

#[test]
fn no_route_is_not_found() {
    with(&NARROW.replace("\"/\"", "\"/api\""), async |gateway| {
        get(&gateway.url, "/apiary", "").await.is_problem(404, "no-route");
        assert_eq!(get(&gateway.url, "/api/x", "").await.status, 200);
    });
}

#[test]
fn a_body_beyond_the_limit_is_refused_announced_or_not() {
    with(NARROW, async |gateway| {
        let announced = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1001\r\n\r\n";
        ask(&gateway.url, announced).await.is_problem(413, "too-large");
        assert_eq!(gateway.old.seen().len(), 0, "it was passed on");

        let chunk = format!("1f4\r\n{}\r\n", "x".repeat(500));
        let chunked = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
        let most = ask(&gateway.url, format!("{chunked}{chunk}{chunk}0\r\n\r\n")).await;
        assert_eq!(most.status, 200, "{most:?}");
        ask(&gateway.url, format!("{chunked}{chunk}{chunk}1\r\nx\r\n0\r\n\r\n"))
            .await
            .is_problem(413, "too-large");
        assert_eq!(gateway.old.seen().len(), 1, "a body that was too long was passed on whole");
    });
}

#[test]
fn whoever_sets_no_limit_takes_what_automator_takes() {
    with(ALL_OLD, async |gateway| {
        let post = |length: usize| format!("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n");
        let most = 5 << 20;
        assert_eq!(ask(&gateway.url, post(most) + &"x".repeat(most)).await.status, 200);
        ask(&gateway.url, post(most + 1)).await.is_problem(413, "too-large");
    });
}

#[test]
fn a_head_beyond_the_limit_is_refused() {
    with(NARROW, async |gateway| {
        let long = format!("X-Long: {}\r\n", "x".repeat(40 << 10));
        let many = "X-Many: 1\r\n".repeat(200);
        for more in [long, many] {
            let mut client = Client::connect(&gateway.url).await;
            client.send(format!("GET / HTTP/1.1\r\nHost: x\r\n{more}\r\n")).await;
            assert_eq!(client.status().await, Some(431));
        }
        assert_eq!(gateway.old.seen().len(), 0, "it was passed on");
    });
}
