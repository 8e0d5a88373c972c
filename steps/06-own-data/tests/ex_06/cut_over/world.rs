//! What there is to move: a task of Ana's and one of Ben's, two databases, what was noted, and the fence. Everything that happens
//! is one of a few atomic steps, and two worlds that are equal have the same future.

use kit_06_own_data::cut_over::{Decision, Side};

use super::replay::{Answer, Call};

/// Whose task.
pub(super) type Person = usize;
pub(super) const PEOPLE: [Person; 2] = [0, 1];
/// Whose task is copied wrongly, where one is.
const COPIED_WRONGLY: Person = 1;

/// What is wrong with the databases or between them, by no fault of whoever moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flaw {
    /// A task is copied wrongly.
    Copy,
    /// A change is not noted.
    Hole,
}

/// What may happen.
#[derive(Debug, Clone, Copy)]
pub(super) struct Setting {
    /// How many changes each of the two makes at most.
    pub(super) changes: u8,
    /// Whether each may delete their task after that.
    pub(super) deletes: bool,
    /// What people may decide.
    pub(super) decisions: &'static [Decision],
    /// How often the mover may be killed, or an operation fail.
    pub(super) troubles: u8,
    pub(super) flaw: Option<Flaw>,
}

/// A task as one of the databases has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
struct Row {
    version: u8,
    /// Which of the changes are in it, a bit each.
    changes: u8,
    is_wrong: bool,
}

/// Both databases, and what is between them.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct World {
    rows: [[Option<Row>; 2]; 2],
    /// Whose task was noted there and not yet brought to the other side.
    noted: [[bool; 2]; 2],
    /// Which side takes writes.
    pub(super) writes: Option<Side>,
    /// Which side took the last ones.
    last: Side,
    pub(super) reads: Side,
    is_mirrored: bool,
    pub(super) decided: Option<Decision>,
    pub(super) is_dropped: bool,
    /// The changes of each that were said to be stored, a bit each.
    stored: [u8; 2],
    /// Whose task was said to be deleted.
    deleted: [bool; 2],
    /// Whether the flaw of the setting has shown.
    pub(super) is_flawed: bool,
}

/// What happens in a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Event {
    Changes { person: Person, change: u8, side: Side, is_noted: bool },
    Deletes { person: Person, side: Side, is_noted: bool },
    Brings { person: Person, to: Side },
    Asks,
    Mirrors,
    Copies { person: Person },
    HasNothingToCopy,
    Compares { differing: u64, is_fenced: bool },
    Closes(Side),
    HasAllBrought,
    HasReads(Side),
    HasWrites(Side),
    Decides(Decision),
    Drops,
    IsKilled,
    Fails(Call),
    PassesOn,
}

/// What must not be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Harm {
    /// A stored change is not where it is read, and nothing brings it there.
    Lost { person: Person, change: u8 },
    /// A stored change is not where it is read, and comes later.
    Stale { person: Person, change: u8 },
    /// A deleted task is there again.
    Returned { person: Person },
    /// A task is read as it was copied wrongly.
    Wrong { person: Person },
    /// A task is not where it is read.
    Unread { person: Person },
    /// A task is not where it is written.
    Unwritten { person: Person },
    /// Everything is copied while nobody can write.
    Pause,
    /// People are asked about a database on which nobody works.
    Unused,
    /// The old database was dropped before people wanted it.
    NoWayBack,
}

/// A step of an operation: what there is then, what happened, and the answer, if it is done.
pub(super) type Step = (World, Event, Option<Answer>);

pub(super) fn other(side: Side) -> Side {
    match side {
        Side::Old => Side::New,
        Side::New => Side::Old,
    }
}

impl World {
    /// Everybody works on the old one, and nothing is moved.
    pub(super) fn new() -> Self {
        Self {
            rows: [[Some(Row::default()); 2], [None; 2]],
            noted: [[false; 2]; 2],
            writes: Some(Side::Old),
            last: Side::Old,
            reads: Side::Old,
            is_mirrored: false,
            decided: None,
            is_dropped: false,
            stored: [0; 2],
            deleted: [false; 2],
            is_flawed: false,
        }
    }

    /// Whether the move is over: then no mover is started again.
    pub(super) fn is_over(&self) -> bool {
        let is_back =
            self.decided == Some(Decision::Back) && self.writes == Some(Side::Old) && self.reads == Side::Old;
        self.is_dropped || is_back
    }

    /// As the next mover finds it: one that starts opens first what the one before it has left closed.
    pub(super) fn taken_up(&self) -> Self {
        match self.writes {
            Some(_) => self.clone(),
            None => Self { writes: Some(self.last), reads: self.last, ..self.clone() },
        }
    }

    fn row(&self, side: Side, person: Person) -> Option<Row> {
        self.rows[side as usize][person]
    }

    fn is_all_brought(&self) -> bool {
        self.noted == [[false; 2]; 2]
    }

    /// Each of the two may change their task or delete it, on the side that takes writes. Where none does, they wait.
    pub(super) fn people(&self, setting: &Setting) -> Vec<(Self, Event)> {
        let mut steps = Vec::new();
        let Some(side) = self.writes else { return steps };
        for person in PEOPLE {
            let Some(row) = self.row(side, person) else { continue };
            let change = u8::try_from(self.stored[person].count_ones()).unwrap_or(u8::MAX);
            if change < setting.changes {
                let mut then = self.clone();
                then.stored[person] |= 1 << change;
                let row = Row { version: row.version + 1, changes: row.changes | 1 << change, ..row };
                then.rows[side as usize][person] = Some(row);
                let event = |is_noted| Event::Changes { person, change, side, is_noted };
                steps.extend(then.noting(person, side, setting, event));
            } else if setting.deletes && !self.deleted[person] {
                let mut then = self.clone();
                then.deleted[person] = true;
                then.rows[side as usize][person] = None;
                let event = |is_noted| Event::Deletes { person, side, is_noted };
                steps.extend(then.noting(person, side, setting, event));
            }
        }
        steps
    }

    /// What has just happened to a task, noted as it should be, and, where that is the flaw, not noted.
    fn noting(
        mut self,
        person: Person,
        side: Side,
        setting: &Setting,
        event: impl Fn(bool) -> Event,
    ) -> Vec<(Self, Event)> {
        let mut ways = Vec::new();
        if setting.flaw == Some(Flaw::Hole) && self.is_mirrored && side == Side::Old && !self.is_flawed {
            ways.push((Self { is_flawed: true, ..self.clone() }, event(false)));
        }
        self.noted[side as usize][person] |= self.is_mirrored;
        let is_noted = self.is_mirrored;
        ways.push((self, event(is_noted)));
        ways
    }

    /// The follower brings a task that was noted, as it is now, to the other side.
    pub(super) fn follower(&self) -> Vec<(Self, Event)> {
        let mut steps = Vec::new();
        for (side, person) in
            [Side::Old, Side::New].into_iter().flat_map(|side| PEOPLE.map(|person| (side, person)))
        {
            if self.noted[side as usize][person] {
                let (mut then, to) = (self.clone(), other(side));
                then.noted[side as usize][person] = false;
                then.rows[to as usize][person] = self.row(side, person);
                steps.push((then, Event::Brings { person, to }));
            }
        }
        steps
    }

    /// The next step of an operation of the mover's, in each way in which it may go; none while it waits for somebody.
    pub(super) fn operation(&self, call: Call, setting: &Setting) -> Vec<Step> {
        let mut then = self.clone();
        let done = |world, event| vec![(world, event, Some(Answer::Done))];
        match call {
            Call::Writes => {
                let side = self.writes.unwrap_or(self.last);
                vec![(then, Event::Asks, Some(Answer::Side(side)))]
            }
            Call::Mirror => {
                then.is_mirrored = !self.is_dropped;
                done(then, Event::Mirrors)
            }
            Call::Backfill => self.backfill(setting),
            Call::Compare => self.compare(),
            Call::Fence => match self.writes {
                Some(side) => vec![(self.closed(), Event::Closes(side), None)],
                None if self.is_all_brought() => done(then, Event::HasAllBrought),
                None => Vec::new(),
            },
            Call::ReadFrom(side) => {
                then.reads = side;
                done(then, Event::HasReads(side))
            }
            Call::WriteTo(side) => {
                if self.writes == Some(other(side)) {
                    return vec![(self.closed(), Event::Closes(other(side)), None)];
                }
                then.writes = Some(side);
                then.last = side;
                done(then, Event::HasWrites(side))
            }
            Call::Soak => {
                let open = self.decided.as_ref().map_or(setting.decisions, std::slice::from_ref);
                let decides = |&decision: &Decision| {
                    let then = Self { decided: Some(decision), ..self.clone() };
                    (then, Event::Decides(decision), Some(Answer::Decided(decision)))
                };
                open.iter().map(decides).collect()
            }
            Call::DropOld => {
                then.rows[Side::Old as usize] = [None; 2];
                then.noted = [[false; 2]; 2];
                then.is_mirrored = false;
                then.is_dropped = true;
                done(then, Event::Drops)
            }
        }
    }

    fn closed(&self) -> Self {
        Self { last: self.writes.unwrap_or(self.last), writes: None, ..self.clone() }
    }

    /// Copies the first task that is not there yet.
    fn backfill(&self, setting: &Setting) -> Vec<Step> {
        let is_missing = |person: &Person| {
            self.row(Side::Old, *person).is_some() && self.row(Side::New, *person).is_none()
        };
        let mut missing = PEOPLE.into_iter().filter(is_missing);
        let Some(person) = missing.next() else {
            return vec![(self.clone(), Event::HasNothingToCopy, Some(Answer::Done))];
        };
        let mut then = self.clone();
        let is_wrong = setting.flaw == Some(Flaw::Copy) && person == COPIED_WRONGLY;
        then.is_flawed |= is_wrong;
        then.rows[Side::New as usize][person] =
            self.row(Side::Old, person).map(|row| Row { is_wrong, ..row });
        let is_last = missing.next().is_none();
        vec![(then, Event::Copies { person }, is_last.then_some(Answer::Done))]
    }

    /// Row by row while people write; what is on its way is no difference. Behind the fence the count and the sum of versions, when
    /// all is brought.
    fn compare(&self) -> Vec<Step> {
        let is_fenced = self.writes.is_none();
        if is_fenced && !self.is_all_brought() {
            return Vec::new();
        }
        let sums = |side: Side| {
            let rows = self.rows[side as usize].iter().flatten();
            rows.fold((0, 0), |(count, sum), row| (count + 1, sum + u64::from(row.version)))
        };
        let differs = |person: &Person| {
            let is_on_its_way = self.noted.iter().any(|noted| noted[*person]);
            !is_on_its_way && self.row(Side::Old, *person) != self.row(Side::New, *person)
        };
        let differing = if is_fenced {
            u64::from(sums(Side::Old) != sums(Side::New))
        } else {
            PEOPLE.iter().filter(|person| differs(person)).fold(0, |count, _| count + 1)
        };
        vec![(self.clone(), Event::Compares { differing, is_fenced }, Some(Answer::Differ(differing)))]
    }

    /// What is wrong with how it is now, for whoever reads or writes.
    pub(super) fn harm(&self) -> Option<Harm> {
        PEOPLE.into_iter().find_map(|person| self.harm_to(person))
    }

    fn harm_to(&self, person: Person) -> Option<Harm> {
        let read = self.row(self.reads, person);
        let from = other(self.reads);
        if self.deleted[person] {
            let is_on_its_way = self.row(from, person).is_none() && self.noted[from as usize][person];
            return (read.is_some() && !is_on_its_way).then_some(Harm::Returned { person });
        }
        let Some(read) = read else { return Some(Harm::Unread { person }) };
        if read.is_wrong {
            return Some(Harm::Wrong { person });
        }
        let missing = self.stored[person] & !read.changes;
        if missing != 0 {
            let change = u8::try_from(missing.trailing_zeros()).unwrap_or(u8::MAX);
            let has_it = self.row(from, person).is_some_and(|row| row.changes & (1 << change) != 0);
            let is_on_its_way = has_it && self.noted[from as usize][person];
            return Some(match is_on_its_way {
                true => Harm::Stale { person, change },
                false => Harm::Lost { person, change },
            });
        }
        let is_unwritten = self.writes.is_some_and(|side| self.row(side, person).is_none());
        is_unwritten.then_some(Harm::Unwritten { person })
    }

    /// What is wrong with this as the mover's next step.
    pub(super) fn harm_of(&self, event: Event) -> Option<Harm> {
        let is_used = self.reads == Side::New && self.writes == Some(Side::New);
        match event {
            Event::Copies { .. } if self.writes.is_none() => Some(Harm::Pause),
            Event::Decides(_) if self.decided.is_none() && !is_used => Some(Harm::Unused),
            Event::Drops if self.decided != Some(Decision::Keep) => Some(Harm::NoWayBack),
            _ => None,
        }
    }
}
