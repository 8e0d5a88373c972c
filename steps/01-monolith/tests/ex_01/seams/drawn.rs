//! `seams.toml`: who owns what, and how the busiest crossings are cut.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use acceptance::toml::{Table, Value};

use super::recorded::{Access, Coupling, Crossing};

/// How a crossing is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cut {
    Call,
    Event,
    Copy,
}

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Call => "call",
            Self::Event => "event",
            Self::Copy => "copy",
        })
    }
}

/// What somebody decided about a crossing.
pub(crate) struct Decided {
    from: String,
    to: String,
    /// How it is cut, as it was written.
    pub(crate) written: String,
    pub(crate) reason: String,
}

impl Decided {
    /// `None` while it is none of the three.
    pub(crate) fn cut(&self) -> Option<Cut> {
        match self.written.as_str() {
            "call" => Some(Cut::Call),
            "event" => Some(Cut::Event),
            "copy" => Some(Cut::Copy),
            _ => None,
        }
    }
}

/// A file of seams.
pub(crate) struct Seams {
    owners: BTreeMap<String, String>,
    decided: Vec<Decided>,
}

/// All that crosses from one context to another.
pub(crate) struct Edge<'a> {
    pub(crate) from: &'a str,
    pub(crate) to: &'a str,
    pub(crate) accesses: Vec<Crossing<'a>>,
}

impl Seams {
    /// # Errors
    /// It is no TOML; why, in the parser's words.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let file: Table = text.parse().map_err(|error: acceptance::toml::de::Error| error.to_string())?;
        let owners = file.get("owner").and_then(Value::as_table).into_iter().flatten();
        let owners = owners.map(|(table, owner)| (table.clone(), owner.as_str().unwrap_or("?").to_owned()));
        let decided = file.get("crossing").and_then(Value::as_array).into_iter().flatten().map(|crossing| {
            let text = |key: &str| crossing.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
            Decided { from: text("from"), to: text("to"), written: text("cut"), reason: text("reason") }
        });
        Ok(Self { owners: owners.collect(), decided: decided.collect() })
    }

    /// Who owns `table`; `?` while nobody does.
    pub(crate) fn owner(&self, table: &str) -> &str {
        self.owners.get(table).map_or("?", String::as_str)
    }

    pub(crate) fn tables(&self) -> impl Iterator<Item = &String> {
        self.owners.keys()
    }

    pub(crate) fn crossing(&self, from: &str, to: &str) -> Option<&Decided> {
        self.decided.iter().find(|decided| decided.from == from && decided.to == to)
    }

    /// A crossing that stands in the file more than once.
    pub(crate) fn decided_twice(&self) -> Option<(&str, &str)> {
        let mut seen = BTreeSet::new();
        let mut ends = self.decided.iter().map(|decided| (decided.from.as_str(), decided.to.as_str()));
        ends.find(|ends| *ends != ("?", "?") && !seen.insert(*ends))
    }

    /// What reaches over a seam, route by route and table by table: one that reads and writes the same table crosses once.
    /// Pages are left out: web owns nothing, so all of theirs cross, whatever is drawn.
    pub(crate) fn crossings<'a>(&'a self, coupling: &'a Coupling) -> impl Iterator<Item = Crossing<'a>> {
        let mut seen: BTreeMap<(&str, &str), Crossing<'a>> = BTreeMap::new();
        let over = |access: &Crossing<'_>| access.from != "web" && self.owner(access.table) != access.from;
        for access in coupling.accesses().filter(over) {
            let kept = seen.entry((access.route, access.table)).or_insert(access);
            if access.kind == Access::Writes {
                *kept = access;
            }
        }
        seen.into_values()
    }

    /// The `count` edges with the most crossings, the busiest first.
    pub(crate) fn busiest<'a>(&'a self, coupling: &'a Coupling, count: usize) -> Vec<Edge<'a>> {
        let mut edges: BTreeMap<(&str, &str), Vec<Crossing<'a>>> = BTreeMap::new();
        for crossing in self.crossings(coupling) {
            edges.entry((crossing.from, self.owner(crossing.table))).or_default().push(crossing);
        }
        let mut edges: Vec<_> =
            edges.into_iter().map(|((from, to), accesses)| Edge { from, to, accesses }).collect();
        // Stable: equally busy ones stay in the order of their names.
        edges.sort_by_key(|edge| std::cmp::Reverse(edge.accesses.len()));
        edges.truncate(count);
        edges
    }

    /// The table that most reach for over a seam.
    pub(crate) fn most_crossed(&self, coupling: &Coupling) -> String {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for crossing in self.crossings(coupling) {
            *counts.entry(crossing.table).or_default() += 1;
        }
        let most = counts.into_iter().max_by_key(|(_, count)| *count);
        most.map(|(table, count)| format!("{table}, {count} times, owned by {}", self.owner(table)))
            .unwrap_or_default()
    }
}

impl Edge<'_> {
    /// The routes that cross, by name.
    pub(crate) fn routes(&self) -> String {
        let routes: BTreeSet<_> = self.accesses.iter().map(|access| access.route).collect();
        routes.into_iter().collect::<Vec<_>>().join(", ")
    }
}

impl fmt::Display for Edge<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of = |kind: Access| -> BTreeSet<&str> {
            self.accesses.iter().filter(|access| access.kind == kind).map(|access| access.table).collect()
        };
        let list = |set: BTreeSet<&str>| set.into_iter().collect::<Vec<_>>().join(", ");
        write!(f, "{} -> {}: {} crossings, by {}", self.from, self.to, self.accesses.len(), self.routes())?;
        for (kind, verb) in [(Access::Reads, "reads"), (Access::Writes, "writes")] {
            if !of(kind).is_empty() {
                write!(f, "; {verb} {}", list(of(kind)))?;
            }
        }
        Ok(())
    }
}
