//! The map of a real system, without a browser: what is ordered is done, what passes is counted, and what goes wrong stays small.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests may, like tests")]

#[expect(dead_code, reason = "shared with browser_map.rs, which uses the rest")]
mod support;

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpListener,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use acceptance::{eventually, serde_json::json, tokio};
use support::{MAP, RunningMap, client, is_gone, root, run};

#[test]
fn what_is_ordered_is_done_and_what_passes_is_counted() {
    run(async {
        let map = RunningMap::start("05-grpc");

        // Requests are counted where they pass, over HTTP/1.1 and over gRPC.
        for _ in 0..20 {
            assert_eq!(map.visit("/api/tasks?limit=3").await, 200);
        }
        for (from, to) in [("gateway", "monolith"), ("monolith", "backlog")] {
            let numbers = map.numbers(from, to, |it| it["rate"].as_f64() >= Some(2.0)).await;
            assert_eq!(numbers["errors"], 0.0, "{from} → {to}: {numbers}");
            assert!(numbers["p50"].as_f64().unwrap() < 300.0, "{from} → {to}: {numbers}");
        }

        // Slower by half a second, and that is measured.
        assert_eq!(map.order("slow", "backlog").await.0, 200);
        let start = Instant::now();
        assert_eq!(map.visit("/api/tasks?limit=3").await, 200);
        assert!(start.elapsed() >= Duration::from_millis(500), "{:?}", start.elapsed());
        assert_eq!(map.order("slow", "backlog").await.0, 200);

        // Nobody gets through, and the process lives.
        assert_eq!(map.order("cut", "backlog").await.0, 200);
        eventually("tasks fail", async || (map.visit("/api/tasks?limit=3").await >= 500).then_some(())).await;
        assert_eq!(map.now().await["processes"]["backlog"]["state"], "up");
        assert_eq!(map.order("cut", "backlog").await.0, 200);
        eventually("tasks are back", async || (map.visit("/api/tasks?limit=3").await == 200).then_some(()))
            .await;

        // Two who kill at once: one does, the other is told that it is down.
        let (one, other) = tokio::join!(map.order("kill", "notify"), map.order("kill", "notify"));
        let mut both = [one.0, other.0];
        both.sort_unstable();
        assert_eq!(both, [200, 409]);
        assert_eq!(map.now().await["processes"]["notify"]["state"], "down");
        assert_eq!(map.visit("/api/tasks?limit=3").await, 200);
        assert!(map.visit(MESSAGE).await >= 500);
        assert_eq!(map.order("restart", "notify").await.0, 200);
        map.says("notify is back");
        eventually("messages are back", async || (map.visit(MESSAGE).await == 404).then_some(())).await;

        // The front is killed like anybody; but nobody stands before it who could slow or cut it.
        for action in ["slow", "cut"] {
            let (status, said) = map.order(action, "gateway").await;
            assert_eq!((status, said.contains("nobody asks gateway")), (409, true), "{said}");
        }
        assert_eq!(map.order("kill", "gateway").await.0, 200);
        assert_eq!(map.visit("/api/tasks").await, 0);
        assert_eq!(map.order("restart", "gateway").await.0, 200);
        eventually("the front is back", async || {
            (map.visit("/api/tasks?limit=3").await == 200).then_some(())
        })
        .await;

        // It stands still, and goes on by itself.
        assert_eq!(map.order("stop", "simulators").await.0, 200);
        assert_eq!(map.order("stop", "simulators").await.0, 409);
        assert_eq!(map.now().await["processes"]["simulators"]["state"], "stopped");
        eventually("it goes on", async || {
            (map.now().await["processes"]["simulators"]["state"] == "up").then_some(())
        })
        .await;

        for (action, process, status) in [
            ("kill", "nobody", 404),
            ("kill", "migrate", 404),
            ("kill", "notify\ndo 1 kill backlog", 404),
            ("burn", "notify", 422),
            ("kill notify", "notify", 422),
        ] {
            assert_eq!(map.order(action, process).await.0, status, "{action} {process:?}");
        }
        for (body, status) in [
            ("{".to_owned(), 400),
            (json!({ "action": "kill" }).to_string(), 422),
            (json!({ "action": "kill", "process": "notify", "more": 1 }).to_string(), 422),
            (json!({ "action": "kill", "process": "n".repeat(5_000) }).to_string(), 413),
        ] {
            assert_eq!(map.post("do").body(body).send().await.unwrap().status().as_u16(), status);
        }
        assert_eq!(map.now().await["processes"]["backlog"]["state"], "up");
        let log = client().get(format!("{}log/backlog", map.address)).send().await.unwrap();
        assert!(log.text().await.unwrap().contains("listening"), "the log of backlog");
        assert_eq!(
            client().get(format!("{}log/nobody", map.address)).send().await.unwrap().status().as_u16(),
            404
        );

        // Each costs next to nothing while nobody does anything.
        let before = [map.page, map.proxies].map(cpu);
        tokio::time::sleep(Duration::from_secs(2)).await;
        for (id, before) in [map.page, map.proxies].into_iter().zip(before) {
            let (used, memory) = (cpu(id) - before, memory(id));
            println!("process {id}: {used:?} of two seconds, {} kB", memory / 1024);
            assert!(used <= Duration::from_millis(60), "{used:?} of two idle seconds");
            assert!(memory < 20 << 20, "{} kB", memory / 1024);
        }

        // Whoever kills the page kills nothing else.
        kill(map.page);
        map.says("the map has ended; the system goes on without it");
        assert_eq!(map.visit("/api/tasks?limit=3").await, 200);
    });
}

#[test]
fn only_who_has_the_address_gets_in_and_only_from_the_page() {
    run(async {
        let mut alone = PageAlone::start(18_170);
        let get = async |path: &str, headers: &[(&str, &str)]| {
            let mut request = client().get(format!("{}{path}", alone.origin()));
            for (name, value) in headers {
                request = request.header(*name, *value);
            }
            request.send().await.unwrap()
        };
        let path = alone.path();
        let page = get(&path, &[]).await;
        assert_eq!(page.status(), 200);
        let policy = page.headers()["content-security-policy"].to_str().unwrap().to_owned();
        assert!(
            policy.starts_with("default-src 'none'") && policy.contains("frame-ancestors 'none'"),
            "{policy}"
        );
        assert!(!page.text().await.unwrap().contains("http"), "the page asks nobody else for anything");
        for (path, headers, status) in [
            ("/", vec![], 403),
            ("/0123456789abcdef0123456789abcdef/", vec![], 403),
            ("/0123456789abcdef0123456789abcdef/model", vec![], 403),
            (path.as_str(), vec![("host", "evil.example")], 421),
            (path.as_str(), vec![("origin", "http://evil.example")], 403),
            (path.as_str(), vec![("sec-fetch-site", "cross-site")], 403),
        ] {
            let answer = get(path, &headers).await;
            assert_eq!(answer.status().as_u16(), status, "{path} {headers:?}");
            assert!(!answer.text().await.unwrap().contains(path.trim_matches('/')) || path == "/");
        }
        for lesson in ["99", "..%2f..%2fREADME.md", "05/x"] {
            assert_eq!(get(&format!("{path}lesson/{lesson}"), &[]).await.status(), 404, "{lesson}");
        }
        let lesson = get(&format!("{path}lesson/05"), &[]).await.text().await.unwrap();
        assert!(lesson.contains("<h1>") && !lesson.contains("mermaid"));
        alone.end();
    });
}

#[test]
fn a_taken_port_is_passed_over_and_a_page_ends_with_whoever_started_it() {
    let taken = TcpListener::bind("127.0.0.1:18270").unwrap();
    let mut alone = PageAlone::start(18_270);
    assert!(!alone.address.contains(":18270/"), "{}", alone.address);
    drop(taken);
    alone.end();
    let nothing = Command::new(MAP).stdin(Stdio::null()).output().unwrap();
    assert_eq!(nothing.status.code(), Some(64));
    for part in ["page", "edges"] {
        let mut child =
            Command::new(MAP).arg(part).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(b"nonsense\n").unwrap();
        let mut said = String::new();
        child.stdout.take().unwrap().read_to_string(&mut said).unwrap();
        assert!(said.starts_with("the first line is no"), "{said}");
        drop(stdin);
        assert!(!child.wait().unwrap().success());
    }
}

/// A message that there is none of: who has the messages says so.
const MESSAGE: &str = "/api/notifications/00000000-0000-7000-8000-000000000000";

/// A page of step 05 whose runner does nothing.
struct PageAlone {
    child: Child,
    address: String,
}

impl PageAlone {
    fn start(port: u16) -> Self {
        let mut child =
            Command::new(MAP).arg("page").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let setting = json!({ "root": root(), "step": "05-grpc", "port": port, "front": "http://127.0.0.1:1", "exercise": null });
        child.stdin.as_mut().unwrap().write_all(format!("{setting}\n").as_bytes()).unwrap();
        let mut said = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut said).unwrap();
        let address = said.trim().strip_prefix("ready ").unwrap().to_owned();
        Self { child, address }
    }

    /// `http://host:port`.
    fn origin(&self) -> String {
        self.address.splitn(4, '/').take(3).collect::<Vec<_>>().join("/")
    }

    /// `/token/`.
    fn path(&self) -> String {
        self.address.strip_prefix(&self.origin()).unwrap().to_owned()
    }

    /// Lets go of it, as a runner does that ends.
    fn end(&mut self) {
        drop(self.child.stdin.take());
        let until = Instant::now() + Duration::from_secs(2);
        while self.child.try_wait().unwrap().is_none() {
            assert!(Instant::now() < until, "it does not end with its runner");
            std::thread::sleep(Duration::from_millis(10));
        }
        assert!(is_gone(self.child.id()));
    }
}

impl Drop for PageAlone {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a process has used so far: user and system time, in ticks of 10 ms.
fn cpu(id: u32) -> Duration {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).unwrap();
    let fields: Vec<_> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
    Duration::from_millis(ticks * 10)
}

/// Resident memory in bytes.
fn memory(id: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().strip_suffix(" kB").unwrap().parse::<u64>().unwrap() * 1024
}

fn kill(id: u32) {
    assert!(Command::new("kill").args(["-KILL", &id.to_string()]).status().unwrap().success());
}
