//! What a person does on the pages.

use serde_json::json;

use super::Window;
use crate::{App, TOKEN, scenario};

/// A scenario in a window.
pub(super) type Run = for<'a> fn(&'a App, &'a Window) -> scenario::Run<'a>;

macro_rules! scenarios {
    ($($name:ident),+ $(,)?) => {
        pub(super) const ALL: &[(&str, Run)] =
            &[$((stringify!($name), |app, window| ::std::boxed::Box::pin($name(app, window)))),+];
    };
}

scenarios![
    the_backlog_is_filtered_and_the_form_keeps_its_values,
    a_person_signs_in_changes_a_factor_and_signs_out,
    a_lost_update_is_told_and_nothing_is_overwritten,
    a_wrong_value_comes_back_with_its_message,
    a_member_is_added_leaves_and_comes_back,
    a_title_made_of_script_is_text,
    everything_is_reached_by_keyboard,
    a_narrow_phone_scrolls_no_page_sideways,
    text_is_readable_by_day_and_by_night,
];

/// Skip link, then the way to the first field of the page: enough for any header.
const TABS: usize = 12;

/// Least contrast of text with what is behind it (WCAG 2.2, 1.4.3).
const CONTRAST: f64 = 4.5;

/// The text with the least contrast on the page: what, and how much.
const LEAST_CONTRAST: &str = r"
    const parts = colour => colour.match(/[\d.]+/g).map(Number);
    const luminance = ([r, g, b]) => {
        const linear = [r, g, b].map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
    };
    const behind = element => {
        for (; element; element = element.parentElement) {
            const colour = parts(getComputedStyle(element).backgroundColor);
            if (colour.length < 4 || colour[3] > 0) return colour;
        }
        return [255, 255, 255];
    };
    let least = { ratio: 21, what: 'nothing', count: 0 };
    for (const element of document.body.querySelectorAll('*')) {
        const says = [...element.childNodes].some(node => node.nodeType === 3 && node.data.trim());
        if (!says || element.closest('title, desc')) continue;
        const style = getComputedStyle(element);
        const front = luminance(parts(element.closest('svg') ? style.fill : style.color));
        const back = luminance(behind(element));
        const ratio = (Math.max(front, back) + 0.05) / (Math.min(front, back) + 0.05);
        least.count += 1;
        if (ratio < least.ratio) least = { ratio, what: element.outerHTML.slice(0, 120), count: least.count };
    }
    return least;
";

async fn the_backlog_is_filtered_and_the_form_keeps_its_values(app: &App, window: &Window) {
    window.open_page("/").await;
    window.picture("backlog-light").await;
    window.choose("#language", "go").await;
    window.choose("#kind", "pull_request").await;
    window.choose("#sort", "age").await;
    window.click(".filters button").await;
    assert_eq!(window.script("return document.querySelector('#language').value").await, "go");
    assert_eq!(window.script("return document.querySelector('#sort').value").await, "age");
    let expected = app.get("/api/tasks?language=go&kind=pull_request&sort=age").await.is(200);
    let shown =
        window.script("return [...document.querySelectorAll('.item > a')].map(a => a.textContent)").await;
    let titles: Vec<_> = expected.items().iter().map(|task| task["item"]["title"].clone()).collect();
    assert!(!titles.is_empty(), "a filter that finds nothing proves nothing");
    assert_eq!(shown, json!(titles));
    window.open_page("/?limit=5").await;
    window.click("a[rel=next]").await;
    assert!(window.has("nav.pages a").await && window.text(".backlog tbody td").await == "6");
}

/// Signs in from the page that is shown.
async fn sign_in(window: &Window) {
    window.click("header .session").await;
    window.fill("#token", TOKEN).await;
    window.click("main form button").await;
}

/// The path of the page of the task with that rank.
async fn ranked(app: &App, rank: usize) -> String {
    let tasks = app.get("/api/tasks").await.is(200);
    format!("/tasks/{}", tasks.items()[rank - 1]["id"].as_str().expect("a task has an id"))
}

async fn a_person_signs_in_changes_a_factor_and_signs_out(app: &App, window: &Window) {
    let task = ranked(app, 7).await;
    window.open_page(&task).await;
    assert!(!window.has("form.change").await, "somebody who has not signed in finds a form");

    window.click("header .session").await;
    window.fill("#token", "not-the-token").await;
    window.click("main form button").await;
    assert_eq!(window.text("#token-says").await, "That is not the token.");
    window.fill("#token", TOKEN).await;
    window.click("main form button").await;
    assert_eq!(window.path().await, task, "signing in leads back");
    window.picture("task-light").await;

    assert_eq!(window.text("#rank").await, "7");
    let reach = window.find("[id='rice.reach']").await.prop("value").await.expect("a field has a value");
    window.fill("[id='rice.reach']", "999999").await;
    window.click("form.change button").await;
    assert_eq!((window.path().await, window.text("#rank").await), (task.clone(), "1".to_owned()));
    let line = window.text(".history tbody").await;
    for part in ["page", "rice.reach", &reach.unwrap_or_default(), "999999"] {
        assert!(line.contains(part), "{part} is not in the history: {line}");
    }

    window.click("form.session button").await;
    window.open_page(&task).await;
    assert!(!window.has("form[method=post]").await, "somebody who has signed out finds a form");
}

async fn a_lost_update_is_told_and_nothing_is_overwritten(app: &App, window: &Window) {
    let task = ranked(app, 1).await;
    window.open_page(&task).await;
    sign_in(window).await;
    let api = format!("/api{task}");
    let _ = app.patch(&api, &json!({ "rice": { "impact": 4 } })).await.is(200);
    window.fill("[id='rice.impact']", "9").await;
    window.click("form.change button").await;
    assert!(window.text("[role=alert]").await.contains("Somebody changed it meanwhile"));
    assert_eq!(window.text("[id='rice.impact-says'] .now").await, "now: 4");
    assert_eq!(app.get(&api).await["rice"]["impact"], 4.0, "the older version won");
    window.picture("task-overtaken").await;
    window.click("form.change button").await;
    assert_eq!(app.get(&api).await["rice"]["impact"], 9.0, "who has seen the new version may save");
}

async fn a_wrong_value_comes_back_with_its_message(app: &App, window: &Window) {
    let task = ranked(app, 1).await;
    window.open_page(&task).await;
    sign_in(window).await;
    window.fill("[id='rice.effort']", "0").await;
    window.fill("[id='rice.reach']", "many").await;
    window.click("form.change button").await;
    assert!(window.text("[id='rice.effort-says']").await.contains("must be above 0"));
    assert!(window.text("[id='rice.reach-says']").await.contains("must be a number"));
    assert_eq!(window.script("return document.getElementById('rice.reach').value").await, "many");
    assert_eq!(app.get(&format!("/api{task}")).await["version"], 1);
}

async fn a_member_is_added_leaves_and_comes_back(app: &App, window: &Window) {
    window.open_page("/team").await;
    sign_in(window).await;
    for (field, text) in [("#login", "octocat"), ("#name", "Mona"), ("#email", "mona@example.com")] {
        window.fill(field, text).await;
    }
    window.click("form.change button").await;
    window.picture("team-light").await;
    for (active, button) in [(true, "has left"), (false, "is back"), (true, "has left")] {
        assert_eq!(window.text("form.inline button").await, button);
        assert_eq!(app.all("/api/team").await[0]["active"], active);
        window.click("form.inline button").await;
    }
}

async fn a_title_made_of_script_is_text(app: &App, window: &Window) {
    let title = "<script>alert(1)</script><img src=x onerror=alert(2)>";
    let opened = json!({ "action": "opened", "repository": "sendgrid/rest", "title": title });
    let task = app.task(&format!("sendgrid/rest#{}", app.told(opened).await.number())).await;
    let path = format!("/api/tasks/{}", task["id"].as_str().expect("a task has an id"));
    let _ = app.patch(&path, &json!({ "rice": { "reach": 999_999 } })).await.is(200);
    window.open_page("/").await;
    assert_eq!(window.text(".item > a").await, title);
    window.click(".item > a").await;
    assert_eq!(window.text("h1").await, title);
    for path in ["/measures", "/team", "/sign-in", "/nowhere"] {
        window.open_page(path).await;
    }
    assert!(window.client().get_alert_text().await.is_err(), "a script of the title ran");
    let said = window.console().await;
    let complaints: Vec<_> = said
        .iter()
        .filter(|line| matches!(line["level"].as_str(), Some("WARNING" | "SEVERE")))
        // The page that is not there was asked for.
        .filter(|line| !line["message"].as_str().is_some_and(|text| text.contains("/nowhere")))
        .collect();
    assert!(complaints.is_empty(), "the console complains: {complaints:?}");
}

async fn everything_is_reached_by_keyboard(_: &App, window: &Window) {
    const TAB: &str = "\u{e004}";
    window.open_page("/").await;
    window.press(TAB).await;
    let skip = window.script(
        "const a = document.activeElement; return [a.className, a.getBoundingClientRect().left >= 0]",
    );
    assert_eq!(skip.await, json!(["skip", true]), "the first stop is the skip link, and it is seen");
    window.press("\u{e007}").await;
    assert_eq!(window.script("return document.activeElement.id").await, "main", "the link moves the focus");

    window.open_page("/").await;
    let mut stops = Vec::new();
    for _ in 0..TABS {
        window.press(TAB).await;
        let stop = window
            .script(
                "const a = document.activeElement; const style = getComputedStyle(a); \
                 return [a.id || a.textContent.trim(), style.outlineStyle !== 'none' && style.outlineWidth !== '0px']",
            )
            .await;
        assert_eq!(stop[1], true, "the focus is not seen on {}", stop[0]);
        stops.push(stop[0].as_str().unwrap_or_default().to_owned());
    }
    let place = |name: &str| {
        stops.iter().position(|stop| stop == name).unwrap_or_else(|| panic!("{name} is not among {stops:?}"))
    };
    assert!(place("Backlog") < place("Team") && place("Team") < place("status"), "{stops:?}");
    assert!(place("status") < place("assignee") && place("sort") < place("Show"), "{stops:?}");
}

/// Every page, one of each kind, for those who have signed in.
async fn pages(app: &App) -> [String; 6] {
    let task = ranked(app, 1).await;
    ["/", &task, "/measures", "/team", "/sign-in", "/nowhere"].map(str::to_owned)
}

/// Fills what the pages show, and signs in.
async fn furnished(app: &App, window: &Window) -> [String; 6] {
    let _ = app.member("a-rather-long-login-for-a-narrow-phone").await;
    let task = ranked(app, 1).await;
    let _ = app
        .patch(&format!("/api{task}"), &json!({ "status": "in_progress", "due_date": "2030-01-02" }))
        .await;
    window.open_page("/").await;
    sign_in(window).await;
    pages(app).await
}

async fn a_narrow_phone_scrolls_no_page_sideways(app: &App, window: &Window) {
    let pages = furnished(app, window).await;
    window.resize(360, 740).await;
    for (page, name) in pages.iter().zip(["backlog", "task", "measures", "team", "sign-in", "problem"]) {
        window.open_page(page).await;
        let widths = window.script("return [document.documentElement.scrollWidth, window.innerWidth]").await;
        assert!(widths[0].as_i64() <= Some(360), "{page} is {} wide", widths[0]);
        assert_eq!(widths[1], 360, "the window is as narrow as a phone");
        window.picture(&format!("{name}-phone")).await;
    }
}

async fn text_is_readable_by_day_and_by_night(app: &App, window: &Window) {
    let pages = furnished(app, window).await;
    let mut backgrounds = Vec::new();
    for scheme in ["light", "dark"] {
        window.prefer(scheme).await;
        for (page, name) in pages.iter().zip(["backlog", "task", "measures", "team", "sign-in", "problem"]) {
            window.open_page(page).await;
            window.picture(&format!("{name}-{scheme}")).await;
            let least = window.script(LEAST_CONTRAST).await;
            assert!(least["count"].as_i64() > Some(5), "{page} has no text: {least}");
            assert!(least["ratio"].as_f64() >= Some(CONTRAST), "{page} by {scheme}: {least}");
        }
        backgrounds.push(window.script("return getComputedStyle(document.body).backgroundColor").await);
    }
    assert_ne!(backgrounds[0], backgrounds[1], "night is as bright as day");
}
