//! What the images are, and what an engine does with them: small, nobody's root, without a shell, ready at once, and gone within
//! the bound.

#![expect(clippy::unwrap_used, reason = "a test")]

use std::{
    collections::HashMap,
    io::{Read, Write},
    net::TcpStream,
    process::ExitCode,
    time::{Duration, Instant},
};

use acceptance::{
    harness::{http::Request, ports::Port},
    testcontainers::bollard::models::{ContainerCreateBody, HostConfig, PortBinding},
};
use manifests::{
    containers::engine::{Engine, Running, image},
    shipped::serving,
};

/// What an image may weigh, in bytes.
const LARGEST: i64 = 15_000_000;
/// What a service may use, in bytes: half of what the composition gives it.
const MEMORY: i64 = 64 << 20;
/// From the engine's start to the first answer.
const READY_WITHIN: Duration = Duration::from_secs(3);
/// How long a drain may take, and what comes after it; the engine kills after 15 s.
const DRAINED_WITHIN: Duration = Duration::from_secs(10);

/// `EX_USAGE`: what a process ends with that is configured wrongly.
const EX_USAGE: i64 = 64;

fn main() -> ExitCode {
    acceptance::run_with(
        Engine::with_images,
        &[
            ("each_is_at_most_15_mb", each_is_at_most_15_mb),
            ("each_says_what_it_is_and_runs_as_nobody", each_says_what_it_is_and_runs_as_nobody),
            ("there_is_no_shell_in_it", there_is_no_shell_in_it),
            (
                "it_is_ready_at_once_with_nothing_but_what_it_needs",
                it_is_ready_at_once_with_nothing_but_what_it_needs,
            ),
            (
                "a_request_under_way_is_answered_before_it_stops",
                a_request_under_way_is_answered_before_it_stops,
            ),
            ("it_stays_below_its_memory_under_load", it_stays_below_its_memory_under_load),
            ("a_wrong_setting_ends_it_at_once_by_name", a_wrong_setting_ends_it_at_once_by_name),
        ],
    )
}

fn each_is_at_most_15_mb(engine: &Engine) {
    for service in serving() {
        let size = engine.image(&image(service)).unwrap().size.unwrap();
        println!("{service}: {:.1} MB", size as f64 / 1e6);
        assert!(size <= LARGEST, "{service} weighs {size} bytes");
    }
}

fn each_says_what_it_is_and_runs_as_nobody(engine: &Engine) {
    for service in serving() {
        let config = engine.image(&image(service)).unwrap().config.unwrap();
        assert_eq!(config.user.as_deref(), Some("10001:10001"), "{service}");
        assert_eq!(config.entrypoint.as_deref(), Some(&["/service".to_owned()][..]), "{service}");
        let health = config.healthcheck.unwrap().test.unwrap();
        assert_eq!(health, ["CMD", "/service", "health"], "{service}");
        let labels = config.labels.unwrap();
        for label in ["title", "licenses", "revision"] {
            let text = labels.get(&format!("org.opencontainers.image.{label}")).map_or("", String::as_str);
            assert!(!text.is_empty(), "{service} has no label {label}");
        }
        let secret = config.env.unwrap_or_default().into_iter().find(|setting| setting.contains("TOKEN"));
        assert_eq!(secret, None, "{service}");
    }
}

fn there_is_no_shell_in_it(engine: &Engine) {
    for shell in ["/bin/sh", "/bin/bash", "/bin/busybox", "/usr/bin/env"] {
        let config = ContainerCreateBody { entrypoint: Some(vec![shell.to_owned()]), ..simulators(0) };
        let refused = engine.run(config).err().map(|error| format!("{error:#}")).unwrap_or_default();
        assert!(refused.contains("no such file"), "{shell}: {refused:?}");
    }
}

fn it_is_ready_at_once_with_nothing_but_what_it_needs(engine: &Engine) {
    let port = Port::take().unwrap();
    let begun = Instant::now();
    let running = engine.run(simulators(port.number())).unwrap();
    ready(engine, &running, &port);
    let took = begun.elapsed();
    println!("ready after {} ms", took.as_millis());
    assert!(took < READY_WITHIN, "{took:?}");
}

fn a_request_under_way_is_answered_before_it_stops(engine: &Engine) {
    let port = Port::take().unwrap();
    let running = engine.run(simulators(port.number())).unwrap();
    ready(engine, &running, &port);
    let slow = r#"{"service": "sendgrid", "kind": "delay", "delay_ms": 2000}"#;
    assert_eq!(ask(&port, "POST", "/control/faults", slow).unwrap(), 201);

    let mut stream = TcpStream::connect(("127.0.0.1", port.number())).unwrap();
    stream.set_read_timeout(Some(DRAINED_WITHIN)).unwrap();
    let body = r#"{"personalizations":[{"to":[{"email":"a@example.com"}]}],"from":{"email":"b@example.com"},"subject":"s","content":[{"type":"text/plain","value":"v"}]}"#;
    write!(
        stream,
        "POST /v3/mail/send HTTP/1.1\r\nhost: x\r\nauthorization: Bearer workshop-sendgrid-key\r\ncontent-type: application/json\r\n\
         content-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    std::thread::sleep(Duration::from_millis(300));
    let begun = Instant::now();
    let code = engine.stop(&running.id, 15).unwrap();
    let took = begun.elapsed();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 202 "), "the request under way was dropped: {answer:?}");
    assert_eq!(code, 0, "a stop that was asked for is no failure");
    assert!((Duration::from_secs(1)..DRAINED_WITHIN).contains(&took), "{took:?}");
}

fn it_stays_below_its_memory_under_load(engine: &Engine) {
    let port = Port::take().unwrap();
    let running = engine.run(simulators(port.number())).unwrap();
    ready(engine, &running, &port);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..250 {
                    assert_eq!(ask(&port, "GET", "/control/github", "").unwrap(), 200);
                }
            });
        }
    });
    let state = engine.inspect(&running.id).unwrap().state.unwrap();
    assert_eq!(
        (state.running, state.oom_killed),
        (Some(true), Some(false)),
        "{}",
        engine.log(&running.id, "5").unwrap()
    );
    let used = engine.memory(&running.id).unwrap();
    println!("{} MB after 1,000 requests", used >> 20);
    assert!(used < MEMORY.unsigned_abs(), "{used}");
}

fn a_wrong_setting_ends_it_at_once_by_name(engine: &Engine) {
    for (setting, said) in [
        ("PORT=none", "PORT"),
        ("GITHUB_TOKEN_FILE=/run/secrets/nobody", "GITHUB_TOKEN_FILE names /run/secrets/nobody"),
    ] {
        let mut config = simulators(0);
        config.env.get_or_insert_default().push(setting.to_owned());
        let running = engine.run(config).unwrap();
        assert_eq!(engine.ended(&running.id).unwrap(), EX_USAGE, "{setting}");
        let log = engine.log(&running.id, "5").unwrap();
        assert!(log.contains(said) && log.trim().lines().count() == 1, "{setting}: {log}");
    }
}

/// The service that needs no other, as the composition starts it, with half of its memory. It is reached at `port`.
fn simulators(port: u16) -> ContainerCreateBody {
    let binding = PortBinding { host_ip: Some("127.0.0.1".to_owned()), host_port: Some(port.to_string()) };
    ContainerCreateBody {
        image: Some(image("simulators")),
        env: Some(Vec::new()),
        host_config: Some(HostConfig {
            port_bindings: Some(HashMap::from([("8080/tcp".to_owned(), Some(vec![binding]))])),
            readonly_rootfs: Some(true),
            cap_drop: Some(vec!["ALL".to_owned()]),
            security_opt: Some(vec!["no-new-privileges:true".to_owned()]),
            memory: Some(MEMORY),
            memory_swap: Some(MEMORY),
            pids_limit: Some(128),
            ..HostConfig::default()
        }),
        ..ContainerCreateBody::default()
    }
}

/// Waits until it answers.
fn ready(engine: &Engine, running: &Running<'_>, port: &Port) {
    let until = Instant::now() + READY_WITHIN * 4;
    while !ask(port, "GET", "/health/ready", "").is_ok_and(|status| status == 200) {
        assert!(Instant::now() < until, "it is not ready: {}", engine.log(&running.id, "10").unwrap());
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn ask(port: &Port, method: &str, path: &str, body: &str) -> std::io::Result<u16> {
    let base = format!("http://127.0.0.1:{}", port.number());
    let headers = [("content-type", "application/json")];
    let limit = Duration::from_secs(5);
    Ok(Request { method, base: &base, path, headers: &headers, body, limit }.send()?.status)
}
