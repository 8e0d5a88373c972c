//! What the modules tell each other: an envelope that is whole, and nothing that only the team should know.

#![expect(clippy::unwrap_used, reason = "a test")]

mod in_process;

use std::{collections::BTreeSet, sync::Arc};

use acceptance::{Database, serde_json};
use domain::{MemberChange, NewMember, Role, Status, TaskChange};
use step_02_contracts::backlog::{By, Update};

use in_process::{Ear, ctx, delivery, modules};

const NAME: &str = "Mona Lisa";
const EMAIL: &str = "mona@private.example";
const PHONE: &str = "+15550009999";

#[tokio::test]
async fn every_event_has_id_version_and_origin_and_nothing_personal() {
    let database = Database::sqlite().unwrap();
    let ear = Arc::new(Ear::default());
    let modules = modules(&database, Some(ear.clone())).await;
    let mona = NewMember {
        login: "mona".to_owned(),
        name: NAME.to_owned(),
        email: EMAIL.to_owned(),
        phone: Some(PHONE.to_owned()),
        role: Some(Role::Maintainer),
        on_call: true,
    };
    let _ = modules.ports.team.join(&ctx(), None, mona).await.unwrap();
    modules.ports.github.deliver(&ctx(), delivery("opened", "2019-06-01T00:00:00Z")).await.unwrap();
    modules.ports.github.deliver(&ctx(), delivery("labeled", "2019-06-02T00:00:00Z")).await.unwrap();
    let _ = ear.all().await;
    let tasks = modules.ports.backlog.tasks(&ctx(), domain::TaskQuery::default()).await.unwrap();
    let change = TaskChange {
        status: Some(Status::InProgress),
        assignee: Some(Some("mona".parse().unwrap())),
        ..TaskChange::default()
    };
    let _ = modules
        .ports
        .backlog
        .change(&ctx(), Update { id: tasks.items[0].id, change, expected: None, by: By::Page })
        .await
        .unwrap();
    let left = MemberChange { active: Some(false), ..MemberChange::default() };
    let _ = modules.ports.team.change(&ctx(), "mona", left).await.unwrap();

    let told = ear.all().await;
    let kinds: BTreeSet<&str> = told.iter().map(|event| event.kind.as_str()).collect();
    let expected = [
        "backlog.task_assigned",
        "backlog.task_created",
        "backlog.task_status_changed",
        "github.item_changed",
        "github.item_opened",
        "team.member_joined",
        "team.member_left",
    ];
    assert_eq!(kinds, BTreeSet::from(expected));
    let ids: BTreeSet<_> = told.iter().map(|event| event.id).collect();
    assert_eq!(ids.len(), told.len(), "two events have one id");
    for event in &told {
        assert_eq!(event.id.get_version_num(), 7, "{event:?}");
        assert!(event.version >= 1 && !event.origin.is_empty() && !event.subject.is_empty(), "{event:?}");
        let text = serde_json::to_string(event).unwrap();
        for personal in [NAME, EMAIL, PHONE] {
            assert!(!text.contains(personal), "{personal} goes from module to module: {text}");
        }
    }
    let origins: BTreeSet<&str> = told.iter().map(|event| event.origin.as_str()).collect();
    assert_eq!(origins, BTreeSet::from(["api", "page", "webhook"]));
}
