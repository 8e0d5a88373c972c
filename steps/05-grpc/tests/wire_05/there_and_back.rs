//! What goes in at one end comes out at the other.

use acceptance::tokio;
use chassis::Problem;
use domain::{FieldError, Limit, NewRule, PageQuery, RiceChange, TaskChange, TaskQuery};
use step_02_contracts::{
    Backlog, Fault, Handler, IdempotencyKey, Recorded,
    backlog::{By, Update},
};

use crate::{
    fake::Does,
    sample::{self, ID, parse},
    server::{Server, waits},
};

#[tokio::test]
async fn what_a_list_is_asked_for_arrives_and_its_page_returns() {
    let server = Server::start(Does::Answer);
    let (client, ctx) = (server.client(), waits(5_000));
    let mut told = vec![];
    for query in [TaskQuery::default(), sample::query()] {
        told.push(format!("{query:?}"));
        assert_eq!(client.tasks(&ctx, query).await.expect("a page"), sample::tasks());
    }
    let query = PageQuery { cursor: Some("r".to_owned()), limit: Limit::new(1).expect("a limit") };
    told.push(format!("{query:?}"));
    let rules = client.rules(&ctx, query).await.expect("a page");
    assert_eq!((rules.items, rules.next_cursor), (vec![sample::rule()], None));
    assert_eq!(server.fake.asked(), told);
}

#[tokio::test]
async fn what_is_asked_about_one_task_arrives_and_the_answer_returns() {
    let server = Server::start(Does::Answer);
    let (client, ctx) = (server.client(), waits(5_000));
    let id = parse(ID);
    assert_eq!(client.task(&ctx, id).await.expect("a task"), sample::task());
    assert_eq!(client.history(&ctx, id, 50).await.expect("a history"), sample::history());
    let logins = [parse("mona"), parse("hubot")];
    assert_eq!(client.workload(&ctx, &logins, 3).await.expect("a workload"), sample::workload());
    let told = [format!("{id:?}"), format!("{:?}", (id, 50)), format!("{:?}", (&logins, 3))];
    assert_eq!(server.fake.asked(), told);
}

#[tokio::test]
async fn a_change_says_what_stays_what_is_new_and_what_is_taken_away() {
    let server = Server::start(Does::Answer);
    let (client, ctx) = (server.client(), waits(5_000));
    let nothing = TaskChange::default();
    let away = TaskChange { assignee: Some(None), due_date: Some(None), ..TaskChange::default() };
    let one = TaskChange {
        rice: Some(RiceChange { reach: Some(0.0), ..RiceChange::default() }),
        ..TaskChange::default()
    };
    let cases = [
        (nothing, None, By::Api),
        (away, Some(vec![]), By::Page),
        (one, Some(vec![7]), By::Api),
        (sample::change(), Some(vec![1, i64::MAX]), By::Page),
    ];
    let mut told = vec![];
    for (change, expected, by) in cases {
        let update = Update { id: parse(ID), change, expected, by };
        told.push(format!("{update:?}"));
        let task = client.change(&ctx, update).await.expect("a task");
        assert_eq!(task, sample::bare_task());
    }
    assert_eq!(server.fake.asked(), told);
}

#[tokio::test]
async fn a_rule_goes_there_and_back_with_the_key_of_its_request() {
    let server = Server::start(Does::Answer);
    let (client, ctx) = (server.client(), waits(5_000));
    let key = IdempotencyKey {
        key: "k".to_owned(),
        route: "POST /api/rules".to_owned(),
        fingerprint: "f".to_owned(),
    };
    let bare = NewRule { conditions: domain::Conditions::default(), then: vec![], ..sample::new_rule() };
    let mut told = vec![];
    for (key, new) in [(None, bare), (Some(key), sample::new_rule())] {
        told.push(format!("{:?}", (&key, &new)));
        let replayed = key.is_some();
        let once = client.add_rule(&ctx, key, new).await.expect("a rule");
        assert_eq!((once.value, once.replayed), (sample::rule(), replayed));
    }
    client.remove_rule(&ctx, parse(ID)).await.expect("it is gone");
    told.push(format!("{:?}", parse::<step_05_api::Uuid>(ID)));
    assert_eq!(server.fake.asked(), told);
}

#[tokio::test]
async fn events_arrive_as_they_were_recorded() {
    let server = Server::start(Does::Answer);
    let (client, ctx) = (server.client(), waits(5_000));
    let events = [sample::event(), sample::event()];
    client.handle(&ctx, &events).await.expect("they are taken");
    client.handle(&ctx, &[]).await.expect("none are no call");
    assert_eq!(server.fake.asked(), [format!("{:?}", &events)]);
}

#[tokio::test]
async fn many_events_go_in_several_calls_and_in_order() {
    let server = Server::start(Does::Answer);
    let mut event = sample::event();
    event.data = "x".repeat(1_500_000).into();
    let numbered = |version| Recorded { version, ..event.clone() };
    let events: Vec<_> = (0..9).map(numbered).collect();
    server.client().handle(&waits(9_000), &events).await.expect("they are taken");
    let asked = server.fake.asked();
    assert!(asked.len() > 1, "13 MB went in one call");
    let told = asked.concat();
    let places: Vec<_> = (0..9).map(|number| told.find(&format!("version: {number},"))).collect();
    assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{places:?}");
}

#[tokio::test]
async fn every_fault_is_the_same_problem_as_in_one_process() {
    let faults = [
        Fault::NotFound(format!("task {ID}")),
        Fault::Invalid(vec![
            FieldError::new("rice.effort", "must be above 0 and at most 100"),
            FieldError::new("then[0].comment", "must have 1 to 10000 characters, «é» too"),
        ]),
        Fault::Taken("the name thanks".to_owned()),
        Fault::VersionMismatch { current: i64::MAX },
        Fault::Unavailable("github".to_owned()),
        Fault::DeadlineExceeded,
        Fault::internal("password=hunter2 at SELECT 1"),
    ];
    for fault in faults {
        let server = Server::start(Does::Refuse(fault.clone()));
        let refused = server.client().task(&waits(5_000), parse(ID)).await.expect_err("it is refused");
        assert_eq!(Problem::from(&refused), Problem::from(&fault));
        assert!(!format!("{refused:?}").contains("hunter2"), "the source went over the wire");
    }
}

#[tokio::test]
async fn a_panic_is_our_mistake_and_the_next_call_is_answered() {
    let server = Server::start(Does::Panic);
    let client = server.client();
    for _ in 0..2 {
        let refused = client.task(&waits(5_000), parse(ID)).await;
        assert!(matches!(refused, Err(Fault::Internal(_))), "{refused:?}");
    }
    assert_eq!(server.fake.calls(), (2, 0));
}
