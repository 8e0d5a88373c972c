//! Exercise 04.1: what a call becomes when it leaves the process.

use std::{
    error::Error,
    time::{Duration, Instant},
};

use acceptance::{
    App, Step, eventually,
    harness::{self, Proxy, ports::Port},
    serde_json::{Value, json},
    tokio::{self, time::timeout},
    with_system,
};
use domain::{Channel, Message, Notification};
use step_02_contracts::{Ctx, Fault, IdempotencyKey, Notify, Once};
use step_04_client::pieces::http_notify::HttpNotify;
use uuid::Uuid;

use crate::{
    logged,
    service::{self, Does, Service},
};

const TOKEN: &str = "token-between-services";
/// Where nobody listens.
const NOBODY: &str = "http://127.0.0.1:1";
/// How long somebody waits for a service that stalls, and longer than that.
const PATIENCE: Duration = Duration::from_millis(800);
const TOO_LONG: Duration = Duration::from_millis(1_200);

#[tokio::test]
async fn a_service_that_stalls_costs_the_caller_its_own_deadline() {
    let most_of_it = Duration::from_millis(600);
    for (where_, does) in [
        ("before its answer", Does::Stalls),
        ("inside its answer", Does::StallsInside(Duration::ZERO)),
        ("inside its answer, whose head took 600 ms", Does::StallsInside(most_of_it)),
    ] {
        let service = Service::that(does).await;
        let adapter = adapter(&service.url);
        let (start, ctx) = (Instant::now(), Ctx::background(PATIENCE));
        // On a machine that has stopped for a second both times are up at once, and the call is looked at first.
        let ended = timeout(TOO_LONG, adapter.send(&ctx, None, vec![message()])).await;
        let took = start.elapsed();
        assert!(
            ended.is_ok(),
            "notify has stalled {where_}. Somebody who waits for {PATIENCE:?} at most still waits after {took:.1?}."
        );
        let ended = ended.expect("it ended");
        assert!(
            matches!(ended, Err(Fault::DeadlineExceeded)),
            "notify has stalled {where_} and the caller's time is up. It is told {ended:?}, and not that."
        );
    }
}

#[tokio::test]
async fn whoever_has_time_gets_the_answer() {
    let service = Service::that(Does::Answers(202, queued(), Duration::from_millis(1_600))).await;
    let ended = send(&service.url, Duration::from_secs(8), None).await;
    assert!(
        ended.is_ok(),
        "notify answers after 1.6 s and the caller has eight. It is told {ended:?}: a limit that is no caller's."
    );
    let asked = service.asked();
    let said = asked[0].header("x-request-timeout").and_then(|left| left.parse::<u64>().ok());
    assert!(
        said.is_some_and(|left| (5_000..=8_000).contains(&left)),
        "The caller has eight seconds. notify is told {said:?} ms, and cannot know when nobody waits any more."
    );
    assert!(
        asked[0].header("traceparent").is_some() && asked[0].header("x-request-id").is_some(),
        "notify is not told in which trace it is asked: two logs cannot be read as one. It saw {:?}.",
        asked[0].headers
    );
}

#[tokio::test]
async fn a_repeat_is_the_same_request() {
    let service = Service::that(Does::HangsUp).await;
    let key = key();
    let message = message();
    let adapter = adapter(&service.url);
    for _ in 0..2 {
        let ctx = Ctx::background(Duration::from_secs(2));
        let _ = adapter.send(&ctx, Some(key.clone()), vec![message.clone()]).await;
    }
    let asked = service.asked();
    let keys: Vec<_> = asked.iter().map(|asked| asked.header("idempotency-key")).collect();
    assert!(
        keys.len() >= 2 && keys.iter().all(|sent| *sent == Some(key.key.as_str())),
        "A client asked for something under the key {:?} and asked again, because it heard nothing. notify was shown {keys:?}: \
         for it these are different requests, and both are done.",
        key.key
    );
    assert!(
        asked.iter().all(|asked| asked.keys() == [message.key.as_str()]),
        "The same message went out under other keys: {:?}",
        asked.iter().map(service::ReceivedRequest::keys).collect::<Vec<_>>()
    );
}

#[tokio::test]
async fn one_call_is_one_request() {
    let answers = |status, body: &str| Does::Answers(status, body.to_owned(), Duration::ZERO);
    for (what, does) in [
        ("hangs up without an answer", Does::HangsUp),
        ("hangs up in the middle of its answer", Does::CutsOff),
        ("answers 503", answers(503, "")),
        ("answers 429", answers(429, "")),
    ] {
        let service = Service::that(does).await;
        let _ = send(&service.url, Duration::from_secs(2), Some(key())).await;
        let asked = service.asked().len();
        assert!(
            asked == 1,
            "notify {what}, and one call became {asked} requests. Whoever called keeps the message and asks again later: so a \
             service that is just coming up is asked {asked} times as often as there are callers, and goes down again."
        );
    }
}

#[tokio::test]
async fn whoever_asks_for_a_message_is_shown_it() {
    let service = Service::that(Does::Answers(200, notification().to_string(), Duration::ZERO)).await;
    let found = adapter(&service.url).find(&Ctx::background(Duration::from_secs(2)), Uuid::now_v7()).await;
    assert!(
        found.is_ok(),
        "Somebody asks what has become of a message. notify answers 200 with it, and they are told {found:?}."
    );
    let asked = service.asked();
    let key = asked[0].header("idempotency-key");
    assert!(
        key.is_none(),
        "Nobody gave a key, and notify was shown {key:?}: the next time it is another one, so no repeat is ever known by it."
    );
}

#[tokio::test]
async fn each_end_is_told_from_the_others() {
    let problem = |status: u16, kind: &str, more: Value| {
        let mut problem = json!({ "type": format!("urn:automator:{kind}"), "title": "x", "status": status, "detail": "message 7 not found" });
        if let (Some(problem), Some(more)) = (problem.as_object_mut(), more.as_object()) {
            problem.extend(more.clone());
        }
        Does::Answers(status, problem.to_string(), Duration::ZERO)
    };
    let answers = |status, body: &str| Does::Answers(status, body.to_owned(), Duration::ZERO);
    let field = json!({ "errors": [{ "field": "messages[0].to", "message": "is no address" }] });
    let changed = json!({ "current_version": 7 });
    for (what, does, wanted) in [
        ("202 with what it queued", answers(202, &queued()), "done"),
        ("200 with what it queued", answers(200, &queued()), "done"),
        ("422 naming a field", problem(422, "invalid", field.clone()), "refused: messages[0].to"),
        ("404", problem(404, "not-found", json!({})), "refused: message 7"),
        ("409", problem(409, "taken", json!({ "detail": "message 7 is taken" })), "refused: message 7"),
        ("429: too much at once", problem(429, "too-many-requests", json!({})), "not now"),
        ("429 without a word", answers(429, ""), "not now"),
        ("412, and nobody named a version", problem(412, "version-mismatch", changed), "not now"),
        ("503: not ready", problem(503, "unavailable", json!({})), "not now"),
        ("500", problem(500, "internal", json!({})), "not now"),
        ("502 from something in between", answers(502, "<html>Bad Gateway</html>"), "not now"),
        ("302 to somewhere else", answers(302, &queued()), "not now"),
        ("400 naming a field: our client is broken", problem(400, "invalid", field), "not now"),
        ("401: the token is being changed", problem(401, "unauthorized", json!({})), "not now"),
        ("403", problem(403, "forbidden", json!({})), "not now"),
        ("200 with a page of somebody else", answers(200, "<html>Welcome</html>"), "not now"),
        ("422 from something in between", answers(422, "<html>no</html>"), "not now"),
        ("202, cut off in the middle of the answer", Does::CutsOff, "not now"),
        ("nothing: it hangs up", Does::HangsUp, "not now"),
    ] {
        let service = Service::that(does).await;
        let ended = send(&service.url, Duration::from_secs(2), None).await;
        let shown = shown(&ended);
        assert!(
            shown == wanted,
            "notify answers {what}. Whoever sent the message is told {shown:?}; it should be {wanted:?}, because {}.",
            match wanted {
                "done" => "the message is queued",
                "not now" => {
                    "nothing is wrong with the message: perhaps it is queued, perhaps it will be. It has to be kept and sent again \
                     under its key"
                }
                _ if shown.starts_with("refused") =>
                    "nobody can mend a message who is not told what notify found in it",
                _ => "that will never work, and sending it for ever helps nobody",
            }
        );
    }
    let ended = send(NOBODY, Duration::from_secs(2), None).await;
    assert!(
        shown(&ended) == "not now",
        "Nobody listens, because notify is being started. Whoever sent the message is told {:?}, and throws it away.",
        shown(&ended)
    );
}

#[tokio::test]
async fn an_answer_that_was_given_before_is_marked() {
    let service = Service::that(Does::Answers(202, queued(), Duration::ZERO)).await;
    let sent = send(&service.url, Duration::from_secs(2), Some(key())).await.expect("it is queued");
    assert!(!sent.replayed, "It was queued for the first time.");
    assert!(sent.value.len() == 1, "One message, one answer: {:?}", sent.value);

    let service = Service::that(Does::Repeats(queued())).await;
    let sent = send(&service.url, Duration::from_secs(2), Some(key())).await.expect("it is queued");
    assert!(sent.replayed, "notify says that it answered this before. Whoever sent it is not told.");
}

#[tokio::test]
async fn no_error_says_where_and_with_what_token() {
    let page = Does::Answers(200, "<html>".to_owned(), Duration::ZERO);
    for (what, does) in
        [("hangs up", Does::HangsUp), ("is cut off", Does::CutsOff), ("answers with a page", page)]
    {
        let service = Service::that(does).await;
        nothing_of_ours_is_said(&service.url, what).await;
    }
    nothing_of_ours_is_said(NOBODY, "does not listen").await;
}

/// Neither whoever asks the service at `url` nor the log is told where it is, or the token.
async fn nothing_of_ours_is_said(url: &str, what: &str) {
    let (host, port) = url.trim_start_matches("http://").split_once(':').expect("an address of this machine");
    let (ended, logged) = logged::during(send(url, Duration::from_secs(2), None)).await;
    let told = ended.err().as_ref().map(whole).unwrap_or_default();
    for (whom, text) in
        [("whoever sent a message is told", told), ("the log, which many people read, has", logged)]
    {
        let has_the_address = text.contains(host) && text.contains(port);
        assert!(
            !has_the_address && !text.contains(TOKEN),
            "notify {what}, and {whom} its address or its token: {text}"
        );
    }
}

#[test]
fn in_the_real_system_what_is_not_taken_now_is_sent_later_and_what_is_refused_is_dropped() {
    let port = Port::take().expect("a free port");
    let step =
        Step { number: "04", binary: env!("CARGO_BIN_EXE_system-04"), folder: env!("CARGO_MANIFEST_DIR") };
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let way = runtime.block_on(Proxy::start(&format!("http://127.0.0.1:{}", port.number()))).expect("a port");
    let adjust = |options: harness::Options| options.port("notify", port.number()).via("notify", way.url());
    with_system(&step, adjust, async |app| {
        let _ = app.member("mona").await;
        app.without_rules().await;
        let rule = json!({
            "name": "tell mona", "when": "item_opened", "if": { "kind": "pull_request" },
            "then": [{ "notify": { "channel": "email", "to": "mona", "text": "look" } }]
        });
        let _ = app.post("/api/rules", &rule).await.is(201);

        let opened = json!({ "action": "opened", "repository": "sendgrid/rest", "kind": "pull_request" });

        let troubles = [
            ("Its answer was lost behind its work", harness::Fault::cut()),
            ("It answered 503 without doing anything", harness::Fault::answer(503)),
        ];
        for (wanted, (what, trouble)) in (1..).zip(troubles) {
            way.add(trouble.on("POST", "/internal/").times(1));
            let _ = app.told(opened.clone()).await;
            settled(app).await;
            let mails = app.simulators().taken("sendgrid").await.len();
            assert!(
                mails == wanted,
                "A rule has something to tell Mona. {what}, and then notify was well. She should have {wanted} mails by now, and \
                 has {mails}."
            );
        }

        let no = json!({
            "type": "urn:automator:invalid", "title": "x", "status": 422, "detail": "x",
            "errors": [{ "field": "messages[0].to", "message": "is no address" }]
        });
        way.add(harness::Fault::answer_with(422, no.to_string()).on("POST", "/internal/"));
        let _ = app.told(opened.clone()).await;
        settled(app).await;
        let asked = way.seen().iter().filter(|(_, path)| path.starts_with("/internal/")).count();
        way.clear();
        assert!(
            asked == 5,
            "notify refused a message for good. It was asked {asked} times in all and not five: once for this one, twice for \
             each of the two before. What is refused is not sent again, and what is not taken now is."
        );
    });
}

/// Waits until no rule has anything left to do.
async fn settled(app: &App) {
    let pending = async || {
        let metrics = app.get("/metrics").await.is(200);
        let line = metrics.text.lines().find_map(|line| line.strip_prefix("rule_actions_pending "));
        line.and_then(|count| count.parse::<f64>().ok())
    };
    // What was told may not have reached the rules yet.
    app.marker("sendgrid/rest").await;
    eventually("rules have nothing left to do", async || (pending().await == Some(0.0)).then_some(())).await;
}

pub(crate) fn adapter(url: &str) -> HttpNotify {
    let url = url.parse().expect("an address");
    HttpNotify::new(url, TOKEN.parse().expect("a token")).expect("a client")
}

/// Sends one message to the service at `url`.
async fn send(
    url: &str,
    within: Duration,
    key: Option<IdempotencyKey>,
) -> Result<Once<Vec<Notification>>, Fault> {
    adapter(url).send(&Ctx::background(within), key, vec![message()]).await
}

fn message() -> Message {
    Message {
        id: Uuid::now_v7(),
        key: "action 7 mona".to_owned(),
        channel: Channel::Email,
        sender: None,
        to: "mona@example.com".to_owned(),
        subject: Some("Hello".to_owned()),
        body: "Somebody waits".to_owned(),
    }
}

fn key() -> IdempotencyKey {
    let text = str::to_owned;
    IdempotencyKey { key: text("monday-7"), route: text("POST /api/digests"), fingerprint: text("e3b0") }
}

/// A message as the service shows it.
fn notification() -> Value {
    json!({
        "id": "0192d1c5-0000-7000-8000-000000000001", "channel": "email", "to": "mona@example.com", "subject": "Hello",
        "status": "queued", "reason": null, "attempts": 0,
        "created_at": "2019-06-01T00:00:00Z", "updated_at": "2019-06-01T00:00:00Z"
    })
}

/// What the service answers that has queued a message.
fn queued() -> String {
    json!({ "notifications": [notification()] }).to_string()
}

/// How a call ended, in a word.
fn shown(ended: &Result<Once<Vec<Notification>>, Fault>) -> String {
    match ended {
        Ok(_) => "done".to_owned(),
        Err(Fault::Invalid(errors)) => {
            let fields: Vec<_> = errors.iter().map(|error| error.field.as_str()).collect();
            format!("refused: {}", fields.join(", "))
        }
        Err(Fault::NotFound(what) | Fault::Taken(what)) => format!("refused: {what}"),
        Err(Fault::Unavailable(_)) => "not now".to_owned(),
        Err(other) => other.to_string(),
    }
}

/// An error with all its causes, as a log has it.
fn whole(fault: &Fault) -> String {
    let mut text = format!("{fault} {fault:?}");
    let mut cause = fault.source();
    while let Some(error) = cause {
        text += &format!(": {error} {error:?}");
        cause = error.source();
    }
    text
}
