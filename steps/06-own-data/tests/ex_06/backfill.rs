//! 06.1: a backfill that survives being killed. Over two databases in memory, which can be stopped everywhere, and over two files
//! of SQLite.

mod model;
mod sqlite;
mod watched;

use acceptance::{
    futures::FutureExt,
    tokio::{self, time::Duration, time::timeout},
};
use kit_06_own_data::{Fault, backfill::PAGE};
use model::{Model, id, task};
use sqlite::Sqlite;
use watched::{Before, End, Run, Statement, run};

/// More than two pages, and the last one is not full.
const TASKS: usize = 1_201;
/// Of those that have more statements than a page of 500 needs, the first are stopped at.
const STOPS: usize = 60;
/// And where each stop takes a file.
const STOPS_ON_FILES: usize = 20;
/// Where it is killed twice: two pages.
const FEW_TASKS: usize = 501;

/// A run over the model, which nobody stops.
async fn on(model: &Model) -> Run {
    run(model, model, Before::Nothing).await
}

/// It came to its end, after what is told by `when`.
fn is_done(run: &Run, when: &str) {
    match &run.end {
        End::Done(Ok(())) => {}
        End::Done(Err(Fault::Invalid(errors))) => panic!(
            "{when}, the backfill asks for a page of more than {PAGE} rows and is refused ({}): it never begins.",
            errors.iter().map(|error| format!("{} {}", error.field, error.message)).collect::<String>()
        ),
        End::Done(Err(fault)) => panic!(
            "{when}, the backfill ends with {fault:?}, and both databases are well: whoever watches it at night is woken up for nothing."
        ),
        End::GoesRound | End::Killed => panic!(
            "{when}, the backfill reads the same rows over and over: after {} statements it is still at work. Where does the next \
             page begin?",
            run.statements.len()
        ),
    }
}

/// Every task is in the new database as it is in the old one, after what is told by `when`.
fn is_equal(model: &Model, when: &str) {
    model.all_is_brought();
    if let Some((count, first)) = model.differ() {
        let what = match model.copy_of(&first) {
            None => "is not there: whoever opens it is told that it does not exist",
            Some(_) => "is there in another state than people left it in",
        };
        panic!(
            "{when}, the backfill says that all is copied. {count} tasks are not right; the first, {first}, {what}."
        );
    }
}

/// What the statement does, for a sentence.
fn called(statement: Statement) -> &'static str {
    match statement {
        Statement::Checkpoint => "checkpoint()",
        Statement::Page => "page(…)",
        Statement::Begin => "begin()",
        Statement::Upsert => "upsert…(…)",
        Statement::SetCheckpoint => "set_checkpoint(…)",
        Statement::Commit => "commit()",
    }
}

/// The calls of a run that nobody stops, as far as they are stopped at.
async fn statements() -> Vec<Statement> {
    let mut statements = on(&Model::new(TASKS)).await.statements;
    statements.truncate(STOPS);
    statements
}

#[tokio::test]
async fn every_row_arrives() {
    for tasks in [0, 1, PAGE as usize, TASKS] {
        let model = Model::new(tasks);
        is_done(&on(&model).await, "Without any disturbance");
        is_equal(&model, &format!("Over a table of {tasks} rows"));
    }
}

#[tokio::test]
async fn what_was_changed_meanwhile_stays() {
    for (at, statement) in (1..).zip(statements().await) {
        for changed in [1, 250, 500, 501, 1_201] {
            let model = Model::new(TASKS);
            let ana = model.clone();
            let changes = async move { ana.stores(&task(changed, 2)) }.boxed();
            let ended = run(&model, &model, Before::This(at, changes)).await;
            is_done(&ended, "While people write");
            let there = model.copy_of(&id(changed)).map(|row| row.version);
            assert!(
                there == Some(2),
                "Ana set {} to done just before your {} (statement {at}), and the mirror brought it. In the end the new database \
                 has version {there:?} of it and not 2: her change is gone.",
                id(changed),
                called(statement)
            );
            is_equal(&model, "With a change in between");
        }
    }
}

#[tokio::test]
async fn what_came_and_went_meanwhile_is_right() {
    for (at, _) in (1..).zip(statements().await) {
        let model = Model::new(TASKS);
        let people = model.clone();
        let comes_and_goes = async move {
            people.stores(&task(0, 1));
            people.stores(&task(2_000, 1));
            people.deletes(&id(250));
            people.deletes(&id(900));
        };
        is_done(&run(&model, &model, Before::This(at, comes_and_goes.boxed())).await, "While people write");
        is_equal(&model, "After somebody added two tasks and deleted two");
    }
}

#[tokio::test]
async fn killed_anywhere_and_started_again_it_has_all() {
    let statements = statements().await;
    for (at, statement) in (1..).zip(&statements) {
        let model = Model::new(TASKS);
        let _ = run(&model, &model, Before::Kill(at)).await;
        is_done(&on(&model).await, "Killed and started again");
        is_equal(
            &model,
            &format!("Killed just before its {} (statement {at}) and started again", called(*statement)),
        );
    }
}

#[tokio::test]
async fn killed_twice_it_has_all() {
    let mut statements = on(&Model::new(FEW_TASKS)).await.statements.len();
    statements = statements.min(STOPS);
    for (first, second) in
        (1..=statements).flat_map(|first| (1..=statements).map(move |second| (first, second)))
    {
        let model = Model::new(FEW_TASKS);
        let _ = run(&model, &model, Before::Kill(first)).await;
        let _ = run(&model, &model, Before::Kill(second)).await;
        is_done(&on(&model).await, "Killed twice and started again");
        is_equal(&model, &format!("Killed before its statement {first}, then before its statement {second}"));
    }
}

#[tokio::test]
async fn a_restart_goes_on_where_it_was() {
    let model = Model::new(TASKS);
    let all = on(&model).await.statements;
    let last_commit =
        all.iter().rposition(|statement| *statement == Statement::Commit).unwrap_or_default() + 1;
    let model = Model::new(TASKS);
    let before = run(&model, &model, Before::Kill(last_commit)).await;
    let again = on(&model).await;
    is_done(&again, "Killed and started again");
    assert!(
        before.read + again.read <= TASKS + PAGE as usize,
        "Killed at its last `commit()`, the backfill had read {} tasks of {TASKS}; started again, it reads {}. Each kill costs \
         the work of a night, and with one kill a night it never ends.",
        before.read,
        again.read
    );
}

#[tokio::test]
async fn a_second_run_writes_nothing() {
    let model = Model::new(TASKS);
    is_done(&on(&model).await, "Without any disturbance");
    let again = on(&model).await;
    is_done(&again, "The second time");
    assert!(
        again.written == 0,
        "Everything is there, somebody starts the backfill once more to be sure, and it writes {} rows: the mirror waits for the \
         locks of a night's work that changes nothing.",
        again.written
    );
    is_equal(&model, "The second time");
}

#[tokio::test]
async fn at_most_one_page_is_in_memory() {
    let ended = on(&Model::new(TASKS)).await;
    assert!(
        ended.in_hand <= PAGE as usize,
        "{} rows were read and not yet stored. This table has {TASKS} and fits; the one at work has a hundred million, and the \
         mover dies of it at the same row each night.",
        ended.in_hand
    );
}

#[tokio::test]
async fn a_page_that_is_there_already_is_not_the_end() {
    let model = Model::new(TASKS);
    for changed in 1..=PAGE as usize {
        model.stores(&task(changed, 2));
    }
    is_done(&on(&model).await, "With a first page that the mirror has brought");
    is_equal(&model, "People had changed each of the first 500 tasks, and the mirror had brought them. Then");
}

#[tokio::test]
async fn a_failure_is_not_an_end() {
    for (at, statement) in (1..).zip(statements().await) {
        let model = Model::new(TASKS);
        let ended = run(&model, &model, Before::Fail(at)).await;
        if ended.is_ok() {
            let when =
                format!("A database was away for a moment at your {} (statement {at})", called(statement));
            is_equal(&model, &format!("{when}. Nothing of that is told, and"));
        }
        is_done(&on(&model).await, "After a failure, started again");
        is_equal(&model, &format!("Failed at its {} (statement {at}) and started again", called(statement)));
    }
}

#[tokio::test]
async fn over_real_databases_too() {
    let all = statements().await;
    // On SQLite the mirror waits for whoever writes, so it comes before a transaction of the backfill's.
    let begins = 1 + all.iter().position(|statement| *statement == Statement::Begin).unwrap_or_default();
    let tasks: Vec<_> = (1..=TASKS).map(|number| task(number, 1)).collect();
    for at in (1..=all.len().min(STOPS_ON_FILES)).step_by(6) {
        let real = Sqlite::new().await;
        real.old.stores(&tasks).await;
        let _ = run(&real.old, &real.new, Before::Kill(at)).await;
        // People go on, and what they write is mirrored, also while the mover is away; one more change comes while it works.
        let changed = [task(2, 2), task(1_150, 2)];
        real.old.stores(&changed).await;
        real.new.stores(&changed).await;
        let (old, new) = (real.old.clone(), real.new.clone());
        let meanwhile = async move {
            old.stores(&[task(700, 2)]).await;
            new.stores(&[task(700, 2)]).await;
        };
        let again = timeout(
            Duration::from_secs(30),
            run(&real.old, &real.new, Before::This(begins, meanwhile.boxed())),
        );
        let again = again.await.expect("SQLite takes a minute for a thousand rows");
        is_done(&again, "Killed over SQLite and started again");
        let (old, new) = (real.old.rows().await, real.new.rows().await);
        let differing = old.iter().find(|row| !new.contains(row));
        assert!(
            old == new,
            "Over two files of SQLite, killed before its statement {at} and started again, the backfill says that all is copied: \
             {} rows in the old one, {} in the new one, and {} is not as people left it.",
            old.len(),
            new.len(),
            differing.map_or("none", |row| row.id.as_str())
        );
    }
}
