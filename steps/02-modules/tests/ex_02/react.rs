//! 02.2: react instead of being called.

mod others;

use std::time::{Duration, Instant};

use acceptance::{
    Step, eventually,
    serde_json::{self, json},
    tokio::time::timeout,
    with_system,
};
use domain::Status;
use step_02_backlog::pieces::react::{Assigned, on_events, task_assigned};
use step_02_contracts::{BacklogEvent, Fault, Recorded};
use uuid::Uuid;

use crate::in_process::ctx;
use others::{EMAIL, NAME, Others, PHONE, Transaction};

/// How long somebody waits at least for the answer when they give a task to Ada; longer where any other change takes more than a
/// twentieth of it. Whoever waits for a lock is told after five seconds, and a learner need not wait for that.
const LEAST_PATIENCE: Duration = Duration::from_secs(2);

/// A task is given to Ada; with this version.
fn given(version: i64) -> Assigned {
    task_given(7, version)
}

/// The task with this number is given to Ada.
fn task_given(number: u128, version: i64) -> Assigned {
    Assigned {
        id: Uuid::from_u128(number),
        version,
        assignee: Some("ada".parse().expect("a login")),
        by: "api".to_owned(),
    }
}

/// What the bus would have of it, whatever was recorded.
fn recorded(task: &Assigned) -> Vec<Recorded> {
    vec![told(&task.event())]
}

fn told(event: &BacklogEvent) -> Recorded {
    Recorded::now(event).expect("it has a JSON form")
}

/// The change with everything that comes of it.
async fn change(task: &Assigned, others: &Others) -> Result<(), Fault> {
    let mut tx = Transaction::default();
    task_assigned(&ctx(), &mut tx, task, others, others).await?;
    on_events(&ctx(), &tx.commit(), others, others).await
}

#[tokio::test]
async fn nobody_is_called_inside_the_transaction() {
    let others = Others::default();
    let mut tx = Transaction::default();
    let _ = task_assigned(&ctx(), &mut tx, &given(2), &others, &others).await;
    assert!(
        others.calls() == 0,
        "A task was given to Ada, and others were called {} times while the transaction was open. Whoever else wants to write \
         waits as long as they take.",
        others.calls()
    );
}

#[tokio::test]
async fn whoever_loses_a_task_is_told_of_too() {
    let others = Others::default();
    let mut tx = Transaction::default();
    let task = Assigned { assignee: None, ..given(2) };
    let _ = task_assigned(&ctx(), &mut tx, &task, &others, &others).await;
    let told = tx.commit().len();
    assert!(
        told == 1,
        "A task was taken from Ada, and {told} events say so. No mail is due, but others listen too: for them it is still hers. \
         Who decides which changes are worth a mail?"
    );
}

#[tokio::test]
async fn what_cannot_be_told_has_not_happened() {
    let others = Others::default();
    let mut tx = Transaction::that_takes_nothing();
    let ended = task_assigned(&ctx(), &mut tx, &given(2), &others, &others).await;
    assert!(
        ended.is_err(),
        "The event could not be recorded, and the change goes through all the same: Ada has a task, and nobody will ever be \
         told. What becomes of the error of `record`?"
    );
}

#[tokio::test]
async fn a_change_that_is_rolled_back_sends_no_mail() {
    let others = Others::default();
    let mut tx = Transaction::default();
    let _ = task_assigned(&ctx(), &mut tx, &given(2), &others, &others).await;
    drop(tx);
    assert!(
        others.mails().is_empty(),
        "The change was rolled back, and a mail about it went out: Ada works on a task that is not hers."
    );
}

#[tokio::test]
async fn each_change_is_one_mail() {
    let others = Others::default();
    for version in [2, 4] {
        change(&given(version), &others).await.expect("everybody answers");
    }
    let mails = others.mails();
    assert!(
        mails.len() <= 2,
        "Ada was given a task twice, and {} mails went out: soon she reads none of them.",
        mails.len()
    );
    assert!(
        mails.len() == 2,
        "Ada was given a task, it was taken away and given to her again. {} mails went out instead of two.",
        mails.len()
    );
    assert!(mails.iter().all(|mail| mail.to == EMAIL), "A mail to Ada went to {:?}.", mails[0].to);
}

#[tokio::test]
async fn each_task_is_one_mail() {
    let others = Others::default();
    for number in [7, 8] {
        change(&task_given(number, 2), &others).await.expect("everybody answers");
    }
    let mails = others.mails().len();
    assert!(
        mails == 2,
        "Ada was given two tasks, each in its second version, and {mails} mails went out instead of two. Which of \
         them is a mail about? Its key has to say so."
    );
}

#[tokio::test]
async fn each_of_those_that_come_together_is_heard() {
    let others = Others::default();
    let by_nobody = Assigned { assignee: None, ..task_given(1, 2) };
    let status = BacklogEvent::TaskStatusChanged {
        id: Uuid::from_u128(2),
        version: 2,
        before: Status::Intake,
        after: Status::InProgress,
        by: "api".to_owned(),
    };
    let events = [
        told(&by_nobody.event()),
        told(&task_given(3, 2).event()),
        told(&status),
        told(&task_given(4, 2).event()),
        told(&by_nobody.event()),
        told(&task_given(5, 2).event()),
    ];
    on_events(&ctx(), &events, &others, &others).await.expect("everybody answers");
    let mails = others.mails().len();
    assert!(
        mails == 3,
        "Six events came in one go: Ada was given three tasks, and between them stand changes that are nobody's mail. {mails} \
         mails went out instead of three. Which line ends the loop?"
    );
}

#[tokio::test]
async fn a_task_of_nobody_is_no_mail() {
    let others = Others::default();
    let task = Assigned { assignee: None, ..given(2) };
    change(&task, &others).await.expect("everybody answers");
    assert!(others.mails().is_empty(), "A task was taken from somebody, and a mail went out.");
}

#[tokio::test]
async fn an_outage_of_others_does_not_fail_the_change() {
    let others = Others::down();
    let mut tx = Transaction::default();
    let ended = task_assigned(&ctx(), &mut tx, &given(2), &others, &others).await;
    assert!(
        ended.is_ok(),
        "Nobody can send mails for a moment, and so nobody can give a task to anybody: {ended:?}."
    );
}

#[tokio::test]
async fn what_failed_is_tried_again() {
    let (down, up) = (Others::down(), Others::default());
    let events = recorded(&given(2));
    let ended = on_events(&ctx(), &events, &down, &down).await;
    assert!(
        ended.is_err(),
        "Nobody could send mails for a moment, and the handler says that all is done: Ada never hears of her task."
    );
    on_events(&ctx(), &events, &up, &up).await.expect("everybody answers");
    assert!(
        up.mails().len() == 1,
        "Nobody could send mails for a moment. Then the same event was delivered again, as promised, and {} mails went out: \
         Ada never hears of her task. What did the first try leave behind?",
        up.mails().len()
    );
}

#[tokio::test]
async fn one_that_failed_is_not_forgotten_for_the_next() {
    let others = Others::failing_first();
    let events = [told(&task_given(3, 2).event()), told(&task_given(4, 2).event())];
    let ended = on_events(&ctx(), &events, &others, &others).await;
    assert!(
        ended.is_err() || others.mails().len() == 2,
        "Ada was given two tasks, and the mail for the first one failed. The handler says that all is done: nobody delivers \
         these events again, and she never hears of that task. Whose error does it return?"
    );
}

#[tokio::test]
async fn the_same_event_twice_is_one_mail() {
    let others = Others::default();
    let events = recorded(&given(2));
    for _ in 0..2 {
        on_events(&ctx(), &events, &others, &others).await.expect("everybody answers");
    }
    let mails = others.mails();
    assert!(!mails.is_empty(), "Ada was given a task and never hears of it.");
    assert!(
        mails.len() == 1,
        "One event was delivered twice, and Ada got {} mails. What is the same in both deliveries?",
        mails.len()
    );
}

#[tokio::test]
async fn who_was_started_again_asks_with_the_same_key() {
    // Two queues stand for two processes: what the first one keeps in its memory, the second has never had.
    let (before, after) = (Others::default(), Others::default());
    let events = recorded(&given(2));
    for others in [&before, &after] {
        on_events(&ctx(), &events, others, others).await.expect("everybody answers");
    }
    let keys = |others: &Others| -> Vec<_> { others.mails().into_iter().map(|mail| mail.key).collect() };
    assert!(
        keys(&before).is_empty() || !keys(&after).is_empty(),
        "An event was delivered again, and notify was not even asked. Whoever has sent a mail is remembered in the memory of a \
         process: started again it has forgotten, and Ada gets her mail twice. Who else could know that a mail is queued?"
    );
    assert!(
        keys(&before) == keys(&after),
        "One event was delivered before and after a restart, and notify was asked for two different mails: {:?} and {:?}.",
        keys(&before),
        keys(&after)
    );
}

#[tokio::test]
async fn the_event_has_nothing_personal() {
    let others = Others::default();
    let mut tx = Transaction::default();
    let _ = task_assigned(&ctx(), &mut tx, &given(2), &others, &others).await;
    let told = serde_json::to_string(&tx.commit()).expect("it has a JSON form");
    for personal in [EMAIL, NAME, PHONE] {
        assert!(
            !told.contains(personal),
            "{personal:?} is in the event. It goes to everybody who listens, and stays wherever they keep it, long after Ada \
             has left."
        );
    }
}

#[test]
fn in_the_real_system_one_mail_goes_out() {
    let step =
        Step { number: "02", binary: env!("CARGO_BIN_EXE_system-02"), folder: env!("CARGO_MANIFEST_DIR") };
    let adjust = |options: acceptance::harness::Options| options.env("monolith", "TELL_ASSIGNEES", "1");
    with_system(&step, adjust, async |app| {
        let _ = app.member("ada").await;
        let tasks = app.get("/api/tasks?limit=2").await.is(200);
        for (number, task) in (1..).zip(tasks.items()) {
            let path = format!("/api/tasks/{}", task["id"].as_str().expect("an id"));
            let start = Instant::now();
            let _ = app.patch(&path, &json!({ "status": "in_progress" })).await.is(200);
            let patience = LEAST_PATIENCE.max(start.elapsed() * 20);
            let start = Instant::now();
            let answer = timeout(patience, app.patch(&path, &json!({ "assignee": "ada" }))).await;
            let told = answer.map_or_else(|_| "nothing".to_owned(), |answer| answer.status.to_string());
            assert!(
                told == "200",
                "Somebody gave a task to Ada, waited {:.1?}, and was told {told}. In the one database of the real system, \
                 notify wants to write while backlog's transaction is open, and waits for it in vain.",
                start.elapsed()
            );
            let mails = eventually("Ada has a mail for each task", async || {
                let mails = app.simulators().taken("sendgrid").await;
                (mails.len() >= number).then_some(mails)
            });
            let mails = mails.await;
            assert!(
                mails.len() == number,
                "Ada was given {number} tasks in the real system, and {} mails went out.",
                mails.len()
            );
        }
    });
}
