//! Imports from GitHub, on good days and bad ones.

use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::{Answer, App, becomes, eventually, scenario::scenarios};

scenarios![
    imported:
    an_unknown_import_is_not_found;
    an_import_killed_in_the_middle_goes_on_to_the_same_rows,
    an_import_waits_out_the_rate_limit,
    an_import_brings_every_item_once,
    a_second_import_changes_nothing,
    eight_imports_at_once_are_one,
    an_import_interrupted_in_the_middle_goes_on_at_once,
    an_import_brings_what_a_power_cut_lost,
    an_import_closes_what_is_gone_and_takes_back_what_was_deleted,
    a_list_that_was_not_read_to_its_end_closes_nothing,
    what_is_told_while_an_import_reads_is_not_gone,
    an_import_finds_who_waits_and_since_when,
    an_import_survives_broken_answers,
    a_failure_beside_an_item_does_not_ask_for_its_page_again,
    a_page_that_is_too_much_for_github_is_made_smaller,
    every_label_is_read_however_many_there_are,
    a_field_that_github_does_not_show_costs_that_field,
    an_import_that_github_refuses_fails_and_says_why
];

/// Everything that an import writes, as a client sees it.
/// All items, and the open tasks, once these show their items as they are. A list may have a task of before a change and its item of
/// after it, so they are read twice.
async fn everything(app: &App) -> (Vec<Value>, Vec<Value>) {
    let tasks = async || app.all("/api/tasks?limit=100&sort=age").await;
    eventually("the tasks show their items as they are", async || {
        let (items, first, second) = (app.all("/api/items?limit=100").await, tasks().await, tasks().await);
        let agree = first == second && second.iter().all(|task| items.contains(&task["item"]));
        agree.then_some((items, second))
    })
    .await
}

async fn an_import_brings_every_item_once(app: &App) {
    let import = app.import().await;
    let world = app.simulators().get("/control/github").await.is(200);
    let count = |field: &str| -> i64 {
        let repositories = world["repositories"].as_array().expect("the simulator lists repositories");
        repositories.iter().filter_map(|repository| repository[field].as_i64()).sum()
    };
    assert_eq!((&import["repositories_done"], &import["repositories_total"]), (&json!(2), &json!(2)));
    assert_eq!(import["items_seen"], count("items"));
    assert!(import["finished_at"].is_string() && import["error"].is_null(), "{import}");

    let (items, tasks) = everything(app).await;
    assert_eq!(items.len() as i64, count("items"));
    assert_eq!(tasks.len() as i64, count("open"), "one task for each open item");
    let open = items.iter().filter(|item| item["state"] == "open");
    let open: HashSet<_> = open.map(|item| item["key"].to_string()).collect();
    let about: HashSet<_> = tasks.iter().map(|task| task["item"]["key"].to_string()).collect();
    assert_eq!(about, open);
}

async fn a_second_import_changes_nothing(app: &App) {
    let _ = app.import().await;
    let before = everything(app).await;
    let _ = app.import().await;
    assert_eq!(everything(app).await, before);
    let versions: HashSet<_> = before.1.iter().map(|task| task["version"].to_string()).collect();
    assert_eq!(versions, HashSet::from(["1".to_owned()]), "a task was written twice");
}

async fn eight_imports_at_once_are_one(app: &App) {
    // The first must not be over before the last has been asked for, on however slow a machine.
    let slow = json!({ "service": "github", "kind": "delay", "delay_ms": 2_000 });
    let _ = app.simulators().fault(&slow).await.is(201);
    let starts = (0..8).map(|_| async { app.post("/api/imports", &json!({})).await.is(202) });
    let answers = futures::future::join_all(starts).await;
    let ids: HashSet<_> = answers.iter().map(|answer| answer["id"].to_string()).collect();
    assert_eq!(ids.len(), 1, "eight requests started {} imports", ids.len());
    let first = &answers[0];
    let location = first.header("location").expect("an import has a place").to_owned();
    assert_eq!(location, format!("/api/imports/{}", first["id"].as_str().unwrap_or_default()));
    let _ = app.imported(first["id"].as_str().unwrap_or_default()).await;
    let (items, _) = everything(app).await;
    let keys: HashSet<_> = items.iter().map(|item| item["key"].to_string()).collect();
    assert_eq!(keys.len(), items.len());
}

/// Starts an import that cannot go on after the first page of a list that has two; its id, and how far it is.
async fn stalled(app: &App) -> (String, Answer) {
    for _ in 0..60 {
        let _ = app.happens(json!({ "action": "opened", "repository": "sendgrid/rest" })).await;
    }
    // GitHub does not answer for second pages.
    let stall = json!({
        "service": "github", "kind": "delay", "delay_ms": 60_000, "contains": "\"after\":\"", "times": null
    });
    let _ = app.simulators().fault(&stall).await.is(201);
    let started = app.post("/api/imports", &json!({})).await.is(202);
    let id = started["id"].as_str().expect("an import has an id").to_owned();
    let moved = eventually("nothing but second pages is left to read", async || {
        let first = async |kind: &str| {
            app.all(&format!("/api/items?limit=100&repository=sendgrid/rest&kind={kind}")).await.len()
        };
        // The four lists are read at once: none may have a page on its way when the process is stopped.
        if first("issue").await < 50 || first("pull_request").await == 0 {
            return None;
        }
        let import = app.get(&format!("/api/imports/{id}")).await.is(200);
        (import["repositories_done"] == 1).then_some(import)
    })
    .await;
    assert_eq!(moved["status"], "running", "over before it could be stopped: {moved}");
    app.is_followed().await;
    (id, moved)
}

async fn an_import_killed_in_the_middle_goes_on_to_the_same_rows(app: &App) {
    let (id, moved) = stalled(app).await;
    app.power_cut();
    let cut = app.get(&format!("/api/imports/{id}")).await.is(200);
    assert!(cut["items_seen"].as_i64() >= moved["items_seen"].as_i64(), "the power cut lost a page: {cut}");
    let _ = app.simulators().heal().await;
    let done = app.imported(&id).await;
    let after = everything(app).await;
    assert_eq!(done["items_seen"], after.0.len(), "a page was counted twice or never");
    let _ = app.import().await;
    assert_eq!(everything(app).await, after, "an import that was never killed ends with other rows");
}

async fn an_import_interrupted_in_the_middle_goes_on_at_once(app: &App) {
    let (id, stopped) = stalled(app).await;
    app.stop();
    let _ = app.simulators().heal().await;
    app.start_again();
    let back = Instant::now();
    let went_on = eventually("the import goes on", async || {
        let import = app.get(&format!("/api/imports/{id}")).await.is(200);
        (import["items_seen"].as_i64() > stopped["items_seen"].as_i64()).then_some(import)
    })
    .await;
    // Its lease would have lasted for four to six seconds more.
    let late = back.elapsed();
    assert!(
        late < Duration::from_millis(3_500),
        "the lease was waited out, not given back: {late:?}, {went_on}"
    );
    let _ = app.imported(&id).await;
}

async fn an_import_finds_who_waits_and_since_when(app: &App) {
    let simulators = app.simulators();
    let world = simulators.get("/control/github").await.is(200);
    let team: HashSet<&str> =
        world["maintainers"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let maintainer = *team.iter().min().expect("the generated repositories have maintainers");
    for login in &team {
        let _ = app.member(login).await;
    }
    // Whatever the seed gives, these are there: the word that decides is said after more than a page of others,
    // in a review, or by a bot.
    let says = async |number: i64, action: &str, author: &str| {
        let event =
            json!({ "repository": "sendgrid/rest", "number": number, "action": action, "author": author });
        let _ = app.happens(event).await;
    };
    let opens = async |kind: &str, author: &str| {
        let event =
            json!({ "repository": "sendgrid/rest", "action": "opened", "kind": kind, "author": author });
        app.happens(event).await.number()
    };
    let long = opens("issue", "asker").await;
    for _ in 0..50 {
        says(long, "commented", "asker").await;
    }
    says(long, "commented", maintainer).await;
    says(long, "commented", "asker").await;
    let reviewed = opens("pull_request", "asker").await;
    says(reviewed, "reviewed", maintainer).await;
    let bumped = opens("pull_request", "dependabot[bot]").await;
    says(bumped, "commented", "codecov[bot]").await;

    let _ = app.import().await;
    let mut compared = 0;
    for repository in world["repositories"].as_array().into_iter().flatten() {
        let name = repository["name"].as_str().expect("a repository has a name");
        let timeline = simulators.get(&format!("/control/github/timeline?repository={name}")).await.is(200);
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let mut expected: Vec<_> = timeline
            .items()
            .iter()
            .map(|told| {
                let (waiting, since) = waits(told, &team).unzip();
                (told["number"].as_i64(), waiting.map(str::to_owned), since.map(str::to_owned))
            })
            .collect();
        expected.sort_unstable();
        compared += expected.len();
        // Who is in the team is a consequence elsewhere: it may be known a moment later than the items.
        becomes(expected, async || {
            let items = app.all(&format!("/api/items?limit=100&repository={name}")).await;
            let found = |item: &Value| {
                (item["number"].as_i64(), text(&item["waiting"]), text(&item["waiting_since"]))
            };
            let mut found: Vec<_> = items.iter().map(found).collect();
            found.sort_unstable();
            found
        })
        .await;
    }
    assert!(compared > 80, "{compared} items prove nothing");
}

/// What the community waits for, and since when: the definition of `waiting`, item by item and without SQL.
fn waits<'a>(item: &'a Value, team: &HashSet<&str>) -> Option<(&'static str, &'a str)> {
    let words = || item["entries"].as_array().into_iter().flatten();
    let of_team = |word: &&Value| word["actor"].as_str().is_some_and(|login| team.contains(login));
    // RFC 3339 in UTC and whole seconds: as texts they compare like the times that they are.
    let at = |word: &'a Value| word["at"].as_str().expect("a word has a time");
    let answered = words().filter(of_team).map(at).max();
    let since = words()
        .filter(|word| !of_team(word) && word["bot"] == false)
        .map(at)
        .filter(|at| answered.is_none_or(|answered| *at > answered))
        .min()
        .filter(|_| item["state"] == "open")?;
    Some((if answered.is_some() { "response" } else { "contact" }, since))
}

async fn an_import_waits_out_the_rate_limit(app: &App) {
    let limit = json!({ "service": "github", "kind": "rate_limit", "reset_after_seconds": 3, "times": null });
    let _ = app.simulators().fault(&limit).await.is(201);
    let started = app.post("/api/imports", &json!({})).await.is(202);
    let place = format!("/api/imports/{}", started["id"].as_str().unwrap_or_default());
    let waiting = eventually("the import says what it waits for", async || {
        let import = app.get(&place).await.is(200);
        import["error"].is_string().then_some(import)
    })
    .await;
    assert_eq!(waiting["status"], "running");
    let done = app.imported(started["id"].as_str().unwrap_or_default()).await;
    assert!(done["error"].is_null(), "{done}");
    let calls = app.simulators().get("/control/calls?service=github").await.is(200);
    let calls = calls["calls"].as_array().map(Vec::as_slice).unwrap_or_default();
    let limited = calls.iter().filter(|call| call["status"] == 403 || call["fault"] == "rate_limit").count();
    assert!(
        (1..=8).contains(&limited),
        "asked {limited} times against the limit; four lists may each have one call under way"
    );
}

async fn an_import_survives_broken_answers(app: &App) {
    let faults = [
        json!({ "service": "github", "kind": "status", "status": 502, "times": 2 }),
        json!({ "service": "github", "kind": "cut", "times": 2 }),
        json!({ "service": "github", "kind": "malformed", "times": 2 }),
        json!({ "service": "github", "kind": "timeout", "times": 2 }),
        json!({ "service": "github", "kind": "secondary_limit", "status": 200, "reset_after_seconds": 1 }),
        json!({ "service": "github", "kind": "secondary_limit", "status": 403, "reset_after_seconds": 1 }),
        json!({ "service": "github", "kind": "secondary_limit", "status": 429, "reset_after_seconds": 1 }),
    ];
    for fault in &faults {
        let _ = app.simulators().fault(fault).await.is(201);
    }
    let import = app.import().await;
    let (items, _) = everything(app).await;
    assert_eq!(import["items_seen"], items.len());
    let left = app.simulators().get("/control/faults").await.is(200);
    assert_eq!(left["faults"], json!([]), "a fault that never happened proves nothing");
}

async fn a_failure_beside_an_item_does_not_ask_for_its_page_again(app: &App) {
    let nested = json!({
        "service": "github", "kind": "status", "status": 502, "contains": "\"moreComments\":true", "times": 2
    });
    let _ = app.simulators().fault(&nested).await.is(201);
    let _ = app.import().await;
    let calls = app.simulators().get("/control/calls?service=github").await.is(200);
    let calls = calls["calls"].as_array().map(Vec::as_slice).unwrap_or_default();
    assert_eq!(calls.iter().filter(|call| call["fault"] == "status").count(), 2);
    let asked = |wanted: &str| -> Vec<String> {
        let asked = calls.iter().filter(|call| call["fields"]["variables"][wanted] != Value::Null);
        asked.map(|call| call["fields"]["variables"].to_string()).collect()
    };
    let pages = asked("name");
    assert!(!pages.is_empty());
    assert_eq!(pages.iter().collect::<HashSet<_>>().len(), pages.len(), "a page was asked for twice");
}

async fn an_import_that_github_refuses_fails_and_says_why(app: &App) {
    let _ = app
        .simulators()
        .fault(&json!({ "service": "github", "kind": "status", "status": 401, "times": null }))
        .await;
    let started = app.post("/api/imports", &json!({})).await.is(202);
    let place = format!("/api/imports/{}", started["id"].as_str().unwrap_or_default());
    let failed = eventually("the import fails", async || {
        let import = app.get(&place).await.is(200);
        (import["status"] == "failed").then_some(import)
    })
    .await;
    let error = failed["error"].as_str().unwrap_or_default();
    assert!(error.contains("401") && error.contains("sendgrid/rest"), "{failed}");
    // It is over: the next one is another one, and works.
    let _ = app.simulators().heal().await;
    assert_ne!(app.import().await["id"], started["id"]);
}

async fn an_unknown_import_is_not_found(app: &App) {
    for id in ["00000000-0000-0000-0000-000000000000", "x"] {
        let _ = app.get(&format!("/api/imports/{id}")).await.is(404);
    }
}

/// The calls that GitHub was sent, oldest first.
async fn calls(app: &App) -> Vec<Value> {
    let calls = app.simulators().get("/control/calls?service=github").await.is(200);
    calls["calls"].as_array().cloned().unwrap_or_default()
}

/// Something happens to an item of `sendgrid/rest`, and nobody is told; its number.
async fn untold(app: &App, event: Value) -> i64 {
    let mut whole = json!({ "repository": "sendgrid/rest" });
    if let (Some(whole), Some(event)) = (whole.as_object_mut(), event.as_object()) {
        whole.extend(event.clone());
    }
    app.happens(whole).await.number()
}

async fn an_import_brings_what_a_power_cut_lost(app: &App) {
    // Whatever of it was on its way from one part of the system to another is lost with the parts.
    for _ in 0..20 {
        let _ = app.told(json!({ "repository": "sendgrid/rest", "action": "opened" })).await;
    }
    app.power_cut();
    let _ = app.import().await;
    let open = async || {
        let items = app.all("/api/items?limit=100&state=open").await;
        items.iter().map(|item| item["key"].to_string()).collect::<HashSet<_>>()
    };
    let expected = open().await;
    becomes(expected, async || {
        let tasks = app.all("/api/tasks?limit=100").await;
        tasks.iter().map(|task| task["item"]["key"].to_string()).collect()
    })
    .await;
}

async fn an_import_closes_what_is_gone_and_takes_back_what_was_deleted(app: &App) {
    let _ = app.member("maintainer").await;
    let opened = json!({ "action": "opened", "author": "asker" });
    let (deleted, transferred, stays) =
        (untold(app, opened.clone()).await, untold(app, opened.clone()).await, untold(app, opened).await);
    let answered = untold(app, json!({ "action": "opened", "author": "maintainer" })).await;
    let _ = untold(app, json!({ "action": "commented", "number": answered, "author": "asker" })).await;
    let _ = app.import().await;
    let waiting = async |number: i64| app.item("sendgrid/rest", number).await["waiting"].clone();
    becomes(json!("response"), async || waiting(answered).await).await;
    let task = app.task(&format!("sendgrid/rest#{deleted}")).await;

    for (action, number) in
        [("deleted", deleted), ("transferred", transferred), ("comment_deleted", answered)]
    {
        let _ = untold(app, json!({ "action": action, "number": number })).await;
    }
    let _ = app.import().await;
    for number in [deleted, transferred] {
        let gone = app.item("sendgrid/rest", number).await;
        assert_eq!((&gone["state"], &gone["waiting"]), (&json!("closed"), &Value::Null), "{gone}");
        assert!(gone["closed_at"].is_string(), "{gone}");
        app.no_task(&format!("sendgrid/rest#{number}")).await;
    }
    let done = app.get(&format!("/api/tasks/{}", task["id"].as_str().unwrap_or_default())).await.is(200);
    assert_eq!(done["status"], "done");
    assert_eq!(waiting(answered).await, Value::Null, "a comment that is gone waits for an answer");
    assert_eq!(app.item("sendgrid/rest", stays).await["state"], "open");
    // The world of the simulator stands still in 2019: what was closed since, nobody has closed.
    let measures = app.get("/api/measures?from=2020-01-01").await.is(200);
    let groups = measures["groups"].as_array().cloned().unwrap_or_default();
    let closed: i64 = groups.iter().filter_map(|group| group["time_to_close"]["count"].as_i64()).sum();
    assert_eq!((groups.is_empty(), closed), (false, 0), "what is gone counts as closed by somebody");

    let before = everything(app).await;
    let _ = app.import().await;
    assert_eq!(everything(app).await, before, "what is gone is gone once");

    // It was hidden, and is shown again, unchanged.
    let _ = untold(app, json!({ "action": "opened", "number": deleted, "author": "asker" })).await;
    let _ = app.import().await;
    let again = app.item("sendgrid/rest", deleted).await;
    assert_eq!((&again["state"], &again["closed_at"]), (&json!("open"), &Value::Null), "{again}");
    let _ = app.task(&format!("sendgrid/rest#{deleted}")).await;
}

async fn a_list_that_was_not_read_to_its_end_closes_nothing(app: &App) {
    let gone = untold(app, json!({ "action": "opened" })).await;
    let _ = app.import().await;
    for _ in 0..60 {
        let _ = untold(app, json!({ "action": "opened" })).await;
    }
    let _ = untold(app, json!({ "action": "deleted", "number": gone })).await;
    let refused = json!({
        "service": "github", "kind": "status", "status": 401, "contains": "\"after\":\"", "times": null
    });
    let _ = app.simulators().fault(&refused).await.is(201);
    let started = app.post("/api/imports", &json!({})).await.is(202);
    let place = format!("/api/imports/{}", started["id"].as_str().unwrap_or_default());
    let ended = async || app.get(&place).await.is(200)["status"].clone();
    becomes(json!("failed"), ended).await;
    assert_eq!(app.item("sendgrid/rest", gone).await["state"], "open");
    let _ = app.simulators().heal().await;
    let _ = app.import().await;
    assert_eq!(app.item("sendgrid/rest", gone).await["state"], "closed");
}

async fn what_is_told_while_an_import_reads_is_not_gone(app: &App) {
    let _ = app.import().await;
    let _ = app.member("maintainer").await;
    let old = untold(app, json!({ "action": "opened", "author": "maintainer" })).await;
    let _ = app.import().await;
    // GitHub answers at once, and its answers are long on their way.
    let slow =
        json!({ "service": "github", "kind": "delay", "delay_ms": 3_000, "after": true, "times": null });
    let _ = app.simulators().fault(&slow).await.is(201);
    let started = app.post("/api/imports", &json!({})).await.is(202);
    let id = started["id"].as_str().unwrap_or_default().to_owned();
    eventually("four lists are asked for", async || {
        let under_way = calls(app).await.iter().filter(|call| call["status"].is_null()).count();
        (under_way == 4).then_some(())
    })
    .await;
    let new = app.told(json!({ "action": "opened", "repository": "sendgrid/rest" })).await.number();
    let comment =
        json!({ "action": "commented", "repository": "sendgrid/rest", "number": old, "author": "asker" });
    let _ = app.told(comment).await;
    let _ = app.simulators().heal().await;
    let _ = app.imported(&id).await;
    assert_eq!(app.item("sendgrid/rest", new).await["state"], "open");
    assert_eq!(app.item("sendgrid/rest", old).await["waiting"], "response", "the comment was taken back");
    let _ = app.task(&format!("sendgrid/rest#{new}")).await;
}

async fn a_page_that_is_too_much_for_github_is_made_smaller(app: &App) {
    for _ in 0..60 {
        let _ = untold(app, json!({ "action": "opened" })).await;
    }
    for status in [Value::Null, json!(502)] {
        let heavy =
            json!({ "service": "github", "kind": "heavy", "items": 20, "status": status, "times": null });
        let _ = app.simulators().fault(&heavy).await.is(201);
        let calls_before = calls(app).await.len();
        let import = app.import().await;
        assert!(import["error"].is_null(), "{import}");
        let _ = app.simulators().heal().await;
        let calls = calls(app).await;
        let variables = calls[calls_before..].iter().map(|call| &call["fields"]["variables"]);
        let lists = variables.filter(|asked| asked["name"] == "rest" && asked["issues"] == true);
        let sizes: Vec<i64> = lists.filter_map(|asked| asked["first"].as_i64()).collect();
        let too_many = sizes.iter().filter(|size| **size > 20).count();
        assert!((1..=3).contains(&too_many), "asked {too_many} times for what is too much: {sizes:?}");
        assert!(sizes.is_sorted_by(|a, b| a >= b), "once smaller, it stays smaller: {sizes:?}");
    }
    let world = app.simulators().get("/control/github").await.is(200);
    let repositories = world["repositories"].as_array().into_iter().flatten();
    let items: i64 = repositories.filter_map(|repository| repository["items"].as_i64()).sum();
    assert_eq!(app.all("/api/items?limit=100").await.len() as i64, items);
}

async fn every_label_is_read_however_many_there_are(app: &App) {
    let labels: Vec<String> = (0..70).map(|n| format!("area: {n}")).chain(["type: bug".to_owned()]).collect();
    let number = untold(app, json!({ "action": "opened", "labels": labels })).await;
    let _ = app.import().await;
    let item = app.item("sendgrid/rest", number).await;
    assert_eq!((&item["labels"], &item["category"]), (&json!(labels), &json!("bug")));
}

async fn a_field_that_github_does_not_show_costs_that_field(app: &App) {
    let opened = |title: &str| json!({ "action": "opened", "title": title, "author": "asker", "labels": ["type: bug"] });
    let (labels, comments) = (untold(app, opened("labels")).await, untold(app, opened("comments")).await);
    let new = untold(app, opened("new")).await;
    let _ = app.import().await;
    for number in [labels, comments] {
        let _ = untold(app, json!({ "action": "edited", "number": number, "title": "edited" })).await;
    }
    let gone = untold(app, json!({ "action": "deleted", "number": new })).await;
    let forbidden = json!({ "service": "github", "kind": "forbidden", "field": "labels", "number": labels, "times": null });
    let _ = app.simulators().fault(&forbidden).await.is(201);
    assert!(app.import().await["error"].is_null());
    let item = app.item("sendgrid/rest", labels).await;
    assert_eq!((&item["title"], &item["labels"]), (&json!("edited"), &json!(["type: bug"])));
    assert_eq!(app.item("sendgrid/rest", gone).await["state"], "closed");

    // Comments are part of an item for GitHub: without them it does not show the item, and nobody knows what else it hides.
    let _ = app.simulators().heal().await;
    let hidden = untold(app, opened("hidden")).await;
    let gone = untold(app, opened("gone")).await;
    let _ = app.import().await;
    let _ = untold(app, json!({ "action": "deleted", "number": gone })).await;
    let forbidden = json!({ "service": "github", "kind": "forbidden", "field": "comments", "number": hidden, "times": null });
    let _ = app.simulators().fault(&forbidden).await.is(201);
    assert!(app.import().await["error"].is_null());
    for number in [hidden, gone] {
        assert_eq!(app.item("sendgrid/rest", number).await["state"], "open", "#{number}");
    }
    let _ = app.simulators().heal().await;
    let _ = app.import().await;
    assert_eq!(app.item("sendgrid/rest", hidden).await["state"], "open");
    assert_eq!(app.item("sendgrid/rest", gone).await["state"], "closed");
}
