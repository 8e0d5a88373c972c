//! What services ask each other is answered to services alone, never through the gateway, and it is what the client of web reads.

use acceptance::{SERVICE_TOKEN, Step, TOKEN, eventually, reqwest::Method, serde_json::json, with_system};

/// Who has which route.
const ROUTES: [(&str, &str); 8] = [
    ("github", "/internal/waiting?limit=3"),
    ("insights", "/internal/measures?from=2018-01-01&to=2019-01-01&group=language"),
    ("insights", "/internal/leaderboard?year=2018"),
    ("insights", "/internal/latest-year"),
    ("github", "/internal/parked"),
    ("insights", "/internal/parked"),
    ("backlog", "/internal/parked"),
    ("web", "/internal/parked"),
];

#[test]
fn what_is_between_services_is_for_services_alone() {
    let step =
        Step { number: "07", binary: env!("CARGO_BIN_EXE_system-07"), folder: env!("CARGO_MANIFEST_DIR") };
    with_system(
        &step,
        |options| options,
        async |app| {
            for (service, route) in ROUTES {
                let answer = app.request_to(service, Method::GET, route).token(SERVICE_TOKEN).await.is(200);
                assert!(answer.body.is_object(), "{service} {route}: {answer}");
                // A client's token is none of ours.
                let _ = app.request_to(service, Method::GET, route).token(TOKEN).await.is(401);
                let _ = app.request_to(service, Method::GET, route).await.is(401);
                let _ = app.request(Method::GET, route).token(SERVICE_TOKEN).await.is(404);
            }
            let inside = |service, route| app.request_to(service, Method::GET, route).token(SERVICE_TOKEN);
            let waiting = inside("github", "/internal/waiting?limit=3").await.is(200);
            assert_eq!(waiting["items"].as_array().map(Vec::len), Some(3), "{waiting}");
            assert!(waiting["all"].as_i64() > Some(3), "{waiting}");
            let _ = inside("github", "/internal/waiting?limit=1001").await.is(422);
            let _ = inside("github", "/internal/waiting").await.is(422);
            let _ = inside("insights", "/internal/measures?from=2019-01-01&to=2018-01-01").await.is(422);
            // What a client is answered is what a service is.
            let public = app.get("/api/measures?from=2018-01-01&to=2019-01-01&group=language").await.is(200);
            let internal = inside("insights", ROUTES[1].1).await.is(200);
            assert_eq!(public.body, internal.body);
        },
    );
}

#[test]
fn a_message_has_no_address_in_it() {
    let step =
        Step { number: "07", binary: env!("CARGO_BIN_EXE_system-07"), folder: env!("CARGO_MANIFEST_DIR") };
    with_system(
        &step,
        |options| options.env("web", "TELL_ASSIGNEES", "1"),
        async |app| {
            let secret = json!({
                "login": "ada", "name": "Ada Canary", "email": "canary@private.example", "phone": "+15550001234",
                "on_call": true
            });
            let _ = app.post("/api/team", &secret).await.is(201);
            let task = app.get("/api/tasks?limit=1").await.is(200).items()[0].clone();
            let path = format!("/api/tasks/{}", task["id"].as_str().unwrap_or_default());
            let _ = app.patch(&path, &json!({ "assignee": "ada" })).await.is(200);
            let security = json!({ "action": "opened", "repository": "sendgrid/rest", "labels": [] });
            let number = app.told(security).await.number();
            let label = json!({ "action": "labeled", "repository": "sendgrid/rest", "number": number, "label": "type: security" });
            let _ = app.told(label).await;
            eventually("Ada has a mail and a text message", async || {
                let simulators = app.simulators();
                (simulators.taken("sendgrid").await.len() == 1 && simulators.taken("twilio").await.len() == 1)
                    .then_some(())
            })
            .await;
            let all = "/internal/feed?after=0&wants=github,team,backlog,ask_github,ask_web&limit=500";
            let feed = app.request_to("feed", Method::GET, all);
            let told = feed.token(SERVICE_TOKEN).await.is(200).text;
            assert!(
                told.contains("ask_web.message_members") && told.contains("team.member_joined"),
                "{told}"
            );
            for canary in ["Ada Canary", "canary@private.example", "+15550001234"] {
                assert!(!told.contains(canary), "{canary} travels in a message");
            }
        },
    );
}
