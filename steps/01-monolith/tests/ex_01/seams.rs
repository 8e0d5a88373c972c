//! 01.2: who owns which table, judged by the recorded coupling map. More than one answer passes.

mod drawn;
mod recorded;

use std::path::Path;

use drawn::{Cut, Seams};
use recorded::{Access, Coupling};

/// A context may own so much of all tables, as a fraction: more is no seam. Half would leave one answer only, since what
/// GitHub tells fills many tables.
const MOST: (usize, usize) = (2, 3);
/// So many of the busiest crossings are to be cut.
const BUSIEST: usize = 3;

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
    assert!(extra.is_empty(), "there is no table {extra:?}: the schema and the map know nothing of it.");
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
    let busiest = seams.busiest(&coupling, BUSIEST);
    let list: Vec<_> = busiest.iter().map(ToString::to_string).collect();
    for edge in &busiest {
        let (from, to) = (edge.from, edge.to);
        let Some(crossing) = seams.crossing(from, to) else {
            panic!(
                "{from} -> {to} is not cut: its routes stand still as soon as the tables of {to} move away. Your three busiest:\n  {}",
                list.join("\n  ")
            );
        };
        let Some(cut) = crossing.cut else {
            panic!(
                "{from} -> {to}: cut is neither call, event nor copy. Those who build step 02 need one of them.\n  {edge}"
            );
        };
        let written = edge.accesses.iter().find(|access| access.kind == Access::Writes);
        if let (Cut::Copy, Some(written)) = (cut, written) {
            panic!(
                "{from} -> {to} is cut by a copy, but {} writes {}: the change goes into the copy and is lost to everybody else.",
                written.route, written.table
            );
        }
        let names = |access: &recorded::Crossing<'_>| {
            crossing.reason.contains(access.table) || crossing.reason.contains(access.route)
        };
        assert!(
            edge.accesses.iter().any(names),
            "{from} -> {to}: the reason names none of its tables or routes, so nobody can check it a year from now.\n  {edge}"
        );
        // More than one answer is right; where we chose another, the reason is worth a look.
        if let Some(our) = ours.crossing(from, to).filter(|our| our.cut != Some(cut)) {
            let ours = our.cut.map(|cut| cut.to_string()).unwrap_or_default();
            println!("note: {from} -> {to}: you say {cut}, we say {ours}: {}", our.reason);
        }
    }
}
