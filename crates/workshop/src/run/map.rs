//! The live map of a run: proxies that count on its edges, and a page. Neither is a reason not to run.

use std::{collections::BTreeMap, path::Path};

use harness::{
    Definition,
    live::{Edges, Page, Setting},
};

use crate::{list::Step, output::complain, progress, workshop::Workshop};

/// The first port that the page tries.
const PORT: u16 = 8070;

/// Proxies on the edges of a system that will listen on `ports`.
pub(super) fn edges(program: &Path, definition: &Definition, ports: &BTreeMap<String, u16>) -> Option<Edges> {
    match Edges::start(program, definition, ports) {
        Ok(edges) => Some(edges),
        Err(error) => {
            complain(&format!("the map will show no numbers on its edges: {error}"));
            None
        }
    }
}

/// The page about the step that runs.
pub(super) fn page(program: &Path, workshop: &Workshop, step: &Step, front: &str) -> Option<Page> {
    let exercise = progress::current(workshop).map(crate::list::Exercise::name);
    let setting = Setting { root: &workshop.root, step: &step.folder(), port: PORT, front, exercise };
    match Page::start(program, &setting) {
        Ok(page) => Some(page),
        Err(error) => {
            complain(&format!("there is no map: {error}"));
            None
        }
    }
}
