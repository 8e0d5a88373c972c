//! The coupling map: route × table, read or write.

use std::collections::{BTreeMap, BTreeSet};

use crate::{contexts, statement::Access};

/// Which route (or worker) does what to which table.
pub(crate) struct Map {
    tables: Vec<String>,
    routes: BTreeMap<String, BTreeSet<(Access, String)>>,
}

impl Map {
    /// An empty map of these tables.
    pub(crate) fn of(tables: Vec<String>) -> Self {
        Self { tables, routes: BTreeMap::new() }
    }

    pub(crate) fn tables(&self) -> &[String] {
        &self.tables
    }

    pub(crate) fn add(&mut self, route: &str, table: &str, access: Access) {
        self.routes.entry(route.to_owned()).or_default().insert((access, table.to_owned()));
    }

    /// As `coupling.toml`: the routes by context, and the tables that nobody owns.
    pub(crate) fn to_toml(&self) -> String {
        let mut text = "# Which route reads and writes which table, recorded from the real requests of the acceptance suite by\n\
                        # `cargo test --workspace --test coupling -- --write`. A name without a path is a worker's; `start` is what\n\
                        # the process does before its first request.\n\n\
                        # Every table but idempotency_keys, because each context keeps the answers to its own repeated requests, and\n\
                        # task_day, task_counts and task_moves, which hold nothing but what follows from tasks.\n"
            .to_owned();
        let tables: Vec<_> = self.tables.iter().filter(|table| !is_left_out(table)).collect();
        text.push_str(&format!("tables = {tables:?}\n"));
        for context in contexts::names() {
            text.push_str(&format!("\n[{context}]\n"));
            for (route, accesses) in
                self.routes.iter().filter(|(route, _)| contexts::of(route) == Some(context))
            {
                let of = |wanted: Access| -> Vec<&String> {
                    let accesses =
                        accesses.iter().filter(|(access, table)| *access == wanted && !is_left_out(table));
                    accesses.map(|(_, table)| table).collect()
                };
                let (reads, writes) = (of(Access::Reads), of(Access::Writes));
                if !(reads.is_empty() && writes.is_empty()) {
                    text.push_str(&format!("{route:?} = {{ reads = {reads:?}, writes = {writes:?} }}\n"));
                }
            }
        }
        text
    }
}

/// Answers to repeated requests are kept where the request is answered, and what follows from tasks alone where they are: no tables
/// to fight for.
fn is_left_out(table: &str) -> bool {
    ["idempotency_keys", "task_day", "task_counts", "task_moves"].contains(&table)
}
