//! How long the community waits, and who of it contributes.

use serde_json::{Value, json};

use crate::{Answer, App, becomes, scenario::scenarios};

scenarios![
    imported:
    the_groups_of_a_measure_add_up,
    an_hour_has_two_decimals;
    waits_are_measured_from_the_community_to_the_team,
    a_wait_counts_in_the_period_in_which_it_ended,
    what_was_deleted_or_transferred_is_not_measured,
    merged_pull_requests_make_leaders
];

const REST: &str = "sendgrid/rest";

/// Something happens to item `number` on a day of July 2019 at an hour, and Automator is told.
async fn says(app: &App, number: i64, action: &str, author: &str, at: &str) {
    let event = json!({
        "action": action, "repository": REST, "number": number, "author": author, "at": format!("2019-07-{at}:00:00Z")
    });
    let _ = app.told(event).await;
}

async fn opens(app: &App, author: &str, at: &str, labels: &[&str]) -> i64 {
    let event = json!({
        "action": "opened", "repository": REST, "kind": "pull_request", "author": author, "labels": labels,
        "at": format!("2019-07-{at}:00:00Z")
    });
    app.told(event).await.number()
}

/// The measures of the one repository in which anything happened.
async fn measured(app: &App, query: &str) -> Answer {
    app.get(&format!("/api/measures?{query}")).await.is(200)
}

fn group(answer: &Answer, key: &Value) -> Value {
    match found(answer, key) {
        Value::Null => panic!("no group {key} in {answer}"),
        group => group,
    }
}

/// The group of that key; `null` while there is none.
fn found(answer: &Answer, key: &Value) -> Value {
    let groups = answer["groups"].as_array().expect("measures have groups");
    groups.iter().find(|group| group["key"] == *key).cloned().unwrap_or_default()
}

async fn waits_are_measured_from_the_community_to_the_team(app: &App) {
    app.without_rules().await;
    let _ = app.member("maintainer").await;
    // Contact after 4 h (a bot and a passer-by are none), answers after 3 h and 2 h, closed after 10 h.
    let first = opens(app, "asker", "01T00", &["type: bug"]).await;
    for (action, author, at) in [
        ("commented", "helper[bot]", "01T00"),
        ("commented", "asker", "01T01"),
        ("commented", "passer-by", "01T02"),
        ("reviewed", "maintainer", "01T04"),
        ("closed", "maintainer", "01T10"),
        ("reopened", "asker", "01T11"),
        ("merged", "maintainer", "01T20"),
    ] {
        says(app, first, action, author, at).await;
    }
    // Opened by the team: no contact, no close, but a question on it is answered after 1 h.
    let second = opens(app, "maintainer", "02T00", &["type: bug"]).await;
    says(app, second, "commented", "asker", "02T05").await;
    says(app, second, "commented", "maintainer", "02T06").await;
    says(app, second, "closed", "maintainer", "02T07").await;
    // A duplicate: contacted after 2 h, and how soon it was closed says nothing.
    let third = opens(app, "asker", "03T00", &["type: bug", "status: duplicate"]).await;
    says(app, third, "closed", "maintainer", "03T02").await;
    // Nobody has answered this one.
    let _ = opens(app, "asker", "04T00", &[]).await;

    let waits = |count: i64, p50: f64, p90: f64, max: f64| json!({ "count": count, "p50": p50, "p90": p90, "max": max });
    let expected = [waits(2, 2.0, 4.0, 4.0), waits(3, 2.0, 3.0, 3.0), waits(1, 10.0, 10.0, 10.0), json!(1)];
    becomes(expected, async || {
        let rest = found(&measured(app, "group=repository").await, &json!(REST));
        let of = |measure: &str| rest[measure].clone();
        let waiting = rest["waiting_now"]["count"].clone();
        [of("time_to_contact"), of("time_to_respond"), of("time_to_close"), waiting]
    })
    .await;
    let rest = group(&measured(app, "group=repository").await, &json!(REST));
    assert!(rest["waiting_now"]["max"].as_f64() > Some(1_000.0), "since July 2019: {rest}");

    let by_category = measured(app, "group=category").await;
    assert_eq!(group(&by_category, &json!("bug"))["time_to_contact"], waits(2, 2.0, 4.0, 4.0));
    assert_eq!(group(&by_category, &Value::Null)["waiting_now"]["count"], 1);
    let by_language = measured(app, "group=language").await;
    assert_eq!(group(&by_language, &json!("go"))["time_to_close"], waits(1, 10.0, 10.0, 10.0));

    // Whoever leaves the team was never a maintainer: nothing of theirs counts as an answer any more.
    let _ = app.patch("/api/team/maintainer", &json!({ "active": false })).await.is(200);
    becomes([json!(0), json!(0), Value::Null], async || {
        let rest = group(&measured(app, "").await, &json!(REST));
        let contact = &rest["time_to_contact"];
        [contact["count"].clone(), rest["time_to_respond"]["count"].clone(), contact["p50"].clone()]
    })
    .await;
}

async fn a_wait_counts_in_the_period_in_which_it_ended(app: &App) {
    app.without_rules().await;
    let _ = app.member("maintainer").await;
    let number = opens(app, "asker", "05T12", &[]).await;
    says(app, number, "commented", "maintainer", "07T00").await;
    let count = async |query: &str| {
        let answer = measured(app, query).await;
        found(&answer, &json!(REST))["time_to_contact"]["count"].as_i64()
    };
    // Midnight belongs to the day that begins.
    becomes(Some(1), async || count("from=2019-07-07&to=2019-07-08").await).await;
    assert_eq!(count("from=2019-07-05&to=2019-07-07").await, Some(0));
    assert_eq!(count("to=2019-07-08").await, Some(1));
    assert_eq!(count("from=2019-07-08").await, Some(0));
    for (query, field) in [
        ("from=2019-07-08&to=2019-07-07", "from"),
        ("from=yesterday", "from"),
        ("from=2019-07-07T12:00:00Z", "from"),
        ("to=20190707", "to"),
        ("group=author", "group"),
        ("until=2019-07-07", "until"),
    ] {
        assert_eq!(app.get(&format!("/api/measures?{query}")).await.is(422).fields(), [field], "{query}");
    }
}

async fn what_was_deleted_or_transferred_is_not_measured(app: &App) {
    app.without_rules().await;
    let _ = app.member("maintainer").await;
    for (day, action) in [(10, "deleted"), (11, "transferred")] {
        let opened = json!({
            "action": "opened", "repository": REST, "kind": "issue", "author": "spammer", "at": format!("2019-07-{day}T00:00:00Z")
        });
        let opened = app.told(opened).await;
        // Closed first, as people do; the second is not.
        if action == "deleted" {
            says(app, opened.number(), "closed", "maintainer", &format!("{day}T01")).await;
        }
        let mut payload = opened.payload();
        payload["action"] = json!(action);
        payload["sender"] = json!({ "login": "maintainer", "type": "User" });
        payload["issue"]["updated_at"] = json!(format!("2019-07-{day}T02:00:00Z"));
        let _ = app.webhook("issues", &payload).await.is(202);
    }
    // One that counts, so that there is a group, and all before it have arrived.
    let counts = opens(app, "asker", "12T00", &[]).await;
    says(app, counts, "closed", "maintainer", "12T05").await;
    let only = json!({ "count": 1, "p50": 5.0, "p90": 5.0, "max": 5.0 });
    becomes([only.clone(), only], async || {
        let rest = found(&measured(app, "").await, &json!(REST));
        ["time_to_contact", "time_to_close"].map(|measure| rest[measure].clone())
    })
    .await;
}

async fn the_groups_of_a_measure_add_up(app: &App) {
    let sums = |answer: &Answer| {
        let groups = answer["groups"].as_array().cloned().unwrap_or_default();
        ["time_to_contact", "time_to_respond", "time_to_close", "waiting_now"]
            .map(|measure| groups.iter().filter_map(|group| group[measure]["count"].as_i64()).sum::<i64>())
    };
    let by_repository = sums(&measured(app, "group=repository").await);
    assert_eq!(sums(&measured(app, "group=language").await), by_repository);
    assert_eq!(sums(&measured(app, "group=category").await), by_repository);
    let waiting = app.all("/api/items?limit=100&waiting=any").await.len();
    assert_eq!(usize::try_from(by_repository[3]).ok(), Some(waiting));
    assert!(by_repository[2] > 0, "nothing was closed: {by_repository:?}");
}

async fn an_hour_has_two_decimals(app: &App) {
    let measures = measured(app, "group=repository").await;
    let groups = measures["groups"].as_array().cloned().unwrap_or_default();
    let waits = groups.iter().flat_map(|group| [&group["time_to_close"], &group["waiting_now"]]);
    let hours: Vec<f64> =
        waits.flat_map(|waits| ["p50", "p90", "max"].map(|of| waits[of].as_f64())).flatten().collect();
    assert!(hours.len() > 3 && hours.iter().any(|hours| hours.fract() != 0.0), "too few to tell: {measures}");
    for hours in hours {
        assert_eq!(hours, (hours * 100.0).round() / 100.0, "{measures}");
    }
}

async fn merged_pull_requests_make_leaders(app: &App) {
    app.without_rules().await;
    let _ = app.member("maintainer").await;
    let merges = [
        ("Giver", &["difficulty: very hard"][..], &["reader", "other", "reader", "maintainer", "giver"][..]),
        ("giver", &["difficulty: hard"], &[]),
        ("other", &["difficulty: medium"], &["reader"]),
        ("third", &["difficulty: easy"], &[]),
        ("third", &[], &[]),
        ("maintainer", &["difficulty: hard"], &["reader"]),
        ("dependabot[bot]", &["difficulty: hard"], &[]),
    ];
    for (day, (author, labels, reviewers)) in merges.iter().enumerate() {
        let number = opens(app, author, &format!("{:02}T00", day + 1), labels).await;
        for (hour, reviewer) in reviewers.iter().enumerate() {
            says(app, number, "reviewed", reviewer, &format!("{:02}T{:02}", day + 1, hour + 1)).await;
        }
        says(app, number, "merged", "maintainer", &format!("{:02}T20", day + 1)).await;
    }
    // Closed without a merge: worth nothing.
    let closed = opens(app, "fourth", "20T00", &["difficulty: hard"]).await;
    says(app, closed, "closed", "maintainer", "20T01").await;

    let leader = |place: i64, login: &str, points: f64, merged: i64, reviewed: i64| json!({ "place": place, "login": login, "points": points, "merged": merged, "reviewed": reviewed });
    // reader: half of 15, of 3 and of 7; other: 3 and half of 15; third: 1 and 1.
    let expected = json!([
        leader(1, "giver", 22.0, 2, 0),
        leader(2, "reader", 12.5, 0, 3),
        leader(3, "other", 10.5, 1, 1),
        leader(4, "third", 2.0, 2, 0),
    ]);
    becomes(expected, async || app.get("/api/leaderboard?year=2019").await.is(200)["leaders"].clone()).await;
    assert_eq!(app.get("/api/leaderboard?year=2018").await.is(200)["leaders"], json!([]));
    for (query, field) in [("", "year"), ("year=x", "year"), ("year=1999", "year"), ("year=9999", "year")] {
        assert_eq!(app.get(&format!("/api/leaderboard?{query}")).await.is(422).fields(), [field], "{query}");
    }
}
