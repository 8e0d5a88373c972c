//! Client and server of different ages.

use acceptance::{
    serde_json::{Value, json},
    tokio,
};
use domain::{Task, TaskQuery};
use prost_reflect::{DynamicMessage, ReflectMessage};
use step_02_contracts::Fault;
use step_02_contracts::backlog::Update;
use step_05_api::{
    answer,
    prost::Message,
    tonic::metadata::MetadataMap,
    v1::{self, TaskStatus},
};

use crate::{
    fake::Does,
    reflected::Service,
    sample::{self, ID, parse},
    schema::{PACKAGE, bytes, newer, of, older, ours},
    server::{Server, TOKEN},
};

/// The sample in the JSON of our schema, as a newer backlog would fill it.
fn task() -> Value {
    let bytes = v1::Task::from(sample::task()).encode_to_vec();
    let task = DynamicMessage::decode(of(&ours(), "Task"), bytes.as_slice()).expect("it is ours");
    acceptance::serde_json::to_value(task).expect("it has a JSON form")
}

/// The task of an answer in bytes.
fn read(bytes: &[u8]) -> Result<Task, Fault> {
    answer(v1::Task::decode(bytes).expect("it is a message"))
}

#[test]
fn a_reader_passes_over_fields_that_came_later() {
    let mut later = task();
    later["colour"] = "blue".into();
    assert_eq!(read(&bytes(&newer(), "Task", &later)).expect("a task"), sample::task());
    let query = json!({"colour": "blue", "assignee": "mona"});
    let request = v1::ListTasksRequest::decode(bytes(&newer(), "ListTasksRequest", &query).as_slice());
    let query = TaskQuery::try_from(request.expect("a message")).expect("a query");
    assert_eq!(query.assignee, Some(parse("mona")));
}

#[test]
fn a_status_that_came_later_is_passed_on_and_never_taken_for_another() {
    let mut later = task();
    later["status"] = "TASK_STATUS_BLOCKED".into();
    let told = bytes(&newer(), "Task", &later);
    let message = v1::Task::decode(told.as_slice()).expect("it is a message");
    assert_eq!(message.status, 99);
    assert_eq!(v1::Task::decode(message.encode_to_vec().as_slice()).expect("a message").status, 99);
    // Nobody who asked did anything wrong, so it is not they who are told of a field.
    let refused = read(&told);
    let Err(Fault::Internal(cause)) = refused else { panic!("{refused:?}") };
    assert!(cause.to_string().contains("status has the value 99"), "{cause}");
    // Whoever sends it to us is told.
    let request = v1::UpdateTaskRequest { task: Some(message), by: 1, ..v1::UpdateTaskRequest::default() };
    let refused = Update::try_from(request).map(|update| update.id);
    assert!(matches!(&refused, Err(Fault::Invalid(errors)) if errors[0].field == "status"), "{refused:?}");
}

#[test]
fn what_an_older_backlog_does_not_send_is_absent_and_not_0() {
    let mut before = task();
    for later in ["dueDate", "rice", "rank"] {
        before.as_object_mut().expect("a message").remove(later);
    }
    let told = bytes(&older(), "Task", &before);
    let message = v1::Task::decode(told.as_slice()).expect("it is a message");
    assert_eq!((&message.due_date, message.rank), (&None, None));
    let Err(Fault::Internal(cause)) = read(&told) else { panic!("without factors it is no task") };
    assert!(cause.to_string().contains("rice must be given"), "{cause}");
    let rice = Some(v1::Rice { reach: None, ..v1::Task::from(sample::task()).rice.unwrap_or_default() });
    let task = answer::<Task>(v1::Task { rice, ..message });
    let Err(Fault::Internal(cause)) = task else { panic!("a factor is absent") };
    assert!(cause.to_string().contains("rice.reach must be given"), "{cause}");
}

#[test]
fn an_older_process_in_between_that_keeps_what_it_does_not_know_loses_nothing() {
    let told = v1::Task::from(sample::task());
    let between = DynamicMessage::decode(of(&older(), "Task"), told.encode_to_vec().as_slice());
    let between = between.expect("it is a message");
    assert!(between.descriptor().get_field_by_name("rice").is_none(), "it knows of no factors");
    assert_eq!(v1::Task::decode(between.encode_to_vec().as_slice()).expect("a message"), told);
}

#[tokio::test]
async fn an_older_client_asks_a_newer_backlog() {
    let server = Server::start(Does::Answer);
    let schema = older();
    let service = schema.get_service_by_name(&format!("{PACKAGE}.Backlog")).expect("it is there");
    let client = Service::known(server.channel(), service);
    let mut metadata = MetadataMap::new();
    metadata.insert("authorization", parse(&format!("Bearer {TOKEN}")));

    let task = client.call("GetTask", &json!({"id": ID}), metadata.clone()).await.expect("a task");
    assert_eq!((&task["assignee"], task.get("rice")), (&json!("mona"), None));
    let change = json!({"task": {"id": ID, "status": "TASK_STATUS_DONE"}, "by": "BY_API"});
    client.call("UpdateTask", &change, metadata).await.expect("a task");
    let asked = server.fake.asked().pop().expect("it was asked");
    for stays in ["status: Some(Done)", "assignee: None", "due_date: None", "rice: None"] {
        assert!(asked.contains(stays), "{stays} is not in {asked}");
    }
}

#[test]
fn every_status_is_known_on_both_sides() {
    // A status that somebody adds to the file alone would be refused by our own client.
    for number in 1..=domain::Status::ALL.len() {
        let number = i32::try_from(number).expect("there are few");
        let status = TaskStatus::try_from(number).expect("the numbers have no gap");
        let told = v1::Task { status: status.into(), ..sample::task().into() };
        let name = format!("TASK_STATUS_{}", answer::<Task>(told).expect("a task").status).to_uppercase();
        assert_eq!(status.as_str_name(), name);
    }
}
