//! What was found, told as the story of two people: what happened to whom, what the learner's code did just before, and how it came
//! to that, step by step.

use std::fmt::Write;

use kit_06_own_data::cut_over::{Decision, Outcome, Side};

use super::{
    explore::{Story, Wrong},
    replay::Call,
    world::{Event, Harm, PEOPLE, Person},
};

/// The most lines of a story that are told: what was first is left out.
const LINES: usize = 11;

/// The width up to which what the mover does in a row is one line.
const WIDTH: usize = 110;

/// Who does something, for the lines of a story.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Who {
    Mover,
    Follower,
    Person(Person),
    Fate,
}

/// The lines of a story, numbered, each with the events that it tells of.
struct Lines {
    lines: Vec<(Who, String)>,
    /// The line of each event; nothing for one that is not told.
    of: Vec<Option<usize>>,
}

fn name(person: Person) -> &'static str {
    ["Ana", "Ben"][person]
}

fn their(person: Person) -> &'static str {
    ["her", "his"][person]
}

fn side(side: Side) -> &'static str {
    match side {
        Side::Old => "the old database",
        Side::New => "the new database",
    }
}

/// What somebody does to their task.
fn change(person: Person, change: u8) -> String {
    match change {
        0 => format!("sets {} task to done", their(person)),
        1 => format!("gives {} task a due date", their(person)),
        _ => format!("changes {} task once more", their(person)),
    }
}

/// The operation as it stands in code.
fn call(call: Call) -> String {
    match call {
        Call::Writes => "writes()".to_owned(),
        Call::Mirror => "mirror()".to_owned(),
        Call::Backfill => "backfill()".to_owned(),
        Call::Compare => "compare()".to_owned(),
        Call::Fence => "fence()".to_owned(),
        Call::ReadFrom(side) => format!("read_from(Side::{side:?})"),
        Call::WriteTo(side) => format!("write_to(Side::{side:?})"),
        Call::Soak => "soak()".to_owned(),
        Call::DropOld => "drop_old()".to_owned(),
    }
}

/// All of it.
pub(super) fn told(story: &Story) -> String {
    let lines = Lines::of(&story.events);
    let mut text = headline(story, &lines);
    if let Some(last) = story.call {
        let _ = write!(text, "\nThe last that your code called was `{}`. {}", call(last), look(story.wrong));
    }
    text.push_str("\nHow it came to that:");
    let left_out = lines.lines.len().saturating_sub(LINES);
    for (number, (_, line)) in (1..).zip(&lines.lines).skip(left_out) {
        let _ = write!(text, "\n{number:>2} {line}");
    }
    text
}

/// What happened to whom.
fn headline(story: &Story, lines: &Lines) -> String {
    let step = |person, change| lines.step(&story.events, person, change);
    match story.wrong {
        Wrong::Harm(Harm::Lost { person, change }) => {
            format!("{}'s change of step {} is gone: nobody who reads {} task sees it, now or later.", name(person), step(person, change), their(person))
        }
        Wrong::Harm(Harm::Stale { person, change }) => format!(
            "{0} reads {1} task and does not see {1} own change of step {2}: it is stored on the one side, and {1} read goes to the other.",
            name(person),
            their(person),
            step(person, change)
        ),
        Wrong::Harm(Harm::Returned { person }) => {
            format!("{} has deleted {} task, was told that it is gone, and there it is again.", name(person), their(person))
        }
        Wrong::Harm(Harm::Wrong { person }) => {
            format!("{}'s task was copied wrongly, by a fault that we planted, and from now on everybody reads it so.", name(person))
        }
        Wrong::Harm(Harm::Unread { person }) => {
            format!("{} opens {} task, and it is not there: the side that is read does not have it.", name(person), their(person))
        }
        Wrong::Harm(Harm::Unwritten { person }) => {
            format!("{} wants to change {} task, and it is not there: the side that takes writes does not have it.", name(person), their(person))
        }
        Wrong::Harm(Harm::Pause) => {
            "Ana and Ben cannot write while all rows are copied. Two rows are a moment; a hundred million are a night.".to_owned()
        }
        Wrong::Harm(Harm::Unused) => {
            "Ana and Ben are asked whether the new database may stay, and they do not work on it: nobody knows the answer.".to_owned()
        }
        Wrong::Harm(Harm::NoWayBack) => {
            "The old database is dropped, and people have not said that it may go. If they find the new one wanting, there is no way back.".to_owned()
        }
        Wrong::Blocked => "The mover has ended, and no database takes writes: Ana and Ben wait until somebody wakes up.".to_owned(),
        Wrong::Split => "The mover has ended, and Ana and Ben write to one database and read the other.".to_owned(),
        Wrong::CalledOff(rows) => format!(
            "The move is called off because of {rows} that differ. Neither database is at fault: your order made the difference, and will make it again."
        ),
        Wrong::Untrue(outcome) => format!("Your code says {outcome:?}, and that is not how it ended: {}.", meant(outcome)),
        Wrong::Fails => "Your code ends with an error, and no operation has failed. It is started again and again, and nobody is told why.".to_owned(),
        Wrong::GoesOn => "After forty operations the mover still goes on. People see it work, and nobody is told that it leads nowhere.".to_owned(),
        Wrong::Waits => "The mover waits for something that is none of the operations, for ever.".to_owned(),
    }
}

/// What an outcome says.
fn meant(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Moved => "then the new database is the only one",
        Outcome::Back => "then people wanted to go back, and work on the old one",
        Outcome::Differs(_) => "then some rows differ, and people work on the old one",
    }
}

/// Where to look.
fn look(wrong: Wrong) -> &'static str {
    match wrong {
        Wrong::Harm(Harm::Lost { .. }) => {
            "Which changes of the writing side had it not been told of, or not waited for?"
        }
        Wrong::Harm(Harm::Stale { .. }) => "Who may still write while reads and writes change sides?",
        Wrong::Harm(Harm::Returned { .. }) => {
            "What does a backfill make of a row that people have deleted on the new side?"
        }
        Wrong::Harm(Harm::Wrong { .. }) => {
            "Which look at the rows would have seen it, and what was done with its answer?"
        }
        Wrong::Harm(Harm::Unread { .. } | Harm::Unwritten { .. }) => {
            "What has to be on a side before people are sent there?"
        }
        Wrong::Harm(Harm::Pause) => "What of it can be done while people write?",
        Wrong::Harm(Harm::Unused) => "Where do people read and write at this line?",
        Wrong::Harm(Harm::NoWayBack) => {
            "Which operation tells you what people have decided, and what did it say?"
        }
        Wrong::Blocked => "Who opens what was closed, on each way out of your code?",
        Wrong::Split => "Which of the two is missing on this way out?",
        Wrong::CalledOff(_) => "Which change did the new side never hear of?",
        Wrong::Untrue(_) => "Which way through your code leads there?",
        Wrong::Fails => "What does `Outcome` have for this?",
        Wrong::GoesOn => "Does your loop change what it waits for?",
        Wrong::Waits => "",
    }
}

impl Lines {
    fn of(events: &[Event]) -> Self {
        let mut lines: Vec<(Who, String)> = Vec::new();
        let mut of = Vec::new();
        for (at, event) in events.iter().enumerate() {
            let Some((who, what)) = what(events, at, *event) else {
                of.push(None);
                continue;
            };
            match lines.last_mut() {
                Some((last, line))
                    if (*last, who) == (Who::Mover, Who::Mover) && line.len() + what.len() < WIDTH =>
                {
                    line.push_str(", ");
                    line.push_str(&what);
                }
                _ => lines.push((who, format!("{}{what}", begins(who)))),
            }
            of.push(Some(lines.len()));
        }
        Self { lines, of }
    }

    /// The number of the line that tells of somebody's change.
    fn step(&self, events: &[Event], whose: Person, which: u8) -> usize {
        let is_it = |event: &Event| matches!(*event, Event::Changes { person, change, .. } if person == whose && change == which);
        events.iter().position(is_it).and_then(|at| self.of[at]).unwrap_or_default()
    }
}

fn begins(who: Who) -> String {
    match who {
        Who::Mover => "the mover ".to_owned(),
        Who::Follower => "the follower ".to_owned(),
        Who::Person(person) => format!("{} ", name(person)),
        Who::Fate => String::new(),
    }
}

/// Who does it, and what; nothing for what nobody need hear of.
fn what(events: &[Event], at: usize, event: Event) -> Option<(Who, String)> {
    let mover = |what: String| Some((Who::Mover, what));
    match event {
        Event::Changes { person, change: which, side: on, is_noted } => {
            let noted = if is_noted { "" } else { "; nobody notes it" };
            Some((Who::Person(person), format!("{} on {}{noted}", change(person, which), side(on))))
        }
        Event::Deletes { person, side: on, is_noted } => {
            let noted = if is_noted { "" } else { "; nobody notes it" };
            Some((Who::Person(person), format!("deletes {} task on {}{noted}", their(person), side(on))))
        }
        Event::Brings { person, to } => {
            Some((Who::Follower, format!("brings {}'s task as it is now to {}", name(person), side(to))))
        }
        Event::Asks | Event::HasNothingToCopy => None,
        Event::Mirrors => mover("has changes noted from now on".to_owned()),
        Event::Copies { person } => match (at > 0).then(|| events[at - 1]) {
            // The whole table at once is one thing to tell.
            _ if matches!(events.get(at + 1), Some(Event::Copies { .. })) => None,
            Some(Event::Copies { .. }) => mover("copies all tasks".to_owned()),
            _ => mover(format!("copies {}'s task", name(person))),
        },
        Event::Compares { differing, is_fenced: false } => {
            mover(format!("compares row by row: {differing} of {} differ", PEOPLE.len()))
        }
        Event::Compares { differing, is_fenced: true } => {
            let said = if differing == 0 { "equal" } else { "not equal" };
            mover(format!("compares counts and sums of versions: {said}"))
        }
        Event::Closes(closed) => mover(format!("closes {}: whoever wants to write waits", side(closed))),
        Event::HasAllBrought => mover("sees that all that was noted has arrived".to_owned()),
        Event::HasReads(from) => mover(format!("has everybody read {}", side(from))),
        Event::HasWrites(to) => mover(format!("opens {} for writes", side(to))),
        Event::Decides(Decision::Keep) => mover("hears that people want to keep the new database".to_owned()),
        Event::Decides(Decision::Back) => mover("hears that people want to go back".to_owned()),
        Event::Drops => mover("drops the old database".to_owned()),
        Event::IsKilled => {
            Some((Who::Fate, "the mover is killed, and started again from the beginning".to_owned()))
        }
        Event::Fails(failed) => {
            Some((Who::Fate, format!("`{}` fails: a database is away for a moment", call(failed))))
        }
        Event::PassesOn => Some((Who::Fate, "your code passes the error on, and is called again".to_owned())),
    }
}
