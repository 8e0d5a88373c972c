//! Drills: longer than a scenario, with processes killed while they work. A step runs those that its processes can meet.

use std::{
    collections::HashMap,
    sync::Arc,
    thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use futures::{StreamExt, stream};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::{Answer, App};

/// How many messages are queued; one in five is a text message, one in fifty nobody will take.
const MESSAGES: usize = 500;
/// How often the process that sends them is killed.
const KILLS: u32 = 10;
/// How many clients queue them.
const CLIENTS: usize = 8;
/// How long a client tries to queue one message, and everybody waits for the end of all.
const WITHIN: Duration = Duration::from_secs(180);
/// How long a process may take from a provider's answer to its note of it; whoever is killed in between sends again.
const WINDOW: Duration = Duration::from_secs(2);
/// How long a provider may take to read what somebody sent who is dead by then.
const ON_ITS_WAY: Duration = Duration::from_millis(500);
/// How many messages a process has with the providers at most when it is killed: four of each.
const UNDER_WAY: usize = 8;

/// What in a body makes the provider refuse it for good.
const REFUSED: &str = "nobody-takes-this";

/// Queues 500 messages while the providers answer 429, 5xx and nothing, and while `process` is killed ten times. Each of
/// them must end, sent or failed, and no message may go out twice but in the window between a provider's answer and our
/// note of it.
///
/// # Panics
/// They do not.
pub async fn no_message_is_lost(app: Arc<App>, process: &'static str) {
    trouble(&app).await;
    let killer = thread::spawn({
        let app = Arc::clone(&app);
        move || (1..=KILLS).map(|round| kill(&app, process, round)).collect::<Vec<_>>()
    });
    let places: Vec<String> = stream::iter(0..MESSAGES)
        .map(|number| queued(&app, number))
        .buffer_unordered(CLIENTS)
        .collect()
        .await;
    let kills = wait_for(killer).await;

    let until = Instant::now() + WITHIN;
    for place in &places {
        while answer(&app, place).await["status"] == "queued" {
            assert!(Instant::now() < until, "{place} is still queued: {}", answer(&app, place).await);
            sleep(Duration::from_millis(50)).await;
        }
    }
    let mut sent_of: HashMap<String, Vec<u128>> = HashMap::new();
    for service in ["sendgrid", "twilio"] {
        for call in app.simulators().taken(service).await {
            let at = milliseconds(call["at"].as_str().unwrap_or_default());
            sent_of.entry(number_in(&call)).or_default().push(at);
        }
    }
    let mut again_after: HashMap<u128, usize> = HashMap::new();
    for place in &places {
        let message = answer(&app, place).await;
        let name = message["to"].as_str().unwrap_or_default();
        let calls = sent_of.remove(name).unwrap_or_default();
        if message["status"] == "failed" {
            assert!(calls.is_empty(), "failed, but it went out: {message}");
            assert!(message["reason"].as_str().is_some_and(|reason| reason.contains("400")), "{message}");
            continue;
        }
        assert!(!calls.is_empty(), "sent, but no provider has it: {message}");
        for sent in &calls[..calls.len() - 1] {
            let window = sent.saturating_sub(ON_ITS_WAY.as_millis())..=sent + WINDOW.as_millis();
            let near = kills.iter().filter(|kill| window.contains(kill));
            let kill = near.min_by_key(|kill| kill.abs_diff(*sent));
            let Some(kill) = kill else {
                panic!("sent again, though nobody was killed after {sent}: {kills:?} {message}")
            };
            *again_after.entry(*kill).or_default() += 1;
        }
    }
    for (kill, again) in &again_after {
        assert!(*again <= UNDER_WAY, "{again} went out again after one kill, at {kill}");
    }
    assert!(sent_of.is_empty(), "went out, but nobody queued them: {sent_of:?}");
    let again: usize = again_after.values().sum();
    println!("{KILLS} kills: {} messages ended, {again} of them went out again", places.len());
}

/// What the providers do: some of it for good, most of it for a while.
async fn trouble(app: &App) {
    let fault = |service: &str, more: Value| {
        let mut fault = json!({ "service": service });
        if let (Some(fault), Some(more)) = (fault.as_object_mut(), more.as_object()) {
            fault.extend(more.clone());
        }
        fault
    };
    for service in ["sendgrid", "twilio"] {
        for more in [
            json!({ "kind": "status", "status": 400, "times": null, "contains": REFUSED }),
            json!({ "kind": "status", "status": 503, "skip": 20, "times": 25 }),
            json!({ "kind": "delay", "delay_ms": 30_000, "skip": 10, "times": 3 }),
            json!({ "kind": "status", "status": 500, "skip": 40, "times": 20 }),
            json!({ "kind": "status", "status": 429, "skip": 30, "times": 10 }),
        ] {
            let _ = app.simulators().fault(&fault(service, more)).await.is(201);
        }
    }
}

/// Kills the process after a while and starts it again; when it was killed, in milliseconds since 1970.
fn kill(app: &App, process: &str, round: u32) -> u128 {
    // Not a multiple of anything that the process does regularly.
    thread::sleep(Duration::from_millis(300 + u64::from(round * 137 % 500)));
    app.platform().kill(process).expect("it was running");
    let at = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    app.platform().start_again(process).expect("it comes back");
    at
}

async fn wait_for(killer: thread::JoinHandle<Vec<u128>>) -> Vec<u128> {
    while !killer.is_finished() {
        sleep(Duration::from_millis(20)).await;
    }
    killer.join().expect("every kill was followed by a start")
}

/// Queues a message as a client does that wants it sent once: the same key until there is an answer. Where it is then.
async fn queued(app: &App, number: usize) -> String {
    let text = if number % 50 == 7 { REFUSED } else { "Somebody waits" };
    let message = if number.is_multiple_of(5) {
        json!({ "channel": "sms", "to": format!("+1555{number:07}"), "body": text })
    } else {
        json!({ "channel": "email", "to": format!("m{number}@example.com"), "subject": "Somebody waits", "body": text })
    };
    let key = format!("message-{number}");
    let until = Instant::now() + WITHIN;
    loop {
        let sent = app.post("/api/notifications", &message).idempotency_key(&key).send().await;
        match sent {
            Ok(answer) if answer.status == 202 => {
                return answer.header("location").expect("a message has a place").to_owned();
            }
            Ok(answer) => assert!(answer.status >= 500, "{answer}"),
            // Killed in the middle.
            Err(_) => {}
        }
        assert!(Instant::now() < until, "message {number} could not be queued");
        sleep(Duration::from_millis(50)).await;
    }
}

async fn answer(app: &App, place: &str) -> Answer {
    app.get(place).await.is(200)
}

/// To whom a call of a provider is.
fn number_in(call: &Value) -> String {
    let fields = &call["fields"];
    let to = fields["To"].as_str().or(fields["personalizations"][0]["to"][0]["email"].as_str());
    to.unwrap_or_default().to_owned()
}

/// An RFC 3339 time in milliseconds since 1970.
fn milliseconds(time: &str) -> u128 {
    let time: jiff::Timestamp = time.parse().expect("the simulators write RFC 3339");
    time.as_millisecond().unsigned_abs().into()
}
