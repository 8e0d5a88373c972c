//! The generated data: enough of everything, and the same every time.

use std::collections::{BTreeMap, HashMap, HashSet};

use domain::Catalogue;
use serde_json::{Value, json};
use simulators::Options;

use crate::Simulators;

const QUERY: &str = "query($owner: String!, $name: String!) {repository(owner: $owner, name: $name) {
    issues(first: 100) {nodes {...I}} pullRequests(first: 100) {nodes {...P}}}}
  fragment I on Issue {number title state createdAt updatedAt closedAt author {__typename login}
    labels(first: 9) {nodes {name}} comments(first: 100) {totalCount nodes {createdAt author {__typename login}}}
    timelineItems(first: 9) {nodes {__typename ... on ClosedEvent {createdAt} ... on ReopenedEvent {createdAt}}}}
  fragment P on PullRequest {number title state createdAt updatedAt closedAt author {__typename login}
    labels(first: 9) {nodes {name}} comments(first: 100) {totalCount nodes {createdAt author {__typename login}}}
    reviews(first: 100) {totalCount nodes {submittedAt state}}
    timelineItems(first: 9) {nodes {__typename ... on ClosedEvent {createdAt} ... on ReopenedEvent {createdAt}}}}";

/// All items of a repository by number; every number once, whatever the kind.
async fn items(simulators: &Simulators, repository: &str) -> BTreeMap<i64, Value> {
    let (owner, name) = repository.split_once('/').unwrap();
    let data = simulators.ask(QUERY, &json!({"owner": owner, "name": name})).await;
    let mut items = BTreeMap::new();
    for list in ["issues", "pullRequests"] {
        for node in data["repository"][list]["nodes"].as_array().unwrap() {
            let number = node["number"].as_i64().unwrap();
            assert!(items.insert(number, node.clone()).is_none(), "{repository}#{number} twice");
        }
    }
    items
}

async fn all(simulators: &Simulators) -> Vec<Value> {
    let mut all = Vec::new();
    for repository in Catalogue::builtin().repositories {
        all.extend(items(simulators, repository.name.as_str()).await.into_values());
    }
    all
}

#[tokio::test]
async fn there_is_enough_of_everything() {
    let simulators = Simulators::start().await;
    let all = all(&simulators).await;
    assert_eq!(all.len(), simulators.items);
    assert!((1_400..1_600).contains(&all.len()), "{}", all.len());
    let count = |test: &dyn Fn(&Value) -> bool| all.iter().filter(|item| test(item)).count();

    let open = count(&|item| item["state"] == "OPEN");
    assert!((650..750).contains(&open), "{open} open");
    assert!(count(&|item| item["state"] == "MERGED") > 200);
    assert!(count(&|item| item["comments"]["totalCount"].as_i64().unwrap() > 100) > 3);
    assert!(count(&|item| item["reviews"]["totalCount"].as_i64().unwrap_or(0) > 100) > 3);
    assert!(count(&|item| item["author"].is_null()) > 5);
    assert!(count(&|item| item["author"]["__typename"] == "Bot") > 20);
    let reopened = |item: &Value| item["timelineItems"].to_string().contains("ReopenedEvent");
    assert!(count(&reopened) > 20 && count(&|item| reopened(item) && item["state"] == "OPEN") > 5);
    assert!(count(&|item| item["title"].as_str().unwrap().contains("<script>")) > 0);
    assert!(count(&|item| !item["title"].as_str().unwrap().is_ascii()) > 20);
    for login in simulators::maintainers() {
        assert!(count(&|item| item.to_string().contains(login)) > 20, "{login}");
    }
    let labels: HashMap<String, usize> = all
        .iter()
        .flat_map(|item| item["labels"]["nodes"].as_array().unwrap())
        .fold(HashMap::new(), |mut n, label| {
            *n.entry(label["name"].as_str().unwrap().to_owned()).or_default() += 1;
            n
        });
    for label in [
        "type: bug",
        "type: security",
        "type: question",
        "difficulty: very hard",
        "status: duplicate",
        "hacktoberfest",
    ] {
        assert!(labels.get(label).is_some_and(|n| *n > 5), "{label}: {labels:?}");
    }
}

#[tokio::test]
async fn times_agree_with_each_other() {
    let simulators = Simulators::start().await;
    for item in all(&simulators).await {
        let at = |value: &Value| value.as_str().unwrap().to_owned();
        let (created, updated) = (at(&item["createdAt"]), at(&item["updatedAt"]));
        assert!(("2018-01".."2019-07-15").contains(&created.as_str()), "{item}");
        assert!(created <= updated && updated.as_str() <= simulators::NOW, "{item}");
        assert_eq!(item["closedAt"].is_null(), item["state"] == "OPEN", "{item}");
        for list in ["comments", "reviews", "timelineItems"] {
            let times: Vec<_> = item[list]["nodes"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|node| node["createdAt"].as_str().or(node["submittedAt"].as_str()))
                .collect();
            assert!(times.is_sorted(), "{item}");
            assert!(
                times.iter().all(|time| *time >= created.as_str() && *time <= updated.as_str()),
                "{item}"
            );
        }
    }
}

#[tokio::test]
async fn the_same_seed_gives_the_same_and_a_small_catalogue_a_part_of_it() {
    let full = Simulators::start().await;
    let again = Simulators::start().await;
    assert_eq!(all(&full).await, all(&again).await);
    let other = Simulators::with(Options { seed: 7, ..Options::default() }).await;
    assert_ne!(items(&full, "sendgrid/rest").await, items(&other, "sendgrid/rest").await);

    let catalogue = std::env::temp_dir().join(format!("simulators-{}.toml", std::process::id()));
    let entry = |name: &str| format!("[[repository]]\nname = \"{name}\"\nlanguage = \"go\"\nreach = 1\n");
    std::fs::write(&catalogue, entry("sendgrid/rest") + &entry("acme/one")).unwrap();
    let small = Simulators::with(Options { catalogue: Some(catalogue.clone()), ..Options::default() }).await;
    std::fs::remove_file(catalogue).unwrap();
    assert!((90..160).contains(&small.items), "{}", small.items);
    assert_eq!(items(&small, "sendgrid/rest").await, items(&full, "sendgrid/rest").await);
    let states: HashSet<_> =
        items(&small, "acme/one").await.values().map(|item| item["state"].to_string()).collect();
    assert_eq!(states.len(), 3);
}
