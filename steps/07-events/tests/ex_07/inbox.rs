//! 07.2: five deliveries, one effect. Over a model of database and feed, in which a process can be killed at each step; and over
//! the real ones.

mod model;

use acceptance::tokio;
use chassis::{Fault, event::Recorded};
use step_07_events::pieces::inbox::deliver;

use self::model::{World, message};
use crate::{
    life::{Dice, Life, at_once, boxed},
    real,
};

/// The feed hands over what is not acknowledged, at most so often.
async fn hand_over(
    world: &World,
    consumer: &str,
    message: &Recorded,
    times: usize,
) -> Vec<Result<(), Fault>> {
    let mut ends = Vec::new();
    for _ in 0..times {
        if world.is_acknowledged(consumer, message) {
            break;
        }
        let process = world.process(consumer, message, Life::long());
        ends.push(deliver(&process, &process).await);
    }
    ends
}

#[tokio::test]
async fn five_deliveries_in_a_row_are_one_mail() {
    let world = World::new();
    let message = message("task 7", "is Mona's");
    for number in 1..=5 {
        world.forget_acknowledgements();
        let process = world.process("mails", &message, Life::long());
        let ended = deliver(&process, &process).await;
        assert!(
            ended.is_ok(),
            "The same message was delivered for the {number}. time, and the delivery failed with {ended:?}. A message that was \
             taken before is no failure: after five of them it is parked, and everything about task 7 waits."
        );
        assert!(
            world.is_acknowledged("mails", &message),
            "The same message was delivered for the {number}. time, and the feed was not told that it is done with. It will be \
             delivered for ever, and nothing behind it is."
        );
    }
    let mails = world.effects().len();
    assert!(
        mails == 1,
        "The message that task 7 is Mona's was delivered five times, one after the other. Mona has {mails} mails."
    );
}

#[tokio::test]
async fn five_deliveries_at_once_are_one_mail() {
    for seed in 0..200 {
        let world = World::new();
        let message = message("task 7", "is Mona's");
        let processes: Vec<_> = (0..5).map(|_| world.process("mails", &message, Life::long())).collect();
        let works = processes.iter().map(|process| boxed(deliver(process, process))).collect();
        let ends: Vec<Result<(), Fault>> = at_once(works, &mut Dice::new(seed)).await;
        let (mails, failed) = (world.effects().len(), ends.iter().filter(|end| end.is_err()).count());
        assert!(
            mails == 1,
            "Five processes were handed the same message at the same moment. Mona has {mails} mails: between a look and the \
             write that follows, others look too."
        );
        assert!(
            failed == 0 && ends.len() == 5,
            "Five processes were handed the same message at the same moment. One took it, and {failed} of the others failed. A \
             message that somebody else has taken is no failure: after five of them it is parked."
        );
    }
}

#[tokio::test]
async fn killed_anywhere_it_is_one_mail_after_the_next_delivery() {
    for steps in 0..100 {
        let world = World::new();
        let message = message("task 7", "is Mona's");
        let process = world.process("mails", &message, Life::of(steps));
        let has_ended = process.life.live(deliver(&process, &process)).await.is_some();
        drop(process);
        let last = world.last_step();
        let _ = hand_over(&world, "mails", &message, 3).await;
        let mails = world.effects().len();
        assert!(
            mails > 0,
            "The process was killed after {last}. The feed hands over what it was not told to be done with, and Mona has no mail: \
             somebody believes that it was sent."
        );
        assert!(
            mails == 1,
            "The process was killed after {last}, the feed handed the message over once more, and Mona has {mails} mails."
        );
        assert!(world.is_acknowledged("mails", &message), "The feed was never told that it is done with.");
        if has_ended {
            return;
        }
    }
}

#[tokio::test]
async fn an_effect_that_fails_is_tried_again() {
    let world = World::new();
    let message = message("task 7", "is Mona's");
    world.fail_next("an effect");
    let first = hand_over(&world, "mails", &message, 1).await;
    assert!(
        first[0].is_err() && !world.is_acknowledged("mails", &message),
        "The database was away when the mail was to be written down, and the delivery ended with {:?}. Nobody hands the message \
         over again, and Mona never hears that task 7 is hers.",
        first[0]
    );
    let _ = hand_over(&world, "mails", &message, 3).await;
    let mails = world.effects().len();
    assert!(
        mails == 1,
        "The database was away when the mail was to be written down; then it was back, and the message was delivered again. Mona \
         has {mails} mails and should have one."
    );
}

#[tokio::test]
async fn what_is_not_committed_is_not_acknowledged() {
    let world = World::new();
    let message = message("task 7", "is Mona's");
    world.fail_next("a commit");
    let first = hand_over(&world, "mails", &message, 1).await;
    assert!(
        first[0].is_err() && !world.is_acknowledged("mails", &message),
        "The commit failed, and the feed was told that the message is done with. Mona never hears that task 7 is hers."
    );
    let _ = hand_over(&world, "mails", &message, 3).await;
    assert!(world.effects().len() == 1, "Mona has {} mails and should have one.", world.effects().len());
}

#[tokio::test]
async fn two_consumers_each_get_it() {
    let world = World::new();
    let message = message("task 7", "is Mona's");
    for consumer in ["mails", "measures"] {
        let _ = hand_over(&world, consumer, &message, 3).await;
    }
    let effects = world.effects();
    assert!(
        effects.len() == 2,
        "A service has two consumers, \"mails\" and \"measures\", with one inbox. The message that task 7 is Mona's was taken by \
         {effects:?} only: for the other one it looked as if it had been there."
    );
}

#[tokio::test]
async fn each_message_counts_for_itself() {
    let world = World::new();
    for text in ["is Mona's", "is begun", "is Mona's"] {
        let _ = hand_over(&world, "mails", &message("task 7", text), 3).await;
    }
    let effects = world.effects().len();
    assert!(
        effects == 3,
        "Three messages about task 7, of the same kind and two with the same words, took effect {effects} times: each has an id of \
         its own."
    );
}

#[test]
fn over_the_real_databases_too() {
    real::on_each(&async |database| real::five_deliveries_are_one_effect(database).await);
}
