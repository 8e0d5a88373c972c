//! Who may ask.

use acceptance::tokio;
use chassis::auth::Secret;
use step_02_contracts::{Backlog, Fault};
use step_05_api::{
    tonic::{Code, Request},
    v1::{GetTaskRequest, backlog_client::BacklogClient},
};
use step_05_client::GrpcBacklog;

use crate::{
    fake::Does,
    sample::{ID, parse},
    server::{Server, TOKEN, client, waits},
};

#[tokio::test]
async fn nobody_asks_without_the_token_of_services() {
    let server = Server::start(Does::Answer);
    let shown = ["", "Bearer", "Bearer other", &format!("Basic {TOKEN}"), TOKEN];
    for shown in shown {
        let mut request = Request::new(GetTaskRequest { id: ID.to_owned() });
        request.metadata_mut().insert("authorization", parse(shown));
        let refused =
            BacklogClient::new(server.channel()).get_task(request).await.expect_err("it is refused");
        assert_eq!(refused.code(), Code::Unauthenticated, "with {shown:?}");
    }
    assert!(server.fake.asked().is_empty());
}

#[tokio::test]
async fn a_client_with_another_token_says_that_we_are_at_fault_and_not_the_caller() {
    let server = Server::start(Does::Answer);
    let stranger = GrpcBacklog::new(&[server.url()], &parse::<Secret>("other")).expect("an address");
    let refused = stranger.task(&waits(5_000), parse(ID)).await;
    assert!(matches!(refused, Err(Fault::Internal(_))), "{refused:?}");
}

#[tokio::test]
async fn an_address_may_end_in_a_slash() {
    let server = Server::start(Does::Answer);
    let answer = client(&[format!("{}/", server.url())]).task(&waits(5_000), parse(ID)).await;
    assert!(answer.is_ok(), "{answer:?}");
}

#[test]
fn a_client_wants_addresses() {
    let token: Secret = parse(TOKEN);
    let none: [&str; 0] = [];
    assert!(GrpcBacklog::new(&none, &token).is_err());
    for wrong in ["", "backlog", "https://backlog:1", "/x", "http://"] {
        assert!(GrpcBacklog::new(&[wrong], &token).is_err(), "{wrong:?}");
    }
}
