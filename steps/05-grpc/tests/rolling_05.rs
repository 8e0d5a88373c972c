//! Every process is restarted, one after the other, while clients ask: nobody notices. `ROLLING_REQUESTS` says how
//! many requests are sent at least.

#![expect(clippy::unwrap_used, reason = "a test")]

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use acceptance::{
    App, Database, Step, TOKEN, eventually,
    futures::future::join_all,
    harness::ports::Port,
    reqwest::Client,
    serde_json::{Value, json},
    tokio::{
        self,
        io::copy_bidirectional,
        net::{TcpListener, TcpStream},
        task::JoinHandle,
        time::{sleep, timeout},
    },
};

acceptance::on_both_databases!(rolling_restarts_lose_no_request);

/// Two instances of each; the gateway, which is not restarted here, has one.
const SERVICES: [&str; 3] = ["monolith", "backlog", "notify"];
/// How many requests are sent at least, unless `ROLLING_REQUESTS` says another number.
const REQUESTS: usize = 5_000;
/// How many clients send them, each one after the other, over connections that are kept.
const CLIENTS: usize = 6;
/// How often a service asks its instances whether they are ready. They serve on for two seconds after they are told to stop.
const ASKED_EVERY: Duration = Duration::from_millis(200);

async fn rolling_restarts_lose_no_request(database: Database) {
    let held: Vec<(String, Port)> = SERVICES
        .iter()
        .flat_map(|name| [(*name).to_owned(), format!("{name}-2")])
        .map(|name| (name, Port::take().unwrap()))
        .collect();
    let mut services = Vec::new();
    for name in SERVICES {
        let of = |port: &(String, Port)| SocketAddr::from(([127, 0, 0, 1], port.1.number()));
        let instances = held.iter().filter(|(instance, _)| instance.trim_end_matches("-2") == name).map(of);
        services.push((name, Service::start(instances.collect()).await));
    }
    let app = App::start(&step(), database, |mut options| {
        for (name, port) in &held {
            options = options.port(name, port.number());
        }
        for (name, service) in &services {
            options = options.via(name, &service.url);
        }
        options
    });
    let app = Arc::new(app.unwrap());
    eventually("both instances of each are known to be ready", async || {
        services.iter().all(|(_, service)| service.ready.lock().unwrap().len() == 2).then_some(())
    })
    .await;
    app.without_rules().await;
    let _ = app.import().await;
    let task = app.get("/api/tasks?limit=1").await.is(200).items()[0]["id"].as_str().unwrap().to_owned();

    let rolled = Arc::new(AtomicBool::new(false));
    let roller = std::thread::spawn({
        let (app, rolled) = (Arc::clone(&app), Arc::clone(&rolled));
        let names: Vec<String> = held.iter().map(|(name, _)| name.clone()).collect();
        move || {
            for name in names {
                app.system().terminate(&name).unwrap();
                app.system().start_again(&name).unwrap();
                // Until everybody knows that it is there.
                std::thread::sleep(ASKED_EVERY * 2);
            }
            rolled.store(true, Ordering::SeqCst);
        }
    });

    let wanted = std::env::var("ROLLING_REQUESTS").map_or(REQUESTS, |text| text.parse().unwrap());
    let sent = AtomicUsize::new(0);
    let clients = (0..CLIENTS).map(async |_| {
        let client = Client::builder().no_proxy().timeout(Duration::from_secs(20)).build().unwrap();
        let mut lost = Vec::new();
        loop {
            let number = sent.fetch_add(1, Ordering::SeqCst);
            if number >= wanted && rolled.load(Ordering::SeqCst) {
                return lost;
            }
            if let Err(why) = send(&client, app.front(), number, &task).await {
                lost.push(why);
            }
        }
    });
    let lost: Vec<String> = join_all(clients).await.into_iter().flatten().collect();
    roller.join().unwrap();
    let sent = sent.into_inner();
    println!("{} of {sent} requests lost", lost.len());
    assert!(
        lost.is_empty(),
        "{} of {sent} requests were lost: {:#?}",
        lost.len(),
        &lost[..lost.len().min(20)]
    );
}

/// Sends the request of that number: mostly reads, through every process; the writes are ones that change nothing
/// when they are repeated.
async fn send(client: &Client, front: &str, number: usize, task: &str) -> Result<(), String> {
    let key = format!("rolling-{number}");
    let message = json!({ "channel": "email", "to": "mona@example.com", "subject": key, "body": "x" });
    let (request, expected) = match number % 40 {
        0 => (
            client.post(format!("{front}/api/notifications")).header("idempotency-key", &key).json(&message),
            202,
        ),
        20 => (
            client.patch(format!("{front}/api/tasks/{task}")).json(&json!({ "due_date": "2030-01-02" })),
            200,
        ),
        n if n % 4 == 1 => (client.get(format!("{front}/api/team")), 200),
        n if n % 4 == 3 => (client.get(format!("{front}/api/rules?limit=1")), 200),
        _ => (client.get(format!("{front}/api/tasks?limit=1")), 200),
    };
    let what = || {
        request
            .try_clone()
            .and_then(|request| request.build().ok())
            .map(|it| format!("{} {}", it.method(), it.url().path()))
    };
    let what = what().unwrap_or_default();
    let answer = request.bearer_auth(TOKEN).send().await.map_err(|error| format!("{what}: {error:?}"))?;
    let status = answer.status().as_u16();
    let body = answer.text().await.map_err(|error| format!("{what}: {status}, then {error:?}"))?;
    let is_json = acceptance::serde_json::from_str::<Value>(&body).is_ok();
    if status == expected && is_json { Ok(()) } else { Err(format!("{what}: {status} {body}")) }
}

/// What Kubernetes calls a *Service*: one address, and each new connection goes to one of the instances that were
/// ready a moment ago. It knows nothing of requests, and repeats none.
struct Service {
    url: String,
    ready: Arc<Mutex<Vec<SocketAddr>>>,
    tasks: [JoinHandle<()>; 2],
}

impl Service {
    async fn start(instances: Vec<SocketAddr>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let ready: Arc<Mutex<Vec<SocketAddr>>> = Arc::default();
        let asked = tokio::spawn({
            let ready = Arc::clone(&ready);
            async move {
                loop {
                    let answers = join_all(instances.iter().map(|instance| is_ready(*instance))).await;
                    let now =
                        instances.iter().zip(answers).filter(|(_, is)| *is).map(|(instance, _)| *instance);
                    *ready.lock().unwrap() = now.collect();
                    sleep(ASKED_EVERY).await;
                }
            }
        });
        let known = Arc::clone(&ready);
        let taken = tokio::spawn(async move {
            let mut next = 0;
            loop {
                let (mut caller, _) = listener.accept().await.unwrap();
                let instances = known.lock().unwrap().clone();
                next += 1;
                // With none there, the connection is closed, as nobody would take it.
                let Some(instance) = instances.get(next % instances.len().max(1)).copied() else { continue };
                tokio::spawn(async move {
                    let Ok(mut callee) = TcpStream::connect(instance).await else { return };
                    let (_, _) = (caller.set_nodelay(true), callee.set_nodelay(true));
                    let _ = copy_bidirectional(&mut caller, &mut callee).await;
                });
            }
        });
        Self { url, ready, tasks: [asked, taken] }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

async fn is_ready(instance: SocketAddr) -> bool {
    use acceptance::tokio::io::{AsyncReadExt, AsyncWriteExt};
    let ask = async {
        let mut stream = TcpStream::connect(instance).await.ok()?;
        stream.write_all(b"GET /health/ready HTTP/1.0\r\nhost: localhost\r\n\r\n").await.ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.ok()?;
        answer.split(' ').nth(1).map(|status| status == "200")
    };
    timeout(Duration::from_secs(1), ask).await.ok().flatten().unwrap_or(false)
}

fn step() -> Step {
    Step {
        number: "05",
        binary: env!("CARGO_BIN_EXE_system-05"),
        folder: concat!(env!("CARGO_MANIFEST_DIR"), "/tests/rolling"),
    }
}
