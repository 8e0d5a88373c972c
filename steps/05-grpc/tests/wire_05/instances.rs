//! Several instances: each is asked, and one that dies is not missed.

use std::time::Duration;

use acceptance::{
    eventually,
    tokio::{self, time::Instant},
};
use step_02_contracts::{Backlog, Fault};
use step_05_client::GrpcBacklog;

use crate::{
    fake::Does,
    sample::{ID, parse},
    server::{Server, client, waits},
};

async fn ask(client: &GrpcBacklog, times: usize) -> Vec<Fault> {
    let mut faults = vec![];
    for _ in 0..times {
        if let Err(fault) = client.task(&waits(3_000), parse(ID)).await {
            faults.push(fault);
        }
    }
    faults
}

#[tokio::test]
async fn two_share_the_calls_one_dies_and_nobody_notices_and_it_comes_back() {
    let (first, mut second) = (Server::start(Does::Answer), Server::start(Does::Answer));
    let client = client(&[first.url(), second.url()]);
    assert!(ask(&client, 40).await.is_empty());
    assert_eq!((first.fake.calls(), second.fake.calls()), ((20, 0), (20, 0)));

    second.kill();
    let (begun, faults) = (Instant::now(), ask(&client, 100).await);
    assert!(faults.is_empty(), "{} of 100 calls failed: {:?}", faults.len(), faults.first());
    // A connection that holds small writes back costs each call 40 ms.
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
    assert_eq!(first.fake.calls(), (120, 0));

    let again = Server::start_at(second.address, Does::Answer);
    eventually("the second is asked again", async || {
        assert!(ask(&client, 2).await.is_empty());
        (again.fake.calls().0 > 0).then_some(())
    })
    .await;
}

#[tokio::test]
async fn what_may_have_arrived_is_not_repeated() {
    let (mut first, second) =
        (Server::start(Does::Stall(Duration::from_secs(9))), Server::start(Does::Answer));
    let client = client(&[first.url(), second.url()]);
    let asked = tokio::spawn(async move { client.remove_rule(&waits(5_000), parse(ID)).await });
    acceptance::becomes((1, 1), async || first.fake.calls()).await;
    first.kill();
    let answer = asked.await.expect("no panic");
    assert!(matches!(&answer, Err(Fault::Unavailable(who)) if who == "backlog"), "{answer:?}");
    assert_eq!(second.fake.calls(), (0, 0), "whether the rule is gone nobody knows");
}

#[tokio::test]
async fn with_none_there_the_answer_comes_at_once_and_says_who() {
    let (mut first, mut second) = (Server::start(Does::Answer), Server::start(Does::Answer));
    let client = client(&[first.url(), second.url()]);
    first.kill();
    second.kill();
    let begun = Instant::now();
    let refused = client.task(&waits(5_000), parse(ID)).await;
    assert!(matches!(&refused, Err(Fault::Unavailable(who)) if who == "backlog"), "{refused:?}");
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
    let first = Server::start_at(first.address, Does::Answer);
    assert!(client.task(&waits(3_000), parse(ID)).await.is_ok(), "{}", first.address);
}

#[tokio::test]
async fn one_that_hangs_costs_one_caller_and_is_asked_again_later() {
    let (first, second) = (Server::start(Does::Stall(Duration::from_secs(9))), Server::start(Does::Answer));
    let client = client(&[first.url(), second.url()]);
    let mut faults = vec![];
    for _ in 0..20 {
        faults.extend(client.task(&waits(1_500), parse(ID)).await.err());
    }
    assert!(matches!(faults[..], [Fault::DeadlineExceeded]), "{faults:?}");
    first.fake.now_does(Does::Answer);
    eventually("it is asked again", async || {
        assert!(ask(&client, 2).await.is_empty());
        (first.fake.calls().0 > 1).then_some(())
    })
    .await;
}
