//! GitHub's GraphQL: authentication, errors, paging, the comment.

use std::collections::HashSet;

use serde_json::{Value, json};

use crate::Simulators;

const REST: &str = r#"repository(owner: "sendgrid", name: "rest")"#;

#[tokio::test]
async fn a_call_without_the_right_token_or_without_user_agent_is_refused_as_github_does() {
    let simulators = Simulators::start().await;
    let body = json!({"query": "{viewer{login}}"});
    let post = || simulators.request(reqwest::Method::POST, "/graphql").json(&body);

    let anonymous = post().send().await.unwrap();
    assert_eq!(anonymous.status(), 401);
    let wrong = post().bearer_auth("wrong").send().await.unwrap();
    assert_eq!(wrong.status(), 401);
    let answer: Value = wrong.json().await.unwrap();
    assert_eq!(answer["message"], "Bad credentials");
    assert!(answer["documentation_url"].is_string());

    let nameless = reqwest::Client::builder().no_proxy().build().unwrap();
    let nameless = nameless.post(format!("{}/graphql", simulators.url)).bearer_auth("x").json(&body);
    assert_eq!(nameless.send().await.unwrap().status(), 403);

    let right = post().header("authorization", format!("Token {}", simulators::GITHUB_TOKEN));
    let answer: Value = right.send().await.unwrap().json().await.unwrap();
    assert_eq!(answer, json!({"data": {"viewer": {"login": "automator[bot]"}}}));
}

#[tokio::test]
async fn every_answer_tells_the_budget_in_headers_and_in_the_query() {
    let options = simulators::Options { github_points: 2, ..simulators::Options::default() };
    let simulators = Simulators::with(options).await;
    let query = "{rateLimit{limit cost remaining used resetAt}}";
    let one = simulators.graphql(query, &json!({})).send().await.unwrap();
    let headers = one.headers().clone();
    let header = |name: &str| headers[name].to_str().unwrap().to_owned();
    assert_eq!((header("x-ratelimit-limit"), header("x-ratelimit-remaining")), ("2".into(), "1".into()));
    assert_eq!((header("x-ratelimit-used"), header("x-ratelimit-resource")), ("1".into(), "graphql".into()));
    let reset: jiff::Timestamp =
        jiff::Timestamp::from_second(header("x-ratelimit-reset").parse().unwrap()).unwrap();
    let body: Value = one.json().await.unwrap();
    let told = json!({"limit": 2, "cost": 1, "remaining": 1, "used": 1, "resetAt": reset.to_string()});
    assert_eq!(body["data"]["rateLimit"], told);

    simulators.ask(query, &json!({})).await;
    let spent = simulators.graphql(query, &json!({})).send().await.unwrap();
    assert_eq!(
        (spent.status().as_u16(), &spent.headers()["x-ratelimit-remaining"]),
        (200, &"0".parse().unwrap())
    );
    let body: Value = spent.json().await.unwrap();
    assert_eq!(body["errors"][0]["type"], "RATE_LIMIT");
    assert!(body.get("data").is_none());
}

#[tokio::test]
async fn what_is_not_there_is_null_with_an_error_beside_it() {
    let simulators = Simulators::start().await;
    let body = simulators.ask_in_vain(r#"{a: repository(owner: "sendgrid", name: "none") {id}}"#).await;
    let error = &body["errors"][0];
    assert_eq!(body["data"], json!({"a": null}));
    assert_eq!((&error["type"], &error["path"]), (&json!("NOT_FOUND"), &json!(["a"])));
    assert_eq!(error["message"], "Could not resolve to a Repository with the name 'sendgrid/none'.");

    let body = simulators.ask_in_vain(r#"{node(id: "I_nope") {id}}"#).await;
    assert_eq!((&body["data"], &body["errors"][0]["type"]), (&json!({"node": null}), &json!("NOT_FOUND")));
    let body = simulators.ask_in_vain(&format!("{{{REST} {{issue(number: 999999) {{id}}}}}}")).await;
    assert_eq!(body["data"]["repository"], json!({"issue": null}));

    let body = simulators.ask_in_vain("{nonsense}").await;
    assert!(body.get("data").is_none() && body["errors"][0]["message"].is_string(), "{body}");
    let broken = simulators.request(reqwest::Method::POST, "/graphql").bearer_auth(simulators::GITHUB_TOKEN);
    assert_eq!(broken.body("{").send().await.unwrap().status(), 400);
}

#[tokio::test]
async fn pages_have_at_most_100_and_a_cursor_that_is_one() {
    let simulators = Simulators::start().await;
    for (arguments, kind) in [
        ("(first: 101)", "EXCESSIVE_PAGINATION"),
        ("", "MISSING_PAGINATION_BOUNDARIES"),
        (r#"(first: 1, after: "x")"#, "INVALID_CURSOR_ARGUMENTS"),
    ] {
        let body =
            simulators.ask_in_vain(&format!("{{{REST} {{issues{arguments} {{nodes {{id}}}}}}}}")).await;
        let error = &body["errors"][0];
        assert_eq!((&body["data"], &error["type"]), (&json!({"repository": null}), &json!(kind)), "{body}");
        assert_eq!(error["path"], json!(["repository", "issues"]));
    }
    let count = simulators.ask(&format!("{{{REST} {{issues {{totalCount}}}}}}"), &json!({})).await;
    assert!(count["repository"]["issues"]["totalCount"].as_i64().unwrap() > 10);
}

#[tokio::test]
async fn a_walk_by_pages_meets_every_item_once_in_order_though_some_change_on_the_way() {
    let simulators = Simulators::start().await;
    let query = format!(
        "query($after: String) {{{REST} {{issues(first: 7, after: $after, orderBy: {{field: UPDATED_AT, direction: ASC}}) {{
            totalCount pageInfo {{hasNextPage endCursor}} nodes {{number updatedAt}} edges {{cursor}}}}}}}}"
    );
    let (mut after, mut met, mut last) = (Value::Null, Vec::new(), String::new());
    let total = loop {
        let data = simulators.ask(&query, &json!({"after": after})).await;
        let issues = &data["repository"]["issues"];
        for node in issues["nodes"].as_array().unwrap() {
            let at = node["updatedAt"].as_str().unwrap().to_owned();
            assert!(at >= last, "{at} after {last}");
            last = at;
            met.push(node["number"].as_i64().unwrap());
        }
        let edges = issues["edges"].as_array().unwrap();
        assert_eq!(edges.last().unwrap()["cursor"], issues["pageInfo"]["endCursor"]);
        if met.len() == 7 {
            // The first item moves to the end: it is met again there, and nothing is skipped.
            simulators
                .happens(json!({"repository": "sendgrid/rest", "number": met[0], "action": "commented"}))
                .await;
        }
        if issues["pageInfo"]["hasNextPage"] == false {
            break issues["totalCount"].as_u64().unwrap();
        }
        after = issues["pageInfo"]["endCursor"].clone();
    };
    assert_eq!(met.iter().collect::<HashSet<_>>().len() as u64, total);
    assert_eq!((met.len() as u64, met.last()), (total + 1, met.first()));
}

#[tokio::test]
async fn filters_leave_only_what_was_asked_for() {
    let simulators = Simulators::start().await;
    let query = format!(
        r#"{{{REST} {{
            open: issues(first: 100, states: [OPEN]) {{nodes {{state}}}}
            since: issues(first: 100, filterBy: {{since: "2019-06-01T00:00:00Z"}}) {{nodes {{updatedAt}}}}
            merged: pullRequests(first: 100, states: [MERGED], orderBy: {{field: CREATED_AT, direction: DESC}}) {{
                nodes {{merged mergedAt mergedBy {{login}} createdAt timelineItems(first: 9, itemTypes: [MERGED_EVENT]) {{nodes {{__typename}}}}}}}}
        }}}}"#
    );
    let data = simulators.ask(&query, &json!({})).await;
    let nodes = |name: &str| data["repository"][name]["nodes"].as_array().unwrap().clone();
    assert!(!nodes("open").is_empty() && nodes("open").iter().all(|node| node["state"] == "OPEN"));
    let since = nodes("since");
    assert!(!since.is_empty() && since.iter().all(|n| n["updatedAt"].as_str().unwrap() >= "2019-06"));
    let merged = nodes("merged");
    assert!(!merged.is_empty());
    for node in &merged {
        assert!(
            node["merged"] == true && node["mergedAt"].is_string() && node["mergedBy"]["login"].is_string()
        );
        assert_eq!(node["timelineItems"]["nodes"], json!([{"__typename": "MergedEvent"}]));
    }
    let created: Vec<_> = merged.iter().map(|node| node["createdAt"].as_str().unwrap()).collect();
    assert!(created.is_sorted_by(|a, b| a >= b));
}

#[tokio::test]
async fn a_long_thread_is_read_to_its_end_through_its_node() {
    let simulators = Simulators::start().await;
    let query = format!(
        "{{{REST} {{issues(first: 100, orderBy: {{field: COMMENTS, direction: DESC}}) {{nodes {{id comments {{totalCount}}}}}}
                    pullRequests(first: 100, orderBy: {{field: COMMENTS, direction: DESC}}) {{nodes {{id comments {{totalCount}}}}}}}}}}"
    );
    let data = simulators.ask(&query, &json!({})).await;
    let longest = ["issues", "pullRequests"]
        .map(|list| data["repository"][list]["nodes"][0].clone())
        .into_iter()
        .max_by_key(|node| node["comments"]["totalCount"].as_i64())
        .unwrap();
    let total = longest["comments"]["totalCount"].as_u64().unwrap();
    assert!(total > 100);

    let query = "query($id: ID!, $after: String) {node(id: $id) {
        ... on Issue {comments(first: 100, after: $after) {nodes {id createdAt} pageInfo {hasNextPage endCursor}}}
        ... on PullRequest {comments(first: 100, after: $after) {nodes {id createdAt} pageInfo {hasNextPage endCursor}}}}}";
    let one = simulators.ask(query, &json!({"id": longest["id"]})).await["node"]["comments"].take();
    assert_eq!(one["pageInfo"]["hasNextPage"], true);
    let after = &one["pageInfo"]["endCursor"];
    let two =
        simulators.ask(query, &json!({"id": longest["id"], "after": after})).await["node"]["comments"].take();
    assert_eq!(two["pageInfo"]["hasNextPage"], false);
    let ids: HashSet<_> = [&one, &two]
        .into_iter()
        .flat_map(|page| page["nodes"].as_array().unwrap())
        .map(|node| node["id"].as_str().unwrap())
        .collect();
    assert_eq!(ids.len() as u64, total);
}

#[tokio::test]
async fn a_comment_that_was_added_is_there_and_moves_its_item() {
    let simulators = Simulators::start().await;
    let find = format!(
        "{{{REST} {{issues(first: 1, states: [OPEN]) {{nodes {{id updatedAt comments {{totalCount}}}}}}}}}}"
    );
    let before = simulators.ask(&find, &json!({})).await["repository"]["issues"]["nodes"][0].take();
    let mutation = "mutation($id: ID!, $body: String!) {addComment(input: {subjectId: $id, body: $body, clientMutationId: \"m1\"}) {
        clientMutationId commentEdge {node {id createdAt body author {__typename login}}} subject {id}}}";
    let added =
        simulators.ask(mutation, &json!({"id": before["id"], "body": "Thank you!"})).await["addComment"]
            .take();
    let node = &added["commentEdge"]["node"];
    assert_eq!(added["clientMutationId"], "m1");
    assert_eq!(added["subject"]["id"], before["id"]);
    assert_eq!(
        (&node["body"], &node["author"]),
        (&json!("Thank you!"), &json!({"__typename": "Bot", "login": "automator"}))
    );

    let after = simulators.ask(&find, &json!({})).await["repository"]["issues"]["nodes"][0].take();
    assert_eq!(after["updatedAt"], node["createdAt"]);
    let count = |item: &Value| item["comments"]["totalCount"].as_i64().unwrap();
    assert_eq!(count(&after), count(&before) + 1);

    let unknown = r#"mutation {addComment(input: {subjectId: "I_x", body: "y"}) {subject {id}}}"#;
    let body = simulators.ask_in_vain(unknown).await;
    assert_eq!(
        (&body["data"], &body["errors"][0]["type"]),
        (&json!({"addComment": null}), &json!("NOT_FOUND"))
    );
}
