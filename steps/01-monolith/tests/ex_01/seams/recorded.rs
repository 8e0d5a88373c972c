//! `coupling.toml`: which route reads and writes which table.

use std::collections::BTreeSet;

use acceptance::toml::{Table, Value};

/// What a route does to a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    Reads,
    Writes,
}

/// What a process does before its first request, as the map calls it.
const START: &str = "start";

/// The recorded map.
pub(crate) struct Coupling {
    pub(crate) tables: Vec<String>,
    /// Context, route, table, and what is done to it.
    accesses: Vec<(String, String, String, Access)>,
    contexts: Vec<String>,
}

/// An access over a seam.
#[derive(Clone, Copy)]
pub(crate) struct Crossing<'a> {
    pub(crate) from: &'a str,
    pub(crate) route: &'a str,
    pub(crate) table: &'a str,
    pub(crate) kind: Access,
}

impl Coupling {
    pub(crate) fn parse(text: &str) -> Self {
        let map: Table = text.parse().expect("the map was written by a program");
        let texts = |value: &Value| -> Vec<String> {
            let list = value.as_array().into_iter().flatten();
            list.filter_map(|entry| entry.as_str().map(str::to_owned)).collect()
        };
        let mut accesses = Vec::new();
        let mut contexts = Vec::new();
        for (context, routes) in
            map.iter().filter_map(|(context, routes)| Some((context, routes.as_table()?)))
        {
            contexts.push(context.clone());
            for (route, does) in routes {
                for (key, access) in [("reads", Access::Reads), ("writes", Access::Writes)] {
                    accesses.extend(
                        texts(&does[key])
                            .into_iter()
                            .map(|table| (context.clone(), route.clone(), table, access)),
                    );
                }
            }
        }
        Self { tables: texts(&map["tables"]), accesses, contexts }
    }

    pub(crate) fn contexts(&self) -> impl Iterator<Item = &str> {
        self.contexts.iter().map(String::as_str)
    }

    /// Every access, whoever owns what.
    pub(crate) fn accesses(&self) -> impl Iterator<Item = Crossing<'_>> {
        self.accesses.iter().map(|(from, route, table, kind)| Crossing { from, route, table, kind: *kind })
    }

    /// The different words of `text` that are neither a table, a part of a route, a context nor a cut.
    pub(crate) fn words_beside_names<'t>(&self, text: &'t str) -> BTreeSet<&'t str> {
        let is_name = |word: &str| {
            ["call", "event", "copy"].contains(&word)
                || self.tables.iter().chain(&self.contexts).any(|name| name == word)
                || self.accesses.iter().any(|(_, route, ..)| route.split(' ').any(|part| part == word))
        };
        let words =
            text.split_whitespace().map(|word| word.trim_matches(|sign: char| ",.;:`\"".contains(sign)));
        words.filter(|word| word.chars().any(char::is_alphabetic) && !is_name(word)).collect()
    }

    /// The contexts whose routes write `table`.
    pub(crate) fn writers(&self, table: &str) -> Vec<&str> {
        let mut writers: Vec<_> = self
            .accesses()
            .filter(|access| access.table == table && access.kind == Access::Writes)
            .map(|access| access.from)
            .collect();
        writers.dedup();
        writers
    }

    /// How many routes of a context read or write `table`. What a process does at its start is none: nobody waits for it.
    pub(crate) fn touching(&self, table: &str, context: &str) -> usize {
        let routes: BTreeSet<_> = self
            .accesses()
            .filter(|access| access.table == table && access.from == context && access.route != START)
            .map(|access| access.route)
            .collect();
        routes.len()
    }

    /// Tables that the same routes write, two by two, and those routes.
    pub(crate) fn written_together(&self) -> Vec<(&str, &str, Vec<&str>)> {
        let writing = |table: &str| -> BTreeSet<&str> {
            let writes = |access: &Crossing<'_>| access.table == table && access.kind == Access::Writes;
            self.accesses()
                .filter(writes)
                .map(|access| access.route)
                .filter(|route| *route != START)
                .collect()
        };
        let mut together = Vec::new();
        for (place, one) in self.tables.iter().enumerate() {
            let routes = writing(one);
            for other in self.tables[place + 1..].iter().filter(|other| writing(other) == routes) {
                if !routes.is_empty() {
                    together.push((one.as_str(), other.as_str(), routes.iter().copied().collect()));
                }
            }
        }
        together
    }
}
