//! 07.1: the event is a row. Over a model of database and feed, in which a process can be killed at each step; and over the
//! real ones.

mod model;

use std::collections::{BTreeMap, HashSet};

use acceptance::tokio;
use chassis::Fault;
use step_07_events::pieces::outbox::{before_commit, committed, relay_once};

use self::model::{Answer, Process, World, texts};
use crate::{
    life::{Dice, Life, at_once, boxed},
    real,
};

/// What happens when Ana changes a task: the change and its message in one transaction.
async fn changes(process: &Process, task: &str, text: &str) -> Result<(), Fault> {
    let message = model::message(task, text);
    let mut tx = process.begin().await;
    before_commit(&mut tx, process, std::slice::from_ref(&message)).await?;
    tx.commit(task, text).await;
    committed(process, vec![message]);
    process.do_later().await;
    Ok(())
}

/// Relays until nothing is left to do; a failure is tried again a little later. Whoever always has something to do is stopped.
async fn relay_all(process: &Process) {
    let mut idle = 0;
    for _ in 0..300 {
        match relay_once(process, process).await {
            Ok(0) if idle == 2 => return,
            Ok(0) => {
                idle += 1;
                process.world.later();
            }
            Ok(_) => {}
            Err(_) => process.world.later(),
        }
    }
}

/// The texts about each task, each at its first arrival.
fn first_arrivals(world: &World) -> BTreeMap<String, Vec<String>> {
    let mut seen = HashSet::new();
    let mut by: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for message in world.feed() {
        if seen.insert(message.id) {
            by.entry(message.subject.clone()).or_default().push(model::text(&message));
        }
    }
    by
}

#[tokio::test]
async fn a_request_waits_for_nobody_but_its_database() {
    let world = World::new();
    let process = world.process(Life::long());
    let done = changes(&process, "task 7", "is Mona's").await;
    assert!(done.is_ok(), "Ana gives task 7 to Mona, everything is well, and she is told {done:?}.");
    let sent = world.feed().len();
    assert!(
        sent == 0 && world.rows() == 1,
        "Ana gives task 7 to Mona. When her request has ended, the feed was sent {sent} messages and the outbox has {} rows. It \
         should be none and one: while the feed is away nobody could change a task, and what it has been sent before the \
         commit may never happen.",
        world.rows()
    );
}

#[tokio::test]
async fn what_is_rolled_back_is_told_to_nobody() {
    let world = World::new();
    let process = world.process(Life::long());
    let mut tx = process.begin().await;
    let message = model::message("task 7", "is Mona's");
    let _ = before_commit(&mut tx, &process, &[message]).await;
    // The disk is full: it does not commit.
    drop(tx);
    process.do_later().await;
    let (rows, sent) = (world.rows(), world.feed().len());
    relay_all(&process).await;
    assert!(
        rows + sent == 0,
        "Ana gave task 7 to Mona, but the transaction did not commit. There are {rows} rows in the outbox all the same, and \
         {sent} messages in the feed: Mona gets a mail about a task that is not hers."
    );
}

#[tokio::test]
async fn a_row_that_cannot_be_written_undoes_the_change() {
    let world = World::new();
    world.fail_next_insert();
    let done = changes(&world.process(Life::long()), "task 7", "is Mona's").await;
    assert!(
        done.is_err() && world.committed() == 0,
        "Ana gave task 7 to Mona. The row of the outbox could not be written, the change was committed all the same, and she was told \
         {done:?}: Mona never hears of it."
    );
}

#[tokio::test]
async fn what_has_committed_arrives_wherever_the_process_is_killed() {
    for steps in 0..200 {
        let world = World::new();
        let process = world.process(Life::of(steps));
        let lived = process.life.live(async {
            let _ = changes(&process, "task 7", "is Mona's").await;
            relay_all(&process).await;
        });
        let has_ended = lived.await.is_some();
        drop(process);
        world.later();
        let last = world.last_step();
        relay_all(&world.process(Life::long())).await;
        let (committed, arrived) = (world.committed(), world.feed().len());
        assert!(
            committed == 0 || arrived > 0,
            "Ana gave task 7 to Mona, and it was committed. The process was killed after {last}, and started again. Mona never \
             hears of it: the message is nowhere."
        );
        assert!(
            committed > 0 || arrived == 0,
            "The process was killed after {last}, and the change was never committed. Mona hears that task 7 is hers all the \
             same."
        );
        if has_ended {
            return;
        }
    }
    let never_ends = true;
    assert!(
        !never_ends,
        "The relay says that it has published something, again and again, and never comes to an end."
    );
}

#[tokio::test]
async fn what_the_feed_does_not_take_stays_and_keeps_its_order() {
    for answer in [Answer::Nothing, Answer::TheFirst, Answer::AllAndFails] {
        for failures in 1..4 {
            let world = World::new();
            let process = world.process(Life::long());
            world.fail_next(failures, answer);
            for text in ["is Mona's", "is begun", "is done"] {
                for task in ["task 7", "task 8"] {
                    let _ = changes(&process, task, text).await;
                }
            }
            relay_all(&process).await;
            let arrived = first_arrivals(&world);
            for task in ["task 7", "task 8"] {
                let texts = arrived.get(task).cloned().unwrap_or_default();
                assert!(
                    texts == ["is Mona's", "is begun", "is done"],
                    "The feed failed {failures} times ({answer}) and was well again. About {task} it was told {texts:?}, in this \
                     order. It should be \"is Mona's\", \"is begun\", \"is done\"."
                );
            }
        }
    }
}

#[tokio::test]
async fn an_older_transaction_that_commits_second_is_not_skipped() {
    let world = World::new();
    let process = world.process(Life::long());
    let (older, newer) = (model::message("task 7", "is Mona's"), model::message("task 8", "is Ben's"));
    let mut first = process.begin().await;
    let _ = before_commit(&mut first, &process, std::slice::from_ref(&older)).await;
    let mut second = process.begin().await;
    let _ = before_commit(&mut second, &process, std::slice::from_ref(&newer)).await;
    second.commit("task 8", "is Ben's").await;
    relay_all(&process).await;
    first.commit("task 7", "is Mona's").await;
    relay_all(&process).await;
    let arrived = texts(&world.feed());
    assert!(
        arrived.contains(&"is Mona's".to_owned()),
        "Two requests at once: one made message {} about task 7 and took a moment longer, the other made the later message {} and \
         committed first. The feed has {arrived:?}. Mona's task is never told: ids do not commit in their order.",
        short(&older.id.to_string()),
        short(&newer.id.to_string())
    );
}

/// The end of an id, which is what differs.
fn short(id: &str) -> &str {
    &id[id.len() - 6..]
}

#[tokio::test]
async fn two_relays_keep_the_order_of_each_task() {
    const TEXTS: [&str; 4] = ["is Mona's", "is begun", "is reviewed", "is done"];
    for seed in 0..150 {
        let world = World::new();
        let writer = world.process(Life::long());
        for text in TEXTS {
            for task in ["task 7", "task 8", "task 9"] {
                let _ = changes(&writer, task, text).await;
            }
        }
        let mut dice = Dice::new(seed);
        world.fail_next(dice.below(4), Answer::Nothing);
        let relays = [world.process(Life::long()), world.process(Life::long())];
        let works = relays.iter().map(|relay| boxed(relay_all(relay))).collect();
        at_once(works, &mut dice).await;
        // Whoever is left over: a lease of one of them may have ended late.
        world.later();
        relay_all(&writer).await;
        for (task, arrived) in first_arrivals(&world) {
            assert!(
                arrived == TEXTS,
                "Two relays work at once. About {task}, {TEXTS:?} was committed, and the feed was told {arrived:?}: somebody who \
                 reads it believes the last word, which is an old one."
            );
        }
        let missing = 3 * TEXTS.len() - first_arrivals(&world).values().map(Vec::len).sum::<usize>();
        assert!(missing == 0, "Two relays worked at once, and {missing} messages never arrived.");
    }
}

#[tokio::test]
async fn two_relays_share_the_work() {
    // No lease ends meanwhile.
    let work =
        async |relay: &Process| while relay_once(relay, relay).await.is_ok_and(|published| published > 0) {};
    for seed in 0..30 {
        let world = World::new();
        let writer = world.process(Life::long());
        for number in 0..40 {
            let _ = changes(&writer, &format!("task {number}"), "is Mona's").await;
        }
        let relays = [world.process(Life::long()), world.process(Life::long())];
        let works = relays.iter().map(|relay| boxed(work(relay))).collect();
        at_once(works, &mut Dice::new(seed)).await;
        let sent = world.feed().len();
        assert!(
            sent < 50,
            "Two relays work at once, everything is well, and 40 messages were sent {sent} times: the more relays, the more \
             work for everybody behind them."
        );
    }
}

#[tokio::test]
async fn as_long_as_there_is_something_it_says_so() {
    let world = World::new();
    let process = world.process(Life::long());
    for number in 0..250 {
        let _ = changes(&process, &format!("task {}", number % 50), "is Mona's").await;
    }
    let mut calls = 0;
    while calls < 1_000 && relay_once(&process, &process).await.is_ok_and(|published| published > 0) {
        calls += 1;
    }
    let left = world.rows();
    assert!(
        left == 0,
        "250 messages wait, and everything is well. After {calls} calls the relay says that it has published nothing, while {left} \
         still wait: it rests half a second before it looks again."
    );
}

#[test]
fn over_the_real_databases_too() {
    real::on_each(&async |database| {
        real::a_change_that_is_rolled_back_tells_nobody(database).await;
        real::a_change_arrives_after_a_restart(database).await;
        real::an_older_transaction_that_commits_second_is_not_skipped(database).await;
    });
}
