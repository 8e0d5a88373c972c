//! Scores and ranks as they are stored, on both databases.

#![expect(clippy::unwrap_used, reason = "a test")]

use std::time::Duration;

use acceptance::{Database, tokio};
use automator_backlog::{fields::Fields, history::Who, scores::Scores};
use automator_github::{
    repositories::tracked,
    told::{Snapshot, Told},
};
use automator_ranking::{Score, score};
use domain::{Actor, Catalogue, Kind, Origin, Repository, Rice, State, Status, TaskChange};
use step_01_monolith::{
    api,
    app::migrations,
    sync,
    tasks::{self, TABLES},
};
use store::{DatabaseUrl, Query, Sql, Store, query, time};
use uuid::Uuid;

acceptance::on_both_databases!(
    sql_and_rust_compute_the_same_score,
    a_write_that_was_begun_before_midnight_does_not_bring_yesterdays_score_back,
    tasks_are_counted_again_when_many_have_moved,
    ranks_are_right_as_soon_as_another_process_tracks_other_repositories
);

async fn sql_and_rust_compute_the_same_score(database: Database) {
    let store = Store::connect(&database.url().parse::<DatabaseUrl>().unwrap()).await.unwrap();
    let today = 20_000;
    let rices = [
        Rice { reach: 35.0, impact: 1.5, confidence: 0.8, effort: 3.0 },
        Rice { reach: 0.1, impact: 0.7, confidence: 0.3, effort: 0.9 },
        Rice { reach: 1_000_000.0, impact: 10.0, confidence: 1.0, effort: 1e-9 },
        Rice { reach: 0.0, impact: 0.0, confidence: 1.0, effort: 100.0 },
    ];
    let days_left =
        [None, Some(-400), Some(-1), Some(0), Some(1), Some(6), Some(7), Some(13), Some(14), Some(400)];
    for rice in rices {
        for &status in Status::ALL {
            for days in days_left {
                let mut sql = Sql::new("SELECT ");
                sql.push_own(&Score::expression(today)).push_bind(" AS score FROM (SELECT CAST(", rice.reach);
                sql.push_bind(" AS DOUBLE PRECISION) AS reach, CAST(", rice.impact);
                sql.push_bind(" AS DOUBLE PRECISION) AS impact, CAST(", rice.confidence);
                sql.push_bind(" AS DOUBLE PRECISION) AS confidence, CAST(", rice.effort);
                sql.push_bind(" AS DOUBLE PRECISION) AS effort, CAST(", status.as_str());
                sql.push_bind(" AS TEXT) AS status, CAST(", days.map(|days| today + days))
                    .push(" AS BIGINT) AS due_day) t");
                let rows: Vec<(f64,)> = sql.fetch_all(&store).await.unwrap();
                assert_eq!(rows, [(score(&rice, status, days),)], "{rice:?} {status} {days:?}");
            }
        }
    }
}

const TASK: Uuid = Uuid::from_u128(1);

/// A database with one open task.
async fn with_a_task(database: &Database) -> Store {
    let store = Store::connect(&database.url().parse::<DatabaseUrl>().unwrap()).await.unwrap();
    store.migrate("monolith", migrations()).await.unwrap();
    let rows = [
        "INSERT INTO repositories (id, name, language, reach, tracked, version) VALUES ('r', 'o/r', 'rust', 50, 1, 1)".to_owned(),
        "INSERT INTO items (id, repository_id, item_key, node_id, number, kind, title, url, author, state, labels, difficulty, \
                            comments, reactions, created_at, updated_at, version) \
         VALUES ('i', 'r', 'o/r#1', 'n', 1, 'issue', 't', 'u', 'a', 'open', '[]', 'unknown', 0, 0, 1, 1, 1)"
            .to_owned(),
        format!(
            "INSERT INTO tasks (id, item_id, repository_id, item_key, opened_at, status, reach, impact, confidence, effort, rice_set, \
                                version, created_at, updated_at) \
             VALUES ('{TASK}', 'i', 'r', 'o/r#1', 1, 'intake', 50, 1.5, 0.8, 3, 0, 1, 1, 1)"
        ),
    ];
    for row in rows {
        Query::assembled(row).execute(&store).await.unwrap();
    }
    store
}

async fn a_write_that_was_begun_before_midnight_does_not_bring_yesterdays_score_back(database: Database) {
    let store = with_a_task(&database).await;
    let scores = Scores::of(store.clone(), TABLES).await.unwrap();
    let today = time::today();

    let due = TaskChange { due_date: Some(Some(time::date(today + 3).unwrap())), ..TaskChange::default() };
    let mut tx = store.begin_write().await.unwrap();
    tasks::change(&store, &mut tx, TASK, &due, |_| Ok(()), Who::Api).await.unwrap();
    let midnight = tokio::spawn(async move { scores.on(today + 1).await });
    // Time to go wrong in: whoever does not wait is done by then.
    tokio::time::sleep(Duration::from_millis(300)).await;
    tx.commit().await.unwrap();
    assert_eq!(midnight.await.unwrap().unwrap(), today + 1);

    let (precedence, due_day): (f64, i64) =
        query("SELECT precedence, due_day FROM tasks").fetch_one(&store).await.unwrap();
    let fields = Fields {
        status: "intake".to_owned(),
        assignee: None,
        due_day: Some(due_day),
        reach: 50.0,
        impact: 1.5,
        confidence: 0.8,
        effort: 3.0,
        rice_set: 0,
    };
    assert_ne!(fields.precedence(today), fields.precedence(today + 1), "the day makes no difference");
    assert_eq!(precedence, fields.precedence(today + 1));
}

async fn tasks_are_counted_again_when_many_have_moved(database: Database) {
    let store = with_a_task(&database).await;
    let scores = Scores::of(store.clone(), TABLES).await.unwrap();
    for turn in 0..400 {
        let mut tx = store.begin_write().await.unwrap();
        let rice = domain::RiceChange { reach: Some(f64::from(turn % 2)), ..domain::RiceChange::default() };
        let change = TaskChange { rice: Some(rice), ..TaskChange::default() };
        tasks::change(&store, &mut tx, TASK, &change, |_| Ok(()), Who::Api).await.unwrap();
        tx.commit().await.unwrap();
    }
    let counted = async || -> (i64, i64) {
        query("SELECT (SELECT count(*) FROM task_moves), (SELECT count(*) FROM task_counts WHERE tasks = 1 AND before = 0)")
            .fetch_one(&store)
            .await
            .unwrap()
    };
    assert_eq!(counted().await, (800, 1));
    scores.count_anew().await.unwrap();
    assert_eq!(counted().await, (0, 1));
}

/// An open issue of a repository, as GitHub tells of it.
fn opened(repository: &str, number: i64) -> Told {
    let snapshot = Snapshot {
        key: format!("{repository}#{number}").parse().unwrap(),
        node_id: format!("{repository} {number}"),
        kind: Kind::Issue,
        title: "It does not work".to_owned(),
        url: String::new(),
        author: Actor::of_webhook("asker".to_owned()),
        state: State::Open,
        labels: Some(Vec::new()),
        comments: Some(0),
        reactions: Some(0),
        created_at: number,
        updated_at: number,
        closed_at: None,
    };
    Told { snapshot, entries: Vec::new(), listed: true, whole: None }
}

async fn ranks_are_right_as_soon_as_another_process_tracks_other_repositories(database: Database) {
    let store = with_a_task(&database).await;
    let repository = |name: &str, reach: f64| Repository {
        name: name.parse().unwrap(),
        language: "rust".parse().unwrap(),
        reach,
    };
    let (kept, dropped) = (repository("o/r", 50.0), repository("o/dropped", 100.0));
    let before = Catalogue { repositories: vec![kept.clone(), dropped.clone()] };
    let after = Catalogue { repositories: vec![kept] };
    // What a process does that still has the old catalogue.
    let tell = async |number: i64| {
        let mut tx = store.begin_write().await.unwrap();
        let known = tracked(&mut tx, &dropped.name).await.unwrap();
        let told = [opened(dropped.name.as_str(), number)];
        let _ = sync::apply(&store, &mut tx, &known, &told, Origin::Webhook, None).await.unwrap();
        tx.commit().await.unwrap();
    };
    let rank = async || api::tasks::find(&store, TASK).await.unwrap().rank;

    sync::track(&store, &before).await.unwrap();
    let _ = Scores::of(store.clone(), TABLES).await.unwrap();
    tell(1).await;
    assert_eq!(rank().await, Some(2));
    sync::track(&store, &after).await.unwrap();
    assert_eq!(rank().await, Some(1), "what is tracked no more stands before");
    tell(2).await;
    assert_eq!(rank().await, Some(1), "what is tracked no more moves others");
    sync::track(&store, &before).await.unwrap();
    assert_eq!(rank().await, Some(3));
}
