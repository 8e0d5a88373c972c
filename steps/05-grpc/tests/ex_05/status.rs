//! 05.1: errors and unknowns on the wire.

use std::panic::{AssertUnwindSafe, catch_unwind};

use chassis::{Fault, Problem};
use domain::FieldError;
use kit_05_grpc::{
    Code, Status,
    details::{fields, info, with_fields, with_info},
};
use step_05_api::v1::TaskStatus;
use step_05_grpc::pieces::status::{Open, factor, fault, status};

/// What is answered to a browser when backlog is another process.
fn answered(to: &Fault) -> Problem {
    Problem::from(&fault(&status(to)))
}

/// An answer as somebody reads it: the status, the sentence, and each field.
fn read(problem: &Problem) -> String {
    let fields: Vec<_> =
        problem.errors.iter().map(|error| format!("{}: {}", error.field, error.message)).collect();
    format!("{} with {:?} and the fields {fields:?}", problem.status, problem.detail)
}

/// The same request, answered as before the split; `what` happened to somebody where it is not.
fn is_as_before(code: Code, to: &Fault, what: &str) {
    let (before, now) = (Problem::from(to), answered(to));
    assert!(
        now == before,
        "{what} Before backlog was another process the answer was {}; now it is {}.",
        read(&before),
        read(&now)
    );
    let sent = status(to).code();
    assert!(
        sent == code,
        "We understand each other, but a client that somebody else wrote reads {sent:?} where every service says {code:?}, \
         and does the wrong thing."
    );
}

/// The details of `fault` say `wanted` under `key`, as the proto file has it.
fn says(fault: &Fault, key: &str, wanted: &str) {
    let said = info(&status(fault), key);
    assert!(
        said.as_deref() == Some(wanted),
        "We understand each other, but a client that somebody else wrote looks for {key:?} in the details of the failure \
         {:?}, as the head of the proto file tells it, and finds {said:?} instead of {wanted:?}.",
        fault.to_string()
    );
}

/// What a service that somebody else wrote means by `status`; it keeps to the proto file and words its text as it likes.
fn is_read_from_the_details(status: &Status, meant: &Fault) {
    let (meant, is_read) = (Problem::from(meant), Problem::from(&fault(status)));
    assert!(
        is_read == meant,
        "A newer backlog puts its sentence another way ({:?}) and says the same in the details. Somebody should be told {}, \
         and is told {}: programs read details, and sentences are for people.",
        status.message(),
        read(&meant),
        read(&is_read)
    );
}

#[test]
fn a_task_that_is_not_there_is_404() {
    let missing = Fault::NotFound("task 7".to_owned());
    is_as_before(Code::NotFound, &missing, "Somebody follows an old link to a task that is gone.");
    says(&missing, "subject", "task 7");
    is_read_from_the_details(&with_info(Code::NotFound, "gone", "subject", "task 7"), &missing);
}

#[test]
fn a_name_that_is_taken_is_409() {
    let taken = Fault::Taken("the name thanks".to_owned());
    is_as_before(Code::AlreadyExists, &taken, "Two people call a rule the same.");
    says(&taken, "subject", "the name thanks");
    is_read_from_the_details(
        &with_info(Code::AlreadyExists, "choose another", "subject", "the name thanks"),
        &taken,
    );
}

#[test]
fn a_change_of_an_older_version_is_412_with_the_current_one() {
    for current in [0, 7, i64::MAX] {
        let changed = Fault::VersionMismatch { current };
        is_as_before(
            Code::Aborted,
            &changed,
            "Two people change the same task, and the second one cannot see what the first has done.",
        );
        let version = current.to_string();
        says(&changed, "current_version", &version);
        let other_words = with_info(Code::Aborted, "read it again", "current_version", &version);
        is_read_from_the_details(&other_words, &changed);
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
    is_read_from_the_details(&with_fields("please look again", &errors), &invalid);
}

#[test]
fn a_store_that_is_down_is_503() {
    let down = Fault::Unavailable("the database".to_owned());
    is_as_before(
        Code::Unavailable,
        &down,
        "The database is away for a minute, and nobody knows that it is worth while to try again.",
    );
    says(&down, "subject", "the database");
    is_read_from_the_details(
        &with_info(Code::Unavailable, "come back later", "subject", "the database"),
        &down,
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

/// The failure that a status of `code` means to us; its text is of whoever made it, a proxy or a library.
fn without_details(code: Code) -> Fault {
    fault(&Status::new(code, "tcp connect error: 10.0.0.7 refused"))
}

#[test]
fn what_others_send_without_details_still_has_its_meaning() {
    type Meaning = (Code, fn(&Fault) -> bool);
    let meanings: [Meaning; 5] = [
        (Code::Unavailable, |fault| matches!(fault, Fault::Unavailable(_))),
        (Code::NotFound, |fault| matches!(fault, Fault::NotFound(_))),
        (Code::AlreadyExists, |fault| matches!(fault, Fault::Taken(_))),
        (Code::DeadlineExceeded, |fault| matches!(fault, Fault::DeadlineExceeded)),
        (Code::InvalidArgument, |fault| matches!(fault, Fault::Invalid(_))),
    ];
    for (code, is_meant) in meanings {
        let told = without_details(code);
        assert!(
            is_meant(&told),
            "Something between us answered {code:?}. It has no details of ours, but its code has a meaning, and the caller is \
             told {}.",
            read(&Problem::from(&told))
        );
        let read = read(&Problem::from(&told));
        assert!(
            !read.contains("10.0.0.7"),
            "An address of ours went to whoever asked: {read}. The sentence of a {code:?} that came in is whatever somebody else \
             has put there."
        );
    }
}

#[test]
fn a_version_that_nobody_has_said_is_told_to_nobody() {
    let no_number = with_info(Code::Aborted, "read it again", "current_version", "the latest");
    for (what, aborted) in [
        ("without a version", Status::aborted("a lock was lost")),
        ("with a version that is no number", no_number),
    ] {
        let told = catch_unwind(AssertUnwindSafe(|| fault(&aborted)));
        assert!(told.is_ok(), "`ABORTED` came {what}, and the older monolith panics over the whole page.");
        assert!(
            matches!(told, Ok(Fault::Internal(_))),
            "`ABORTED` came {what}, and the caller is told {}: a version that nobody has said. They would overwrite what they \
             have not seen.",
            told.map(|told| read(&Problem::from(&told))).unwrap_or_default()
        );
    }
}

#[test]
fn what_the_file_does_not_list_is_nobodys_promise() {
    for code in [
        Code::Cancelled,
        Code::Unknown,
        Code::PermissionDenied,
        Code::Unauthenticated,
        Code::ResourceExhausted,
        Code::FailedPrecondition,
        Code::OutOfRange,
        Code::Unimplemented,
        Code::Internal,
        Code::DataLoss,
    ] {
        let told = without_details(code);
        assert!(
            matches!(told, Fault::Internal(_)),
            "A service answers {code:?}, which the proto file does not list, and somebody is told {}, as if backlog had said so.",
            read(&Problem::from(&told))
        );
    }
}

/// What a number becomes; `None` for a panic.
fn open(number: i32) -> Option<Open<TaskStatus>> {
    catch_unwind(|| Open::of(number)).ok()
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
