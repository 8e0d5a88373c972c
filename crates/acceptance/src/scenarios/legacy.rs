//! What the clients of the tutorial ask still has its answer.

use serde_json::{Value, json};

use crate::{App, scenario::scenarios};

scenarios![
    imported:
    a_ping_is_answered,
    open_items_of_a_repository_are_listed_newest_first,
    a_repository_may_be_named_without_its_owner_in_any_case,
    an_old_route_says_what_is_wrong,
    old_routes_are_described_as_deprecated;
    a_short_name_of_two_owners_is_not_guessed
];

async fn a_ping_is_answered(app: &App) {
    let answer = app.get("/ping").await.is(200);
    assert_eq!(answer.body, json!({ "status": "success", "message": "pong!" }));
}

async fn open_items_of_a_repository_are_listed_newest_first(app: &App) {
    for (path, kind) in [("/github/issues", "issue"), ("/github/prs", "pull_request")] {
        let old = app.get(&format!("{path}?repo=sendgrid/rest")).await.is(200);
        let new = app.all(&format!("/api/items?repository=sendgrid/rest&state=open&kind={kind}")).await;
        let entry =
            |item: &Value| json!({ "number": item["number"], "url": item["url"], "title": item["title"] });
        assert!(new.len() > 2, "too few to have an order");
        assert_eq!(old.body, new.iter().map(entry).collect::<Value>(), "{path}");
    }
}

async fn a_repository_may_be_named_without_its_owner_in_any_case(app: &App) {
    let whole = app.get("/github/issues?repo=sendgrid/python-http-client").await.is(200);
    for name in ["python-http-client", "Python-HTTP-Client", "SendGrid/Python-http-client"] {
        assert_eq!(app.get(&format!("/github/issues?repo={name}")).await.is(200).body, whole.body, "{name}");
    }
}

async fn an_old_route_says_what_is_wrong(app: &App) {
    for path in ["/github/issues", "/github/prs"] {
        for missing in ["", "?repo=", "?repository=rest"] {
            assert_eq!(app.get(&format!("{path}{missing}")).await.is(422).fields(), ["repo"], "{missing}");
        }
        for unknown in ["nothing", "nobody/rest", "sendgrid%2F", "rest%00"] {
            let answer = app.get(&format!("{path}?repo={unknown}")).await.is(404);
            assert_eq!(answer["type"], "urn:automator:not-found", "{unknown}");
        }
    }
}

async fn old_routes_are_described_as_deprecated(app: &App) {
    let document = app.get("/openapi.json").await.is(200);
    for path in ["/ping", "/github/issues", "/github/prs"] {
        assert_eq!(document["paths"][path]["get"]["deprecated"], true, "{path}");
    }
    assert_eq!(document["paths"]["/api/items"]["get"]["deprecated"], Value::Null);
}

async fn a_short_name_of_two_owners_is_not_guessed(app: &App) {
    let repository =
        |name: &str| format!("[[repository]]\nname = \"{name}\"\nlanguage = \"go\"\nreach = 1\n");
    app.track(&[repository("sendgrid/rest"), repository("another/rest")].concat());
    assert_eq!(app.get("/github/issues?repo=rest").await.is(422).fields(), ["repo"]);
    let _ = app.get("/github/issues?repo=another/rest").await.is(200);
}
