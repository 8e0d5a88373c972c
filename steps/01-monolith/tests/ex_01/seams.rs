//! 01.2: who owns which table, judged by the recorded coupling map. More than one answer passes.

mod drawn;
mod recorded;

use std::{collections::BTreeSet, path::Path};

use drawn::{Cut, Decided, Edge, Seams};
use recorded::{Access, Coupling};

/// A context may own so much of all tables, as a fraction: more is no seam. Half would be said of one table too many, whose own
/// fault is worth more words.
const MOST: (usize, usize) = (2, 3);
/// So many of the busiest crossings are to be cut.
const BUSIEST: usize = 3;
/// A reason says so much at least beside the names of tables, routes and contexts: as many different words.
const LEAST_REASON: usize = 3;

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{} cannot be read: {error}", path.display()))
}

fn coupling() -> Coupling {
    Coupling::parse(&read("coupling.toml"))
}

fn ours() -> Seams {
    Seams::parse(&read("../../solutions/01-monolith/seams.toml")).expect("our own seams can be read")
}

/// The learner's, or ours where theirs is not asked for.
fn seams() -> Seams {
    if !cfg!(feature = "mine-01-2") {
        return ours();
    }
    let path = "exercises/01-monolith/seams.toml";
    Seams::parse(&read(&format!("../../{path}")))
        .unwrap_or_else(|error| panic!("{path} is no TOML any more: {error}"))
}

/// Fails unless every table has one owner.
fn assert_complete(coupling: &Coupling, seams: &Seams) {
    let undecided: Vec<_> = coupling.tables.iter().filter(|table| seams.owner(table) == "?").collect();
    assert!(
        undecided.is_empty(),
        "{} tables belong to nobody: {undecided:?}. Nobody will mend them.",
        undecided.len()
    );
    for table in &coupling.tables {
        let owner = seams.owner(table);
        assert!(
            owner != "web",
            "{table} belongs to web, whose pages would then be the only way to it. Web owns nothing."
        );
        assert!(
            coupling.contexts().any(|context| context == owner),
            "{table} belongs to {owner:?}, which is no team's: what is common to all is changed by all, and broken by one."
        );
    }
    let extra: Vec<_> = seams.tables().filter(|table| !coupling.tables.contains(table)).collect();
    assert!(
        extra.is_empty(),
        "{extra:?} has an owner and is not among the tables of coupling.toml: whoever looks for it finds nothing."
    );
}

#[test]
fn every_table_has_one_owner() {
    let (coupling, seams) = (coupling(), seams());
    assert_complete(&coupling, &seams);
    for context in coupling.contexts() {
        let owned = coupling.tables.iter().filter(|table| seams.owner(table) == context).count();
        assert!(
            owned * MOST.1 <= coupling.tables.len() * MOST.0,
            "{context} owns {owned} of {} tables: that is the monolith again, with another name, and one team does it all.",
            coupling.tables.len()
        );
    }
}

#[test]
fn the_owner_is_one_who_writes() {
    let (coupling, seams) = (coupling(), seams());
    assert_complete(&coupling, &seams);
    for table in &coupling.tables {
        let owner = seams.owner(table);
        let writers = coupling.writers(table);
        assert!(
            writers.contains(&owner),
            "{table} belongs to {owner}, which only reads it. Whoever writes it ({}) would have to ask {owner} each time, and \
             data is lost when {owner} is down. A foreign key or a join is no reason to own.",
            writers.join(", ")
        );
        let touching = coupling.touching(table, owner);
        // Web owns nothing, however much it shows.
        for other in writers.into_iter().filter(|other| *other != "web") {
            let more = coupling.touching(table, other);
            assert!(
                more <= touching,
                "{table} belongs to {owner}, {touching} of whose routes touch it, and {more} of {other} do, which writes it too: \
                 all of those would have to ask. Whose word is it?"
            );
        }
    }
    for (one, other, routes) in coupling.written_together() {
        let (owner, its) = (seams.owner(one), seams.owner(other));
        assert!(
            owner == its,
            "{one} belongs to {owner} and {other} to {its}, but whoever writes one of them writes the other too ({}). Two owners \
             have no transaction in common: one day one of them is there without the other.",
            routes.join(", ")
        );
    }
}

#[test]
fn few_requests_reach_over_a_seam() {
    let (coupling, seams, ours) = (coupling(), seams(), ours());
    assert_complete(&coupling, &seams);
    let (count, best) = (seams.crossings(&coupling).count(), ours.crossings(&coupling).count());
    // A tenth more, for those who weigh something else than we do.
    let bound = best + best / 10;
    assert!(
        count <= bound,
        "{count} times a route reaches over a seam, and {bound} are bearable: each becomes a call that can fail while somebody \
         waits. Most of them: {}.",
        seams.most_crossed(&coupling)
    );
    println!("note: yours is crossed {count} times, ours {best}");
    for table in &coupling.tables {
        let (mine, our) = (seams.owner(table), ours.owner(table));
        if mine != our {
            println!("note: {table}: you say {mine}, we say {our}");
        }
    }
}

#[test]
fn the_busiest_crossings_are_cut() {
    let (coupling, seams, ours) = (coupling(), seams(), ours());
    assert_complete(&coupling, &seams);
    if let Some((from, to)) = seams.decided_twice() {
        panic!(
            "{from} -> {to} is decided twice. Two teams read this file, and each builds the one that it saw."
        );
    }
    let busiest = seams.busiest(&coupling, BUSIEST);
    let list: Vec<_> = busiest.iter().map(ToString::to_string).collect();
    let mut reasons = BTreeSet::new();
    for edge in &busiest {
        let (from, to) = (edge.from, edge.to);
        let Some(crossing) = seams.crossing(from, to) else {
            let turned = match seams.crossing(to, from) {
                Some(_) => {
                    format!(" You have {to} -> {from}: `from` is the context whose routes reach over.")
                }
                None => String::new(),
            };
            panic!(
                "{from} -> {to} is not cut: its routes stand still as soon as the tables of {to} move away.{turned} Your three busiest:\n  {}",
                list.join("\n  ")
            );
        };
        let Some(cut) = crossing.cut() else {
            panic!(
                "{from} -> {to}: {:?} is neither call, event nor copy. Those who build step 02 need one of them.\n  {edge}",
                crossing.written
            );
        };
        let written = edge.accesses.iter().find(|access| access.kind == Access::Writes);
        if let (Cut::Copy, Some(written)) = (cut, written) {
            panic!(
                "{from} -> {to} is cut by a copy, but {} writes {}: the change goes into the copy and is lost to everybody else.",
                written.route, written.table
            );
        }
        assert_reason(&coupling, edge, crossing);
        assert!(
            reasons.insert(crossing.reason.as_str()),
            "{from} -> {to} has the reason of another crossing: {:?}. What is different here is said nowhere.",
            crossing.reason
        );
        // More than one answer is right; where we chose another, the reason is worth a look.
        if let Some((our, is)) =
            ours.crossing(from, to).and_then(|our| Some((our, our.cut()?))).filter(|(_, is)| *is != cut)
        {
            println!("note: {from} -> {to}: you say {cut}, we say {is}: {}", our.reason);
        }
    }
}

/// Fails unless the reason names what it is about, and says more than that.
fn assert_reason(coupling: &Coupling, edge: &Edge<'_>, crossing: &Decided) {
    let (from, to, reason) = (edge.from, edge.to, &crossing.reason);
    let names =
        |access: &recorded::Crossing<'_>| reason.contains(access.table) || reason.contains(access.route);
    assert!(
        edge.accesses.iter().any(names),
        "{from} -> {to}: the reason names none of its tables or routes, so nobody can check it a year from now.\n  {edge}"
    );
    let said = coupling.words_beside_names(reason).len();
    assert!(
        said >= LEAST_REASON,
        "{from} -> {to}: the reason {reason:?} is a name and hardly more. A year from now somebody asks why, and finds a word. \
         What do the routes do with the table, and what follows from that?\n  {edge}"
    );
}

#[test]
fn not_everything_waits_for_everything() {
    let (coupling, seams) = (coupling(), seams());
    assert_complete(&coupling, &seams);
    let busiest = seams.busiest(&coupling, BUSIEST);
    let is_call =
        |edge: &&Edge<'_>| seams.crossing(edge.from, edge.to).and_then(Decided::cut) == Some(Cut::Call);
    let calls: Vec<_> = busiest.iter().filter(is_call).collect();
    if let Some((one, other)) = calls.iter().find_map(|one| {
        calls.iter().find(|other| one.from == other.to && one.to == other.from).map(|other| (one, other))
    }) {
        panic!(
            "{0} calls {1}, and {1} calls {0}. When one of them is down, both stand still, as today, and there is a network in \
             between: a distributed monolith. Which of the two need not wait?\n  {one}\n  {other}",
            one.from, one.to
        );
    }
    assert!(
        calls.len() < busiest.len(),
        "Each of the three busiest is a call. Whatever is down, those who call it stand still, as today, and there is a network \
         in between: a distributed monolith. Who of them only looks something up, or need not wait?"
    );
    for call in calls {
        println!("note: when {} is down, these of {} stand still: {}", call.to, call.from, call.routes());
    }
}
