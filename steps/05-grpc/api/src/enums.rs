//! Enums on the wire are numbers, and a number may be newer than we are.

use step_02_contracts::{Fault, backlog::By};

use crate::{Read, pieces::status::Open, v1};

/// An enum of ours that has an enum on the wire.
pub(crate) trait OnWire: Copy {
    /// The one on the wire.
    type Wire: TryFrom<i32> + Into<i32> + Copy;

    /// What it is there.
    fn wire(self) -> Self::Wire;

    /// What it is here; `None` for `UNSPECIFIED`.
    fn of_wire(wire: Self::Wire) -> Option<Self>;
}

macro_rules! on_wire {
    ($ours:ty => $wire:ident { $($variant:ident),+ $(,)? }) => {
        impl OnWire for $ours {
            type Wire = v1::$wire;

            fn wire(self) -> v1::$wire {
                match self { $(Self::$variant => v1::$wire::$variant),+ }
            }

            fn of_wire(wire: v1::$wire) -> Option<Self> {
                match wire {
                    v1::$wire::Unspecified => None,
                    $(v1::$wire::$variant => Some(Self::$variant)),+
                }
            }
        }
    };
}

on_wire!(domain::Status => TaskStatus {
    Intake, NeedsReview, WaitingForFeedback, FeedbackReceived, InProgress, Done, Deferred,
});
on_wire!(domain::Kind => Kind { Issue, PullRequest });
on_wire!(domain::State => State { Open, Closed, Merged });
on_wire!(domain::Category => Category { Question, Support, Bug, Enhancement });
on_wire!(domain::Difficulty => Difficulty { Easy, Medium, Hard, VeryHard, Unknown });
on_wire!(domain::Waiting => Waiting { Contact, Response });
on_wire!(domain::Sort => Sort { Rank, Due, Age });
on_wire!(By => By { Api, Page });
on_wire!(domain::Trigger => Trigger { ItemOpened, CommentAdded, LabelAdded, TaskStatusChanged });
on_wire!(domain::Side => Side { Maintainer, Community });
on_wire!(domain::Channel => Channel { Email, Sms });

/// The number of a value.
pub(crate) fn number<E: OnWire>(value: E) -> i32 {
    value.wire().into()
}

/// The number of a value, if there is one.
pub(crate) fn numbered<E: OnWire>(value: Option<E>) -> Option<i32> {
    value.map(number)
}

/// The value of a number. `field` is named where it has none for us.
pub(crate) fn value<E: OnWire>(field: &str, number: i32) -> Read<E> {
    match Open::<E::Wire>::of(number) {
        Open::Known(wire) => E::of_wire(wire).ok_or_else(|| Fault::invalid(field, "must be given")),
        Open::Unknown(number) => {
            let message = format!("has the value {number}, which is newer than its reader");
            Err(Fault::invalid(field, message))
        }
    }
}

/// The value of a number, if there is one.
pub(crate) fn optional<E: OnWire>(field: &str, number: Option<i32>) -> Read<Option<E>> {
    number.map(|number| value(field, number)).transpose()
}
