//! Exercise 05.1: errors and unknowns on the wire.
//!
//! What backlog refuses has to be the same answer to a browser as before backlog was another process. And the two sides are
//! not deployed at the same time: one meets numbers that only the other knows, and fields that only the other sends. At the
//! start every failure is `INTERNAL`, with its text; an unknown number is a panic, and what is absent is 0.
//!
//! Which code means what, and which key of the details says what, stands in the head of `steps/05-grpc/proto`'s file. Read the
//! details and not the text: programs that others wrote word it as they like, or put an address into it. `ABORTED` without a
//! version that can be read is `Fault::internal`, like every code that is not listed.
//!
//! ```text
//! with_info(Code::NotFound, text, "subject", what)     a status that says one thing more; text is what people may read
//! info(status, "subject")                              Some(what), or None where it does not say
//! with_fields(text, errors)                            INVALID_ARGUMENT with its fields; fields(status) reads them again
//! Status::deadline_exceeded(text), Status::internal("") status.code() == Code::DeadlineExceeded
//! Fault::VersionMismatch { current }                   ABORTED, with "current_version"; Taken(what): ALREADY_EXISTS
//! E::try_from(99)                                      Ok(value), or Err where E has no such number
//! ```

use chassis::Fault;
use kit_05_grpc::{
    Code, Status,
    details::{fields, info, with_fields, with_info},
};

/// The status of a failure. A caller reads its text, so it says nothing that is ours alone.
#[must_use]
pub fn status(fault: &Fault) -> Status {
    let text = fault.to_string();
    // begin 05.1
    match fault {
        Fault::NotFound(what) => with_info(Code::NotFound, text, "subject", what),
        Fault::Invalid(errors) => with_fields(text, errors),
        Fault::Taken(what) => with_info(Code::AlreadyExists, text, "subject", what),
        Fault::VersionMismatch { current } => {
            with_info(Code::Aborted, text, "current_version", &current.to_string())
        }
        Fault::Unavailable(what) => with_info(Code::Unavailable, text, "subject", what),
        Fault::DeadlineExceeded => Status::deadline_exceeded(text),
        Fault::Internal(_) => Status::internal(text),
    }
    //| match fault {
    //|     Fault::Internal(source) => Status::internal(format!("{text}: {source}")),
    //|     _ => Status::internal(text),
    //| }
    // end 05.1
}

/// The failure that a status means.
#[must_use]
pub fn fault(status: &Status) -> Fault {
    let subject = || info(status, "subject").unwrap_or_else(|| "a service".to_owned());
    // begin 05.1
    let current = info(status, "current_version").and_then(|version| version.parse().ok());
    match (status.code(), current) {
        (Code::NotFound, _) => Fault::NotFound(subject()),
        (Code::InvalidArgument, _) => Fault::Invalid(fields(status)),
        (Code::AlreadyExists, _) => Fault::Taken(subject()),
        (Code::Aborted, Some(current)) => Fault::VersionMismatch { current },
        (Code::Unavailable, _) => Fault::Unavailable(subject()),
        (Code::DeadlineExceeded, _) => Fault::DeadlineExceeded,
        _ => Fault::internal(status.clone()),
    }
    //| let _ = subject;
    //| Fault::internal(status.clone())
    // end 05.1
}

/// A value of an enum on the wire: one that we know, or a number that came later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Open<E> {
    /// One that we know.
    Known(E),
    /// One that we do not. It can be passed on, and nothing may be decided by it.
    Unknown(i32),
}

impl<E: TryFrom<i32> + Into<i32>> Open<E> {
    /// The value of a number.
    #[must_use]
    pub fn of(number: i32) -> Self {
        // begin 05.1
        E::try_from(number).map_or(Self::Unknown(number), Self::Known)
        //| let Ok(known) = E::try_from(number) else { panic!("nobody has told us of {number}") };
        //| Self::Known(known)
        // end 05.1
    }

    /// The number of a value.
    #[must_use]
    pub fn number(self) -> i32 {
        match self {
            Self::Known(known) => known.into(),
            Self::Unknown(number) => number,
        }
    }
}

/// A factor of a task's rank, which has to be there.
///
/// # Errors
/// [`Fault::Invalid`] naming `field` when it is absent.
pub fn factor(field: &str, sent: Option<f64>) -> Result<f64, Fault> {
    // begin 05.1
    sent.ok_or_else(|| Fault::invalid(field, "must be given"))
    //| let _ = field;
    //| Ok(sent.unwrap_or_default())
    // end 05.1
}
