//! 06.2: cut over in the right order, over a model, of which everything that can happen is looked at. The same function moves real
//! databases in `moving_06`.

mod explore;
mod replay;
mod story;
mod world;

use std::time::Instant;

use explore::{Explored, Wrong, explore};
use kit_06_own_data::cut_over::{Decision, Outcome};
use world::{Flaw, Harm, Setting};

/// Two people who make two changes each, delete their tasks at last, and keep the new database; nothing else happens.
const CALM: Setting =
    Setting { changes: 2, deletes: true, decisions: &[Decision::Keep], troubles: 0, flaw: None };

/// The two, who may keep it or go back.
const EITHER: Setting = Setting { changes: 1, decisions: &[Decision::Keep, Decision::Back], ..CALM };
/// The two, who want to go back.
const BACK: Setting = Setting { decisions: &[Decision::Back], ..CALM };
/// A task is copied wrongly.
const COPIED_WRONGLY: Setting = Setting { changes: 1, flaw: Some(Flaw::Copy), ..CALM };
/// A change is not noted.
const NOT_NOTED: Setting = Setting { flaw: Some(Flaw::Hole), ..CALM };
/// The mover is killed, or an operation fails, twice.
const KILLED: Setting = Setting { troubles: 2, ..EITHER };
/// The one and the other.
const KILLED_AND_NOT_NOTED: Setting = Setting { changes: 1, troubles: 1, ..NOT_NOTED };

/// Explores, and fails with the shortest story of a kind that `counts`.
fn tell(setting: &Setting, counts: impl Fn(Wrong) -> bool) -> Explored {
    let begun = Instant::now();
    let explored = explore(setting);
    if let Some(story) = explored.stories.iter().find(|story| counts(story.wrong)) {
        panic!("{}", story::told(story));
    }
    println!("note: {} situations in {:.1} s", explored.situations, begun.elapsed().as_secs_f64());
    explored
}

#[test]
fn nobody_loses_a_change() {
    use Harm::{Lost, Returned, Unread, Unwritten};
    tell(&CALM, |wrong| {
        matches!(wrong, Wrong::Harm(Lost { .. } | Returned { .. } | Unread { .. } | Unwritten { .. }))
    });
}

#[test]
fn everybody_reads_what_they_have_written() {
    tell(&CALM, |wrong| matches!(wrong, Wrong::Harm(Harm::Stale { .. })));
}

#[test]
fn nobody_waits_for_more_than_a_moment() {
    tell(&CALM, |wrong| matches!(wrong, Wrong::Harm(Harm::Pause) | Wrong::Blocked));
}

#[test]
fn what_is_in_order_is_moved() {
    let explored = tell(&CALM, |wrong| !matches!(wrong, Wrong::Harm(_)));
    assert!(
        explored.ends == [Outcome::Moved],
        "Nothing was amiss, and of all the ways in which it can go {}.",
        match explored.ends.first() {
            None => "none comes to its end before somebody has lost something".to_owned(),
            Some(end) => format!("some end with {end:?}: people do not work on the new database"),
        }
    );
}

#[test]
fn a_task_that_was_copied_wrongly_stops_the_move() {
    tell(&COPIED_WRONGLY, |_| true);
}

#[test]
fn a_change_that_was_not_noted_stops_the_move() {
    tell(&NOT_NOTED, |_| true);
}

#[test]
fn nothing_is_dropped_before_people_have_said_so() {
    tell(&EITHER, |wrong| matches!(wrong, Wrong::Harm(Harm::NoWayBack | Harm::Unused)));
}

#[test]
fn the_way_back_loses_nothing() {
    let explored = tell(&BACK, |_| true);
    assert!(
        explored.ends == [Outcome::Back],
        "People want to go back, and of all the ways in which it can go the ends are {:?}.",
        explored.ends
    );
}

#[test]
fn killed_between_any_two_steps_it_goes_on() {
    tell(&KILLED, |_| true);
}

#[test]
fn killed_it_still_sees_what_was_not_noted() {
    tell(&KILLED_AND_NOT_NOTED, |_| true);
}
