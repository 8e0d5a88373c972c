//! Pages for people, over HTTP.

use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    Answer, App, TOKEN, Visitor, becomes, eventually,
    scenario::scenarios,
    visitor::{address, hidden},
};

scenarios![
    imported:
    the_backlog_page_leads_to_the_next,
    the_filter_form_keeps_its_values,
    a_task_page_has_the_facts_of_the_api,
    the_measures_page_has_the_numbers_of_the_api,
    a_period_or_year_that_does_not_fit_is_told_beside_its_field,
    a_problem_on_a_page_is_a_page,
    a_wrong_token_does_not_sign_in,
    a_session_is_a_cookie_that_no_script_and_no_other_site_reads,
    signing_in_leads_to_no_other_site,
    a_write_without_all_that_it_wants_changes_nothing;
    the_backlog_page_shows_tasks_by_rank,
    what_people_wrote_is_text_and_nothing_else,
    a_task_is_changed_on_its_page,
    a_form_that_changes_nothing_keeps_the_version_and_the_followed_factors,
    a_value_that_does_not_fit_comes_back_with_its_message,
    an_older_form_overwrites_nothing_and_is_told_so,
    the_history_tells_who_changed_what,
    the_team_page_adds_a_member_and_lets_them_leave_and_return
];

async fn the_backlog_page_shows_tasks_by_rank(app: &App) {
    let empty = app.get("/").await.is(200);
    assert!(empty.text.contains("Nothing here"), "{}", empty.text);
    let _ = app.import().await;
    let page = app.get("/").await.is(200);
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    let tasks = app.get("/api/tasks").await.is(200);
    let mut from = 0;
    for task in tasks.items() {
        let link = format!("href=\"/tasks/{}\"", text(&task["id"]));
        let key = text(&task["item"]["key"]);
        for part in [link, format!("{key} ")] {
            let place = page.text[from..].find(&part).unwrap_or_else(|| panic!("{key} is not in its place"));
            from += place;
        }
    }
    let filtered = app.get("/?kind=issue&status=").await.is(200);
    assert!(filtered.text.contains("· issue") && !filtered.text.contains("· pull request"));
    let _ = app.get("/?kind=x").await.is(422);
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("expected a text, not {value}"))
}

async fn the_backlog_page_leads_to_the_next(app: &App) {
    let first = app.get("/?limit=10&kind=issue").await.is(200);
    let link = first.text.split("rel=\"next\" href=\"").nth(1).and_then(|rest| rest.split('"').next());
    let link = address(link.expect("there is a next page"));
    let second = app.get(&link).await.is(200);
    let tasks = app.get("/api/tasks?limit=20&kind=issue").await.is(200);
    for (index, task) in tasks.items().iter().enumerate() {
        let key = format!("{} ", text(&task["item"]["key"]));
        assert_eq!(
            (first.text.contains(&key), second.text.contains(&key)),
            (index < 10, index >= 10),
            "{key}"
        );
    }
}

async fn the_filter_form_keeps_its_values(app: &App) {
    let page =
        app.get("/?status=intake&assignee=octocat&language=go&kind=issue&sort=age&limit=3").await.is(200);
    for value in ["intake", "octocat", "go", "issue", "age"] {
        assert!(page.text.contains(&format!("value=\"{value}\" selected")), "{value} is not kept");
    }
    assert_eq!(hidden(&page, "limit").as_deref(), Some("3"));
}

/// The task with that rank.
async fn ranked(app: &App, rank: usize) -> Value {
    let what = format!("a task has rank {rank}");
    let found = async || app.get("/api/tasks").await.is(200).items().get(rank - 1).cloned();
    eventually(&what, found).await
}

fn page_of(task: &Value) -> String {
    format!("/tasks/{}", text(&task["id"]))
}

async fn again(app: &App, task: &Value) -> Answer {
    app.get(&format!("/api{}", page_of(task))).await.is(200)
}

async fn a_task_page_has_the_facts_of_the_api(app: &App) {
    for rank in [1, 10, 50] {
        let task = ranked(app, rank).await;
        let page = app.get(&page_of(&task)).await.is(200);
        let item = &task["item"];
        let mut facts = vec![
            format!("{} on GitHub", text(&item["key"])),
            format!("href=\"{}\"", text(&item["url"])),
            format!("<dd>{}</dd>", text(&item["author"])),
            format!("{} comments", item["comments"]),
            format!("id=\"rank\">{rank}<"),
            format!("id=\"score-value\">{:.1}<", task["score"].as_f64().unwrap_or_default()),
        ];
        for factor in ["reach", "impact", "confidence", "effort"] {
            facts.push(format!(
                "{factor}</th><td class=\"number\">{}</td>",
                task["rice"][factor].as_f64().unwrap_or_default()
            ));
        }
        for label in item["labels"].as_array().into_iter().flatten() {
            facts.push(format!("<span class=\"label\">{}</span>", text(label)));
        }
        for fact in facts {
            assert!(page.text.contains(&fact), "{fact} is not on the page of {}", item["key"]);
        }
        assert!(!page.text.contains("method=\"post\""), "a form for somebody who has not signed in");
    }
}

async fn the_measures_page_has_the_numbers_of_the_api(app: &App) {
    for group in ["repository", "language", "category"] {
        let query = format!("group={group}&from=2018-06-01&to=2019-06-01");
        let measures = app.get(&format!("/api/measures?{query}")).await.is(200);
        let page = app.get(&format!("/measures?{query}")).await.is(200);
        for row in measures["groups"].as_array().expect("measures have groups") {
            let key = row["key"].as_str().unwrap_or("none");
            // What waits now grows while we ask.
            for kind in ["time_to_contact", "time_to_respond", "time_to_close"] {
                let waits = &row[kind];
                let Some(p50) = waits["p50"].as_f64() else { continue };
                let cell = |text: String| format!("<td class=\"number\">{text}</td>");
                let line = format!(
                    "<th scope=\"row\">{key}</th>{}{}",
                    cell(waits["count"].to_string()),
                    cell(format!("{p50:.1}"))
                );
                assert!(page.text.contains(&line), "{kind} of {key} is not in the table: {line}");
            }
        }
        assert!(page.text.contains("<svg class=\"chart\" role=\"img\""), "there is no chart");
        assert!(!page.text.contains("style="), "the policy lets no style attribute through");
    }
    let board = app.get("/api/leaderboard?year=2018").await.is(200);
    let page = app.get("/measures?year=2018").await.is(200);
    let leaders = board["leaders"].as_array().expect("a leaderboard has leaders");
    assert!(!leaders.is_empty(), "a year without merges proves nothing");
    for leader in leaders {
        let line =
            format!("<td class=\"number\">{}</td><td>{}</td>", leader["place"], text(&leader["login"]));
        assert!(page.text.contains(&line), "{leader} is not on the page");
    }
}

async fn a_period_or_year_that_does_not_fit_is_told_beside_its_field(app: &App) {
    for (query, typed, message) in [
        ("from=2019-02-01&to=2019-01-01", "2019-02-01", "must not be after"),
        ("from=yesterday", "yesterday", "must be a day"),
        ("year=1999", "1999", "must lie between"),
        ("year=x", "\"x\"", "must be a year"),
        ("group=planet", "group-says", "must be one of"),
    ] {
        let page = app.get(&format!("/measures?{query}")).await.is(422);
        assert!(page.text.contains(message) && page.text.contains(typed), "{query}: {}", page.text);
        assert!(page.text.contains("aria-invalid=\"true\""), "{query}");
    }
}

/// What a browser accepts.
const BROWSER: &str = "text/html,application/xhtml+xml,*/*;q=0.8";

async fn a_problem_on_a_page_is_a_page(app: &App) {
    let unknown = "/tasks/00000000-0000-0000-0000-000000000000";
    let cases = [
        (app.get("/nowhere").header("accept", BROWSER), 404),
        (app.get(unknown), 404),
        (app.get("/tasks/x"), 404),
        (app.get("/?kind=x"), 422),
        (app.get("/?cursor=x"), 422),
        (app.request(Method::DELETE, "/team").header("accept", BROWSER), 405),
        (app.visitor().form("/team", &[("active", "true")]), 403),
        (app.visitor().form("/team", &[("name", &"x".repeat(20_000))]), 413),
    ];
    for (request, status) in cases {
        let page = request.await.is(status);
        assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"), "{page}");
        assert!(page.text.contains("To the backlog"), "{page}");
        let policy = page.header("content-security-policy").unwrap_or_default();
        assert!(policy.starts_with("default-src 'none'"), "{policy}");
    }
    let api = ["/api/nowhere", "/api/tasks/x", "/api/tasks?kind=x"]
        .map(|path| app.get(path).header("accept", BROWSER));
    for request in api.into_iter().chain([app.get("/nowhere")]) {
        let answer = request.await;
        assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{answer}");
    }
}

async fn a_wrong_token_does_not_sign_in(app: &App) {
    let short = &TOKEN[..TOKEN.len() - 1];
    for wrong in ["", "wrong", short, &format!("{TOKEN}x")] {
        let page = app.visitor().form("/sign-in", &[("token", wrong), ("return_to", "/team")]).await.is(401);
        assert!(page.text.contains("That is not the token."), "{page}");
        assert!(page.header("set-cookie").is_none() && !page.text.contains(TOKEN), "{page}");
        assert_eq!(hidden(&page, "return_to").as_deref(), Some("/team"));
    }
    let form = [("token", TOKEN)];
    let foreign =
        app.visitor().form("/sign-in", &form).header("origin", "https://evil.example").await.is(403);
    assert!(foreign.header("set-cookie").is_none(), "{foreign}");
}

async fn a_session_is_a_cookie_that_no_script_and_no_other_site_reads(app: &App) {
    let sign_in = || app.visitor().form("/sign-in", &[("token", TOKEN)]);
    let cookie = |answer: &Answer| answer.header("set-cookie").unwrap_or_default().to_owned();
    let plain = cookie(&sign_in().await.is(303));
    for part in ["HttpOnly", "SameSite=Strict", "Path=/", "Max-Age=43200"] {
        assert!(plain.split("; ").any(|found| found == part), "{part} is not in {plain}");
    }
    assert!(!plain.contains(TOKEN) && !plain.contains("Secure"), "{plain}");
    let https = cookie(&sign_in().header("x-forwarded-proto", "https").await.is(303));
    assert!(https.split("; ").any(|part| part == "Secure"), "{https}");

    let visitor = app.signed_in().await;
    let csrf = visitor.csrf("/team").await;
    assert_eq!(visitor.get("/team").await.header("cache-control"), Some("no-store"));
    let _ = visitor.form("/sign-out", &[]).await.is(403);
    let out = visitor.form("/sign-out", &[("csrf", &csrf)]).await.is(303);
    assert!(cookie(&out).contains("Max-Age=0"), "{out}");
    // Whoever kept the cookie has nothing of it.
    let _ = visitor.form("/sign-out", &[("csrf", &csrf)]).await.is(403);
}

async fn signing_in_leads_to_no_other_site(app: &App) {
    let sign_in = async |return_to: &str| {
        let answer =
            app.visitor().form("/sign-in", &[("token", TOKEN), ("return_to", return_to)]).await.is(303);
        answer.header("location").unwrap_or_default().to_owned()
    };
    assert_eq!(sign_in("/tasks/1?a=b").await, "/tasks/1?a=b");
    for foreign in
        ["https://evil.example", "//evil.example", "/\\evil.example", "/\t/evil.example", "evil", ""]
    {
        assert_eq!(sign_in(foreign).await, "/", "{foreign:?}");
        let asked: String = form_urlencoded::byte_serialize(foreign.as_bytes()).collect();
        let page = app.get(&format!("/sign-in?return_to={asked}")).await.is(200);
        assert_eq!(hidden(&page, "return_to").as_deref(), Some("/"), "{foreign:?}");
    }
}

/// The fields of a task's form as its page shows them, and the CSRF token; `changed` in place of those of that name.
async fn filled(
    app: &App,
    visitor: &Visitor<'_>,
    task: &Value,
    changed: &[(&str, &str)],
) -> Vec<(String, String)> {
    let task = again(app, task).await;
    let optional = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let factor = |name: &str| task["rice"][name].as_f64().unwrap_or_default().to_string();
    let mut fields: Vec<(String, String)> = [
        ("csrf", visitor.csrf(&page_of(&task.body)).await),
        ("version", task["version"].to_string()),
        ("status", optional(&task["status"])),
        ("assignee", optional(&task["assignee"])),
        ("due_date", optional(&task["due_date"])),
        ("rice.reach", factor("reach")),
        ("rice.impact", factor("impact")),
        ("rice.confidence", factor("confidence")),
        ("rice.effort", factor("effort")),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into();
    for (name, value) in changed {
        let field = fields.iter_mut().find(|(known, _)| known == name);
        (*value).clone_into(&mut field.unwrap_or_else(|| panic!("there is no field {name}")).1);
    }
    fields
}

/// Sends a task's form with `changed`.
async fn save(app: &App, visitor: &Visitor<'_>, task: &Value, changed: &[(&str, &str)]) -> Answer {
    let fields = filled(app, visitor, task, changed).await;
    visitor.form(&page_of(task), &borrowed(&fields)).await
}

fn borrowed(fields: &[(String, String)]) -> Vec<(&str, &str)> {
    fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

async fn a_write_without_all_that_it_wants_changes_nothing(app: &App) {
    let task = ranked(app, 3).await;
    let page = page_of(&task);
    let (mine, other) = (app.signed_in().await, app.signed_in().await);
    let fields = filled(app, &mine, &task, &[("status", "deferred")]).await;
    let without =
        |name: &str| borrowed(&fields).into_iter().filter(|(known, _)| *known != name).collect::<Vec<_>>();
    let with_csrf = |csrf: &'static str| {
        let mut fields = without("csrf");
        fields.push(("csrf", csrf));
        fields
    };
    let others = other.csrf(&page).await;
    let mut with_others = without("csrf");
    with_others.push(("csrf", &others));
    let all = borrowed(&fields);
    let member = [
        ("login", "mallory"),
        ("name", "x"),
        ("email", "x@example.com"),
        ("phone", ""),
        ("role", "lead"),
        ("on_call", "false"),
    ];
    let refused = [
        ("no session", app.visitor().form(&page, &all)),
        (
            "a made-up session",
            app.visitor().form(&page, &all).header("cookie", "automator_session=9999999999.00.00"),
        ),
        ("the API's token instead", app.visitor().form(&page, &without("csrf")).token(TOKEN)),
        ("no CSRF token", mine.form(&page, &without("csrf"))),
        ("an empty CSRF token", mine.form(&page, &with_csrf(""))),
        ("a made-up CSRF token", mine.form(&page, &with_csrf("00"))),
        ("another session's CSRF token", mine.form(&page, &with_others)),
        ("another session's cookie", other.form(&page, &all)),
        ("a foreign origin", mine.form(&page, &all).header("origin", "https://evil.example")),
        ("no origin that has a name", mine.form(&page, &all).header("origin", "null")),
        ("no session, for the team", app.visitor().form("/team", &member)),
        ("no CSRF token, for the team", mine.form("/team", &member)),
        ("no CSRF token, to leave", mine.form("/team/octocat", &[("active", "false")])),
    ];
    for (what, request) in refused {
        assert_eq!(request.await.status, 403, "{what}");
    }
    let json = json!({ "status": "deferred" }).to_string();
    let _ = mine.form(&page, &all).text("application/json", json).await.is(415);
    let _ = app
        .request(Method::PATCH, &format!("/api{page}"))
        .json(&json!({ "status": "deferred" }))
        .await
        .is(401);
    assert_eq!(again(app, &task).await.body, task, "a refused write took effect");
    assert!(app.all("/api/team").await.is_empty(), "a refused write took effect");
}

async fn what_people_wrote_is_text_and_nothing_else(app: &App) {
    let hostile = "\"'><script>alert(1)</script><img src=x onerror=alert(2)>";
    let _ = app
        .told(json!({ "action": "opened", "repository": "sendgrid/rest", "title": hostile, "labels": [hostile] }))
        .await;
    let visitor = app.signed_in().await;
    let member = json!({ "login": "octocat", "name": hostile, "email": "a&b@example.com" });
    let _ = app.post("/api/team", &member).await.is(201);
    let task = ranked(app, 1).await;
    let page = page_of(&task);
    let typed = save(app, &visitor, &task, &[("rice.reach", hostile)]).await.is(422);
    let form = [
        ("login", hostile),
        ("name", hostile),
        ("email", hostile),
        ("phone", hostile),
        ("role", hostile),
        ("on_call", hostile),
    ];
    let asked: String = form_urlencoded::byte_serialize(hostile.as_bytes()).collect();
    let pages = [
        visitor.get("/").await.is(200),
        visitor.get(&page).await.is(200),
        visitor.get("/team").await.is(200),
        visitor.submit("/team", &form).await.is(422),
        typed,
        visitor.get(&format!("/?kind={asked}")).await.is(422),
        visitor.get(&format!("/?assignee={asked}")).await.is(422),
        visitor.get(&format!("/measures?from={asked}&year={asked}")).await.is(422),
        app.get(&format!("/sign-in?return_to=/{asked}")).await.is(200),
        visitor.get(&format!("/{asked}")).header("accept", BROWSER).await.is(404),
    ];
    for page in &pages {
        assert!(!page.text.contains("<script") && !page.text.contains("<img"), "{page}");
        let policy = page.header("content-security-policy").unwrap_or_default();
        assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    }
    for page in &pages[..5] {
        assert!(page.text.contains("alert(1)"), "what was written is not shown: {page}");
    }
}

async fn a_task_is_changed_on_its_page(app: &App) {
    let _ = app.import().await;
    let _ = app.member("octocat").await;
    let visitor = app.signed_in().await;
    let task = ranked(app, 5).await;
    let changed = [
        ("status", "in_progress"),
        ("assignee", "octocat"),
        ("due_date", "2030-01-02"),
        ("rice.impact", "7.5"),
        ("rice.effort", "0.25"),
    ];
    let answer = save(app, &visitor, &task, &changed).await.is(303);
    assert_eq!(answer.header("location"), Some(page_of(&task).as_str()), "the answer leads to the page");
    let now = again(app, &task).await;
    let expected = json!(["in_progress", "octocat", "2030-01-02", 7.5, 0.25, 2]);
    let found = json!([
        now["status"],
        now["assignee"],
        now["due_date"],
        now["rice"]["impact"],
        now["rice"]["effort"],
        now["version"]
    ]);
    assert_eq!(found, expected);
    assert_eq!(now["rice"]["reach"], task["rice"]["reach"], "what was not changed stays");

    // Who has left keeps the task, and a form that leaves it so is no mistake.
    let _ = app.patch("/api/team/octocat", &json!({ "active": false })).await.is(200);
    let _ = save(app, &visitor, &task, &[("rice.effort", "0.5")]).await.is(303);
    assert_eq!(again(app, &task).await["assignee"], "octocat");
    let _ = save(app, &visitor, &task, &[("assignee", ""), ("due_date", "")]).await.is(303);
    let now = again(app, &task).await;
    assert_eq!((&now["assignee"], &now["due_date"]), (&Value::Null, &Value::Null));
}

async fn a_form_that_changes_nothing_keeps_the_version_and_the_followed_factors(app: &App) {
    let opened = json!({ "action": "opened", "repository": "sendgrid/rest", "at": "2019-06-01T00:00:00Z" });
    let number = app.told(opened).await.number();
    let visitor = app.signed_in().await;
    let task = ranked(app, 1).await;
    let _ = save(app, &visitor, &task, &[]).await.is(303);
    assert_eq!(again(app, &task).await["version"], 1);
    let _ = save(app, &visitor, &task, &[("status", "needs_review")]).await.is(303);
    let comment = json!({
        "action": "commented", "repository": "sendgrid/rest", "number": number, "at": "2019-06-02T00:00:00Z"
    });
    let _ = app.told(comment).await;
    let reach = |task: &Value| task["rice"]["reach"].as_f64().unwrap_or_default();
    // The factors still follow the item.
    becomes(reach(&task) + 1.0, async || reach(&again(app, &task).await.body)).await;
}

async fn a_value_that_does_not_fit_comes_back_with_its_message(app: &App) {
    let _ = app.told(json!({ "action": "opened", "repository": "sendgrid/rest" })).await;
    let visitor = app.signed_in().await;
    let task = ranked(app, 1).await;
    for (field, typed, message) in [
        ("rice.effort", "0", "must be above 0"),
        ("rice.confidence", "2", "must be above 0 and at most 1"),
        ("rice.reach", "many", "must be a number"),
        ("rice.reach", "NaN", "must be between"),
        ("rice.impact", "", "must be a number"),
        ("due_date", "2030-02-30", "must be a day"),
        ("status", "gone", "must be one of"),
        ("assignee", "nobody-we-know", "must be an active member"),
    ] {
        let page = save(app, &visitor, &task, &[(field, typed)]).await.is(422);
        let beside = page.text.split(&format!("id=\"{field}-says\"")).nth(1).unwrap_or_default();
        let beside = beside.split("</div>").next().unwrap_or_default();
        assert!(beside.contains(message), "{field}: {beside}");
        let is_typed_again = page.text.contains(&format!("value=\"{typed}\"")) || field == "status";
        assert!(is_typed_again, "{typed} was lost");
    }
    assert_eq!(again(app, &task).await["version"], 1, "a wrong value changed something");
    let missing = [("csrf", visitor.csrf(&page_of(&task)).await)];
    let missing: Vec<_> = missing.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let _ = visitor.form(&page_of(&task), &missing).await.is(422);
}

async fn an_older_form_overwrites_nothing_and_is_told_so(app: &App) {
    let _ = app.told(json!({ "action": "opened", "repository": "sendgrid/rest" })).await;
    let visitor = app.signed_in().await;
    let task = ranked(app, 1).await;
    let older = filled(app, &visitor, &task, &[("rice.impact", "9"), ("status", "deferred")]).await;
    let _ = save(app, &visitor, &task, &[("rice.impact", "4")]).await.is(303);
    let told = visitor.form(&page_of(&task), &borrowed(&older)).await.is(412);
    assert!(told.text.contains("Somebody changed it meanwhile"), "{told}");
    assert!(told.text.contains("now: 4") && told.text.contains("value=\"9\""), "{told}");
    assert_eq!(
        hidden(&told, "version").as_deref(),
        Some("2"),
        "the next form is about the version that was shown"
    );
    let now = again(app, &task).await;
    assert_eq!((&now["rice"]["impact"], &now["status"]), (&json!(4.0), &json!("intake")));
}

/// Who, what, before and after of a task's history, newest first.
async fn history(app: &App, task: &Value) -> Vec<[String; 4]> {
    let page = app.get(&page_of(task)).await.is(200);
    let table = page.text.split("class=\"history\"").nth(1).unwrap_or_default();
    let table = table.split("</table>").next().unwrap_or_default();
    let cells = |line: &str| {
        let mut cells =
            line.split("<td>").skip(2).map(|cell| cell.split("</td>").next().unwrap_or_default().to_owned());
        std::array::from_fn(|_| cells.next().unwrap_or_default())
    };
    table.split("<tr>").skip(2).map(cells).collect()
}

async fn the_history_tells_who_changed_what(app: &App) {
    let event = |action: &str, number: Option<i64>, at: &str| {
        let mut event = json!({ "action": action, "repository": "sendgrid/rest", "at": at });
        if let Some(number) = number {
            event["number"] = number.into();
        }
        event
    };
    let number = app.told(event("opened", None, "2019-06-01T00:00:00Z")).await.number();
    let _ = app.member("octocat").await;
    let visitor = app.signed_in().await;
    let task = ranked(app, 1).await;
    assert!(history(app, &task).await.is_empty(), "a new task has no history");

    let _ = app.told(event("commented", Some(number), "2019-06-02T00:00:00Z")).await;
    becomes(1, async || history(app, &task).await.len()).await;
    let _ = app.patch(&format!("/api{}", page_of(&task)), &json!({ "assignee": "octocat" })).await.is(200);
    let _ = save(app, &visitor, &task, &[("status", "in_progress"), ("rice.effort", "2")]).await.is(303);
    let _ = app.told(event("closed", Some(number), "2019-06-03T00:00:00Z")).await;
    let _ = app.told(event("reopened", Some(number), "2019-06-04T00:00:00Z")).await;

    let reach = task["rice"]["reach"].as_f64().unwrap_or_default();
    let expected = [
        ["github", "status", "done", "intake"].map(str::to_owned),
        ["github", "status", "in_progress", "done"].map(str::to_owned),
        ["page", "rice.effort", "3", "2"].map(str::to_owned),
        ["page", "status", "intake", "in_progress"].map(str::to_owned),
        ["api", "assignee", "", "octocat"].map(str::to_owned),
        ["github".to_owned(), "rice.reach".to_owned(), reach.to_string(), (reach + 1.0).to_string()],
    ];
    becomes(expected.to_vec(), async || history(app, &task).await).await;
    // The same again is no change.
    let _ = app.patch(&format!("/api{}", page_of(&task)), &json!({ "assignee": "octocat" })).await.is(200);
    assert_eq!(history(app, &task).await.len(), expected.len());
}

async fn the_team_page_adds_a_member_and_lets_them_leave_and_return(app: &App) {
    let visitor = app.signed_in().await;
    let form = |login: &'static str, email: &'static str| {
        [
            ("login", login),
            ("name", "Mona"),
            ("email", email),
            ("phone", ""),
            ("role", "lead"),
            ("on_call", "true"),
        ]
    };
    let wrong = visitor.submit("/team", &form("a b", "nowhere")).await.is(422);
    for part in ["must be a GitHub login", "must be an e-mail address", "value=\"a b\"", "value=\"Mona\""] {
        assert!(wrong.text.contains(part), "{part} is not on the page");
    }
    assert!(app.all("/api/team").await.is_empty());
    let added = visitor.submit("/team", &form("OctoCat", "mona@example.com")).await.is(303);
    assert_eq!(added.header("location"), Some("/team"));
    let taken = visitor.submit("/team", &form("octocat", "mona@example.com")).await.is(409);
    assert!(taken.text.contains("login octocat is taken"), "{taken}");
    assert_eq!(app.all("/api/team").await[0]["on_call"], true);
    let page = app.get("/team").await.is(200);
    for fact in ["octocat", "Mona", "mona@example.com", "lead"] {
        assert!(page.text.contains(fact), "{fact} is not on the page");
    }
    let csrf = visitor.csrf("/team").await;
    for active in ["false", "true"] {
        let _ = visitor.form("/team/octocat", &[("active", active), ("csrf", &csrf)]).await.is(303);
        assert_eq!(app.all("/api/team").await[0]["active"].to_string(), active);
    }
    let _ = visitor.form("/team/nobody", &[("active", "true"), ("csrf", &csrf)]).await.is(404);
}
