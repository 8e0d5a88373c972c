//! 05.1: errors and unknowns on the wire.

use chassis::{Fault, Problem};
use domain::FieldError;
use kit_05_grpc::{Code, Status, details::fields};
use step_05_api::v1::TaskStatus;
use step_05_grpc::pieces::status::{Open, factor, fault, status};

/// What is answered to a browser when backlog is another process.
fn answered(to: &Fault) -> Problem {
    Problem::from(&fault(&status(to)))
}

/// The same request, answered as before the split; `what` happened to somebody where it is not.
fn is_as_before(code: Code, to: &Fault, what: &str) {
    let (before, now) = (Problem::from(to), answered(to));
    assert!(
        now == before,
        "{what} Before backlog was another process the answer was {} with {:?}; now it is {} with {:?}.",
        before.status,
        before.detail,
        now.status,
        now.detail
    );
    let sent = status(to).code();
    assert!(
        sent == code,
        "We understand each other, but a client that somebody else wrote reads {sent:?} where every service says {code:?}, \
         and does the wrong thing."
    );
}

#[test]
fn a_task_that_is_not_there_is_404() {
    let missing = Fault::NotFound("task 7".to_owned());
    is_as_before(Code::NotFound, &missing, "Somebody follows an old link to a task that is gone.");
}

#[test]
fn a_name_that_is_taken_is_409() {
    let taken = Fault::Taken("the name thanks".to_owned());
    is_as_before(Code::AlreadyExists, &taken, "Two people call a rule the same.");
}

#[test]
fn a_change_of_an_older_version_is_412_with_the_current_one() {
    for current in [0, 7, i64::MAX] {
        is_as_before(
            Code::Aborted,
            &Fault::VersionMismatch { current },
            "Two people change the same task, and the second one cannot see what the first has done.",
        );
    }
}

#[test]
fn a_field_out_of_range_is_named() {
    let errors = vec![
        FieldError::new("rice.effort", "must be above 0 and at most 100"),
        FieldError::new("assignee", "must be an active member of the team"),
    ];
    let invalid = Fault::Invalid(errors.clone());
    is_as_before(Code::InvalidArgument, &invalid, "Somebody has two fields wrong, and nobody says which.");
    assert!(
        fields(&status(&invalid)) == errors,
        "The fields are not in the details, where a client that somebody else wrote looks for them."
    );
}

#[test]
fn a_store_that_is_down_is_503() {
    let down = Fault::Unavailable("the database".to_owned());
    is_as_before(
        Code::Unavailable,
        &down,
        "The database is away for a minute, and nobody knows that it is worth while to try again.",
    );
}

#[test]
fn a_deadline_that_has_passed_is_504() {
    is_as_before(
        Code::DeadlineExceeded,
        &Fault::DeadlineExceeded,
        "Somebody has waited long enough, and is told that we are broken.",
    );
}

#[test]
fn nobody_reads_our_sql() {
    let ours = Fault::internal("no such column: phone in SELECT phone FROM members");
    let sent = status(&ours);
    assert!(
        !format!("{sent:?}").contains("members"),
        "A query of ours went to whoever asked, with the name of a table that has phone numbers: {:?}. The log has it; the \
         caller needs to know only that it is our mistake.",
        sent.message()
    );
    is_as_before(Code::Internal, &ours, "Our mistake is no longer our mistake.");
}

#[test]
fn what_others_send_without_details_still_has_its_meaning() {
    let plain = |code| fault(&Status::new(code, "tcp connect error: 10.0.0.7 refused"));
    let unavailable = plain(Code::Unavailable);
    assert!(
        matches!(unavailable, Fault::Unavailable(_)),
        "Nobody listened, so no service could add details, and the caller is told {:?}.",
        Problem::from(&unavailable).detail
    );
    assert!(
        !Problem::from(&unavailable).detail.contains("10.0.0.7"),
        "An address of ours went to whoever asked: {:?}.",
        Problem::from(&unavailable).detail
    );
    let matches = [
        matches!(plain(Code::NotFound), Fault::NotFound(_)),
        matches!(plain(Code::DeadlineExceeded), Fault::DeadlineExceeded),
        matches!(plain(Code::InvalidArgument), Fault::Invalid(_)),
    ];
    assert!(
        matches == [true; 3],
        "A service without our details answered, and its code alone meant nothing."
    );
    let aborted = plain(Code::Aborted);
    assert!(
        matches!(aborted, Fault::Internal(_)),
        "`ABORTED` came without a version, and the caller is told {:?}: a version that nobody has said.",
        Problem::from(&aborted).detail
    );
}

/// What a number becomes; `None` for a panic.
fn open(number: i32) -> Option<Open<TaskStatus>> {
    std::panic::catch_unwind(|| Open::of(number)).ok()
}

#[test]
fn a_status_from_the_future_survives() {
    for number in [8, 99, -1, i32::MAX] {
        let open = open(number);
        assert!(
            open.is_some(),
            "A newer backlog has a status of the number {number}, and the older monolith panics over the whole page."
        );
        let survived = open.map(Open::number);
        assert!(
            survived == Some(number),
            "A newer backlog has a status of the number {number}. It went through an older process and came out as \
             {survived:?}: somebody's task has moved, and nobody moved it."
        );
        assert!(
            open == Some(Open::Unknown(number)),
            "The status {number} is taken for one that we know: something will be decided by it."
        );
    }
}

#[test]
fn a_status_that_we_know_is_that_status() {
    for known in [TaskStatus::Unspecified, TaskStatus::Intake, TaskStatus::Deferred] {
        let number = known as i32;
        assert!(
            open(number) == Some(Open::Known(known)),
            "{known:?} is {:?} on the other side: somebody's task has moved, and nobody moved it.",
            open(number)
        );
    }
}

#[test]
fn a_factor_that_is_absent_is_not_0() {
    let absent = factor("rice.reach", None);
    assert!(
        absent.is_err(),
        "An older client did not send the reach, and it became {absent:?}: the task fell to the end of everybody's list."
    );
    let named = matches!(&absent, Err(Fault::Invalid(errors)) if errors[0].field == "rice.reach");
    assert!(named, "A factor is missing, and nobody is told which: {absent:?}.");
    let zero = factor("rice.reach", Some(0.0));
    assert!(matches!(zero, Ok(0.0)), "A reach of 0 is a reach, and came out as {zero:?}.");
}
