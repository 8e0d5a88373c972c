//! Everything that can happen while the learner's function runs: all orders of the steps of two people, the follower and the mover,
//! which may be killed between any two of them. Breadth first, so that what is found is found by the shortest way.

use std::collections::{HashMap, hash_map::Entry};

use kit_06_own_data::cut_over::{Decision, Outcome, Side};

use super::{
    replay::{Answer, Call, Function, Next, Place},
    world::{Event, Harm, Setting, World},
};

/// How many situations are looked at: far more than an order of the operations that comes to an end has.
const MOST: usize = 300_000;

/// What went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wrong {
    /// With people or their data.
    Harm(Harm),
    /// Nobody can write, and the mover has ended.
    Blocked,
    /// Reads and writes are on different sides, and the mover has ended.
    Split,
    /// It was called off, and nothing was amiss.
    CalledOff(u64),
    /// It says another end than there is.
    Untrue(Outcome),
    /// It ends with an error, and nothing had failed.
    Fails,
    /// It does not come to an end.
    GoesOn,
    /// It waits for something that is no operation.
    Waits,
}

/// Something that went wrong, and how it came to that.
pub(super) struct Story {
    pub(super) wrong: Wrong,
    pub(super) events: Vec<Event>,
    /// What the mover had called last.
    pub(super) call: Option<Call>,
}

/// What an exploration has found.
pub(super) struct Explored {
    /// How many situations there are.
    pub(super) situations: usize,
    /// The ends that were met.
    pub(super) ends: Vec<Outcome>,
    /// The shortest story of each kind, the shortest of all first.
    pub(super) stories: Vec<Story>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Situation {
    world: World,
    mover: Mover,
    /// How often the mover may still be killed.
    troubles: u8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Mover {
    At(Place),
    /// Nobody starts it again.
    Over,
}

/// How a situation was met first: from which one, and by which event and call.
type Way = Option<(usize, Event, Option<Call>)>;

struct Explorer<'a> {
    setting: &'a Setting,
    function: Function,
    known: HashMap<Situation, usize>,
    met: Vec<(Situation, Way)>,
    explored: Explored,
}

/// Looks at everything that can happen.
///
/// # Panics
/// The function does; or there are more than [`MOST`] situations.
pub(super) fn explore(setting: &Setting) -> Explored {
    let explored = Explored { situations: 0, ends: Vec::new(), stories: Vec::new() };
    let mut explorer =
        Explorer { setting, function: Function::new(), known: HashMap::new(), met: Vec::new(), explored };
    let beginning =
        Situation { world: World::new(), mover: Mover::At(Function::BEGINNING), troubles: setting.troubles };
    explorer.meets(beginning, None);
    let mut at = 0;
    while at < explorer.met.len() && at < MOST {
        explorer.go_on_from(at);
        at += 1;
    }
    explorer.explored.situations = explorer.met.len();
    explorer.explored
}

impl Explorer<'_> {
    fn go_on_from(&mut self, at: usize) {
        let Situation { world, mover, troubles } = self.met[at].0.clone();
        if let Some(harm) = world.harm() {
            self.found(Wrong::Harm(harm), at, None);
            return;
        }
        let Mover::At(place) = mover else { return };
        match self.function.next(place) {
            Next::Asks(call) => {
                self.mover_goes_on(at, place, call);
                if troubles > 0 {
                    self.mover_has_trouble(at, place, call);
                }
            }
            Next::Ends(outcome) => {
                self.ends(at, outcome);
                return;
            }
            // Whoever calls tries again.
            Next::Fails if self.function.was_failed(place) => {
                let mover = Mover::At(Function::BEGINNING);
                let again = Situation { mover, world: world.taken_up(), troubles };
                self.meets(again, Some((at, Event::PassesOn, None)));
            }
            Next::Fails => self.found(Wrong::Fails, at, None),
            Next::GoesOn => self.found(Wrong::GoesOn, at, None),
            Next::Waits => self.found(Wrong::Waits, at, None),
        }
        for (then, event) in world.people(self.setting).into_iter().chain(world.follower()) {
            self.meets(Situation { world: then, mover, troubles }, Some((at, event, None)));
        }
    }

    fn mover_goes_on(&mut self, at: usize, place: Place, call: Call) {
        let Situation { world, troubles, .. } = self.met[at].0.clone();
        for (then, event, answer) in world.operation(call, self.setting) {
            if let Some(harm) = world.harm_of(event) {
                self.found(Wrong::Harm(harm), at, Some((event, call)));
                continue;
            }
            let place = answer.map_or(place, |answer| self.function.after(place, answer));
            self.meets(
                Situation { world: then, mover: Mover::At(place), troubles },
                Some((at, event, Some(call))),
            );
        }
    }

    /// It is killed and started again; or the operation fails.
    fn mover_has_trouble(&mut self, at: usize, place: Place, call: Call) {
        let Situation { world, troubles, .. } = self.met[at].0.clone();
        let troubles = troubles - 1;
        let mover = if world.is_over() { Mover::Over } else { Mover::At(Function::BEGINNING) };
        let killed = Situation { world: world.taken_up(), mover, troubles };
        self.meets(killed, Some((at, Event::IsKilled, None)));
        let mover = Mover::At(self.function.after(place, Answer::Failed));
        self.meets(Situation { world, mover, troubles }, Some((at, Event::Fails(call), Some(call))));
    }

    fn ends(&mut self, at: usize, outcome: Outcome) {
        let world = &self.met[at].0.world;
        let is = |side| world.writes == Some(side) && world.reads == side;
        let wrong = match outcome {
            _ if world.writes.is_none() => Some(Wrong::Blocked),
            _ if world.writes != Some(world.reads) => Some(Wrong::Split),
            Outcome::Moved if is(Side::New) && world.is_dropped => None,
            Outcome::Back if is(Side::Old) && world.decided == Some(Decision::Back) => None,
            Outcome::Differs(rows) if is(Side::Old) && rows > 0 => {
                (!world.is_flawed).then_some(Wrong::CalledOff(rows))
            }
            _ => Some(Wrong::Untrue(outcome)),
        };
        match wrong {
            Some(wrong) => self.found(wrong, at, None),
            None if self.explored.ends.contains(&outcome) => {}
            None => self.explored.ends.push(outcome),
        }
    }

    fn meets(&mut self, situation: Situation, way: Way) {
        if let Entry::Vacant(new) = self.known.entry(situation) {
            self.met.push((new.key().clone(), way));
            new.insert(self.met.len() - 1);
        }
    }

    /// Notes what is wrong at `at`, or with the step that would follow, unless one of this kind is known.
    fn found(&mut self, wrong: Wrong, at: usize, step: Option<(Event, Call)>) {
        let is_known = self.explored.stories.iter().any(|story| story.wrong.is_like(wrong));
        if is_known {
            return;
        }
        let (mut events, mut calls) = (Vec::new(), Vec::new());
        if let Some((event, call)) = step {
            events.push(event);
            calls.push(call);
        }
        let mut from = at;
        while let Some((before, event, call)) = self.met[from].1 {
            events.push(event);
            calls.extend(call);
            from = before;
        }
        events.reverse();
        self.explored.stories.push(Story { wrong, events, call: calls.first().copied() });
    }
}

impl Wrong {
    /// Whether it is of the same kind: to whom it happens makes no other.
    fn is_like(self, other: Self) -> bool {
        match (self, other) {
            (Self::Harm(one), Self::Harm(other)) => {
                std::mem::discriminant(&one) == std::mem::discriminant(&other)
            }
            _ => std::mem::discriminant(&self) == std::mem::discriminant(&other),
        }
    }
}
