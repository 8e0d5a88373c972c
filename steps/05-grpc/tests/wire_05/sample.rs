//! One of each, with every field set.

use domain::{
    Action, Conditions, HistoryLine, Limit, NewRule, Notify, Page, Rice, RiceChange, Rule, Task, TaskChange,
    TaskQuery,
};
use step_02_contracts::{
    Event, Recorded, TeamEvent,
    backlog::{By, Update, Workload},
};

/// A value from its text form.
pub(crate) fn parse<T: std::str::FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
    text.parse().expect("the sample is well formed")
}

pub(crate) const ID: &str = "0b5c6f52-6f0e-5c59-9d0c-4c5a1f6a7a11";

pub(crate) fn task() -> Task {
    Task {
        id: parse(ID),
        item: domain::Item {
            key: parse("sendgrid/rest#87"),
            repository: parse("sendgrid/rest"),
            language: parse("java"),
            number: 87,
            kind: domain::Kind::PullRequest,
            title: "Ça casse le dimanche ☂".to_owned(),
            url: "https://github.com/sendgrid/rest/pull/87".to_owned(),
            author: "octocat[bot]".to_owned(),
            state: domain::State::Merged,
            labels: vec!["type: bug".to_owned(), String::new()],
            category: Some(domain::Category::Bug),
            difficulty: domain::Difficulty::VeryHard,
            comments: 3,
            reactions: i64::MAX,
            created_at: parse("1969-12-31T23:59:59.5Z"),
            updated_at: parse("2030-01-02T03:04:05.123456789Z"),
            closed_at: Some(parse("2030-01-02T03:04:05Z")),
            waiting: Some(domain::Waiting::Response),
            waiting_since: Some(parse("2030-01-02T03:04:05.001Z")),
        },
        status: domain::Status::FeedbackReceived,
        assignee: Some(parse("mona")),
        due_date: Some(parse("2030-01-02")),
        rice: Rice { reach: 0.0, impact: 0.1, confidence: 1.0, effort: 1e-9 },
        score: 1.0 / 3.0,
        rank: Some(1),
        version: 7,
        updated_at: parse("2030-01-02T03:04:05.678Z"),
    }
}

/// The same, with nothing that may be absent.
pub(crate) fn bare_task() -> Task {
    let task = task();
    let item = domain::Item {
        labels: vec![],
        category: None,
        closed_at: None,
        waiting: None,
        waiting_since: None,
        ..task.item
    };
    Task { item, assignee: None, due_date: None, rank: None, ..task }
}

pub(crate) fn tasks() -> Page<Task> {
    Page { items: vec![task(), bare_task()], next_cursor: Some("next".to_owned()) }
}

pub(crate) fn history() -> Vec<HistoryLine> {
    let line = |before: Option<&str>, after: Option<&str>| HistoryLine {
        at: parse("2030-01-02T03:04:05Z"),
        who: "rule thanks".to_owned(),
        field: "assignee".to_owned(),
        before: before.map(str::to_owned),
        after: after.map(str::to_owned),
        version: 2,
    };
    // An empty text is not none.
    vec![line(None, Some("mona")), line(Some(""), None)]
}

pub(crate) fn workload() -> Vec<Workload> {
    vec![
        Workload { login: parse("mona"), first: vec![task()], all: 3 },
        Workload { login: parse("hubot"), first: vec![], all: 0 },
    ]
}

pub(crate) fn new_rule() -> NewRule {
    NewRule {
        name: "thanks".to_owned(),
        when: domain::Trigger::LabelAdded,
        conditions: Conditions {
            kind: Some(domain::Kind::Issue),
            category: Some(domain::Category::Support),
            language: Some(parse("java")),
            status: Some(domain::Status::Intake),
            author: Some(domain::Side::Community),
            label: Some("security".to_owned()),
        },
        then: vec![
            Action::SetStatus(domain::Status::Deferred),
            Action::Assign(parse("mona")),
            Action::AddReach(-5.5),
            Action::Comment("Thank you, {author}!".to_owned()),
            Action::Notify(Notify {
                channel: domain::Channel::Sms,
                to: "on_call".to_owned(),
                text: "x".to_owned(),
            }),
        ],
    }
}

pub(crate) fn rule() -> Rule {
    let NewRule { name, when, conditions, then } = new_rule();
    Rule { id: parse(ID), name, when, conditions, then }
}

/// As team tells it.
pub(crate) fn event() -> Recorded {
    let event = TeamEvent::MemberJoined { login: parse("mona") };
    let recorded = Recorded::now(&event).expect("it has a JSON form");
    Recorded { version: event.version() + 1, ..recorded }
}

/// The same event whenever it is asked for.
pub(crate) fn told() -> Recorded {
    Recorded { id: parse(ID), time: parse("2030-01-02T03:04:05.678Z"), ..event() }
}

pub(crate) fn query() -> TaskQuery {
    TaskQuery {
        status: Some(domain::Status::Done),
        assignee: Some(parse("mona")),
        language: Some(parse("java")),
        kind: Some(domain::Kind::Issue),
        sort: domain::Sort::Due,
        cursor: Some("c".to_owned()),
        limit: Limit::new(100).expect("a limit"),
    }
}

/// A change of everything.
pub(crate) fn change() -> TaskChange {
    let rice = RiceChange { reach: Some(1e6), impact: Some(0.1), confidence: Some(1.0), effort: Some(1e-9) };
    TaskChange {
        status: Some(domain::Status::InProgress),
        assignee: Some(Some(parse("mona"))),
        due_date: Some(Some(parse("2030-01-02"))),
        rice: Some(rice),
    }
}

/// One that changes a status and takes an assignee away.
pub(crate) fn update() -> Update {
    let change = TaskChange { assignee: Some(None), status: change().status, ..TaskChange::default() };
    Update { id: parse(ID), change, expected: Some(vec![1, 7]), by: By::Page }
}
