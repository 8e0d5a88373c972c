//! Whoever knows nothing of us can ask what we speak, and speak it.

use acceptance::{serde_json::json, tokio};
use chassis::serve::Stop;
use step_05_api::tonic::{Code, Status, metadata::MetadataMap};
use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};

use crate::{
    fake::Does,
    reflected::Service,
    sample::{ID, parse},
    server::{Server, TOKEN},
};

const NAME: &str = "automator.backlog.v1.Backlog";
const SERVING: i32 = 1;
const NOT_SERVING: i32 = 2;

fn authorized() -> MetadataMap {
    let mut metadata = MetadataMap::new();
    metadata.insert("authorization", parse(&format!("Bearer {TOKEN}")));
    metadata
}

#[tokio::test]
async fn a_client_without_our_schema_asks_for_it_and_calls_us() {
    let server = Server::start(Does::Answer);
    let service = Service::ask(server.channel(), NAME).await.expect("it says what it speaks");
    let methods = [
        "CreateRule",
        "DeleteRule",
        "GetTask",
        "HandleEvents",
        "ListHistory",
        "ListRules",
        "ListTasks",
        "ListWorkload",
        "UpdateTask",
    ];
    assert_eq!(service.methods(), methods);

    let page = json!({"pageSize": 2, "status": "TASK_STATUS_DONE"});
    let tasks = service.call("ListTasks", &page, authorized()).await.expect("a page");
    assert_eq!(tasks["nextPageToken"], "next");
    let (first, second) = (&tasks["tasks"][0], &tasks["tasks"][1]);
    assert_eq!((&first["id"], &first["status"]), (&json!(ID), &json!("TASK_STATUS_FEEDBACK_RECEIVED")));
    assert_eq!((&first["rice"]["reach"], &first["dueDate"]), (&json!(0.0), &json!("2030-01-02")));
    assert_eq!((second.get("dueDate"), second.get("rank")), (None, None), "what is absent is not empty");
    assert!(server.fake.asked()[0].contains("status: Some(Done)"), "{:?}", server.fake.asked());
}

#[tokio::test]
async fn what_a_generic_client_does_wrong_it_is_told() {
    let server = Server::start(Does::Answer);
    let service = Service::ask(server.channel(), NAME).await.expect("it says what it speaks");
    let cases = [
        ("GetTask", json!({"id": "no"}), "id"),
        ("ListTasks", json!({"pageSize": -1}), "page_size"),
        ("ListTasks", json!({"status": 99}), "status"),
        ("ListTasks", json!({"status": 0}), "status"),
        ("ListTasks", json!({"sort": 99}), "sort"),
        ("ListTasks", json!({"assignee": "a b"}), "assignee"),
        ("ListHistory", json!({"taskId": ID}), "limit"),
        ("ListWorkload", json!({"logins": ["a b"]}), "logins"),
        ("UpdateTask", json!({}), "task"),
        ("UpdateTask", json!({"task": {"id": ID}}), "by"),
        ("UpdateTask", json!({"task": {"id": ID}, "by": 1, "updateMask": "version"}), "update_mask"),
        ("UpdateTask", json!({"task": {"id": ID}, "by": 1, "updateMask": "status"}), "status"),
        ("UpdateTask", json!({"task": {"id": ID}, "by": 1, "updateMask": "rice.effort"}), "rice.effort"),
        ("CreateRule", json!({}), "when"),
        ("CreateRule", json!({"rule": {"trigger": 1, "actions": [{}]}}), "then[0]"),
        ("CreateRule", json!({"rule": {"trigger": 1, "conditions": {"author": 3}}}), "if.author"),
        ("HandleEvents", json!({"events": [{"id": ID, "time": "2030-01-02T03:04:05Z"}]}), "events.data"),
    ];
    for (method, message, field) in cases {
        let error = service.call(method, &message, authorized()).await.expect_err("it is refused");
        let status = error.downcast_ref::<Status>().expect("a status");
        assert_eq!(status.code(), Code::InvalidArgument, "{method} {message}: {status}");
        let fields = kit_05_grpc::details::fields(status);
        assert_eq!(fields.iter().map(|error| error.field.as_str()).collect::<Vec<_>>(), [field]);
    }
    assert!(server.fake.asked().is_empty(), "{:?}", server.fake.asked());
    assert!(service.call("Nothing", &json!({}), authorized()).await.is_err());
    assert!(service.call("GetTask", &json!({"name": 1}), authorized()).await.is_err());
}

#[tokio::test]
async fn a_change_without_a_mask_is_of_what_is_there() {
    let server = Server::start(Does::Answer);
    let service = Service::ask(server.channel(), NAME).await.expect("it says what it speaks");
    let change = json!({"task": {"id": ID, "assignee": "mona", "rice": {"reach": 0.0}}, "by": "BY_API"});
    service.call("UpdateTask", &change, authorized()).await.expect("a task");
    let asked = &server.fake.asked()[0];
    assert!(asked.contains("status: None") && asked.contains("due_date: None"), "{asked}");
    assert!(asked.contains("Some(Some(Login(\"mona\")))") && asked.contains("reach: Some(0.0)"), "{asked}");
}

async fn health(client: &mut HealthClient<step_05_api::tonic::transport::Channel>, service: &str) -> i32 {
    let request = HealthCheckRequest { service: service.to_owned() };
    client.check(request).await.expect("an answer").into_inner().status
}

#[tokio::test]
async fn it_is_healthy_until_it_drains() {
    let server = Server::start(Does::Stall(std::time::Duration::from_secs(3)));
    let mut client = HealthClient::new(server.channel());
    acceptance::becomes(SERVING, async || health(&mut client.clone(), NAME).await).await;
    assert_eq!(health(&mut client, "").await, SERVING);
    let mut watched =
        client.watch(HealthCheckRequest { service: NAME.to_owned() }).await.expect("a stream").into_inner();
    assert_eq!(watched.message().await.expect("a word").expect("a word").status, SERVING);
    Stop::stop(&server.stop);
    let last = watched.message().await.expect("a word").expect("a word").status;
    assert_eq!(last, NOT_SERVING, "who watches is told before the connection ends");
}
