//! What the page draws of each step: processes and edges as `system.toml` declares them, and where a context, a table, a route lives.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use harness::{
    Definition,
    definition::{FILE, Process},
};
use serde::{Deserialize, Serialize};

use super::places;

/// The step that made modules of the contexts, each with tables of its own.
const OF_MODULES: &str = "02";
/// Who has what has not left yet: the later one where there are both.
const REST: [&str; 2] = ["web", "monolith"];

/// All steps, in their order.
#[derive(Debug, Serialize)]
pub(super) struct Model {
    /// The number of the step that runs.
    pub(super) running: String,
    pub(super) front: String,
    pub(super) steps: Vec<Step>,
}

/// A step, as it is drawn.
#[derive(Debug, Serialize)]
pub(super) struct Step {
    pub(super) number: String,
    pub(super) title: String,
    pub(super) front: String,
    pub(super) processes: Vec<Drawn>,
    /// Who is told whose address.
    pub(super) edges: Vec<(String, String)>,
}

/// A process, as it is drawn.
#[derive(Debug, Serialize)]
pub(super) struct Drawn {
    pub(super) name: String,
    pub(super) place: places::Place,
    /// The databases that it is told of.
    databases: Vec<String>,
    /// The bounded contexts that live in it.
    contexts: Vec<String>,
    /// The tables of those, and its own.
    tables: Vec<String>,
    /// The paths that the gateway sends to it.
    routes: Vec<String>,
}

/// What we need of `workshop.toml`.
#[derive(Debug, Deserialize)]
struct List {
    step: Vec<Listed>,
}

#[derive(Debug, Deserialize)]
struct Listed {
    number: String,
    slug: String,
    title: String,
}

impl Listed {
    fn folder(&self) -> String {
        format!("{}-{}", self.number, self.slug)
    }
}

/// The folders of the steps of the workshop at `root`, by number.
///
/// # Errors
/// `workshop.toml` is not there, or is none.
pub(super) fn folders(root: &Path) -> Result<BTreeMap<String, PathBuf>> {
    let steps = listed(root)?.into_iter();
    Ok(steps.map(|step| (step.number.clone(), root.join("steps").join(step.folder()))).collect())
}

fn listed(root: &Path) -> Result<Vec<Listed>> {
    let file = root.join("workshop.toml");
    let text = fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
    let list: List = toml::from_str(&text).with_context(|| format!("cannot read {}", file.display()))?;
    Ok(list.step)
}

impl Model {
    /// Reads the workshop at `root`, of which the step in the folder `running` runs, its front at `front`.
    ///
    /// # Errors
    /// The list of steps, or a step's `system.toml`, cannot be read.
    pub(super) fn read(root: &Path, running: &str, front: &str) -> Result<Self> {
        let mut steps = Vec::new();
        let mut migrations = Vec::new();
        for listed in listed(root)? {
            let folder = root.join("steps").join(listed.folder());
            if !folder.join(FILE).exists() {
                continue;
            }
            // Below the step that made modules of them, all tables are the monolith's.
            if listed.number.as_str() == OF_MODULES {
                migrations.clear();
            }
            migrations.extend(tables(&folder));
            steps.push(Step::of(listed, &Definition::load(&folder)?, &migrations));
        }
        let running = running.split('-').next().unwrap_or(running).to_owned();
        Ok(Self { running, front: front.to_owned(), steps })
    }
}

impl Step {
    fn of(listed: Listed, definition: &Definition, migrations: &[Table]) -> Self {
        let lasting: Vec<_> = definition.processes.iter().filter(|process| !process.once).collect();
        let names: BTreeSet<_> = lasting.iter().map(|process| process.name.as_str()).collect();
        // Where something lives that is called `name`.
        let home = |name: &str| {
            let rest = || REST.into_iter().find(|rest| names.contains(rest));
            names.get(name).copied().or_else(rest).unwrap_or(definition.front.as_str()).to_owned()
        };
        let routes = routes(definition);
        let places = places::of(lasting.iter().map(|process| process.name.as_str()));
        let drawn = lasting.iter().zip(places).map(|(process, place)| {
            let mut owners: Vec<_> = migrations.iter().filter_map(|table| table.context.as_deref()).collect();
            owners.sort_unstable();
            owners.dedup();
            let here = |name: &&str| home(name) == process.name;
            let is_here = |table: &&Table| match &table.context {
                Some(context) => home(context) == process.name,
                None => REST.contains(&process.name.as_str()),
            };
            Drawn {
                name: process.name.clone(),
                place,
                databases: databases(process),
                contexts: owners.into_iter().filter(here).map(str::to_owned).collect(),
                tables: migrations.iter().filter(is_here).map(|table| table.name.clone()).collect(),
                routes: routes
                    .iter()
                    .filter(|(_, upstream)| home(upstream) == process.name)
                    .map(|(prefix, _)| prefix.clone())
                    .collect(),
            }
        });
        let edges = definition.edges().map(|(from, to)| (from.to_owned(), to.to_owned()));
        Self {
            processes: drawn.collect(),
            edges: edges.collect(),
            number: listed.number,
            title: listed.title,
            front: definition.front.clone(),
        }
    }
}

fn databases(process: &Process) -> Vec<String> {
    let names: BTreeSet<_> = process.databases().collect();
    names.into_iter().map(str::to_owned).collect()
}

/// A table that a migration creates, and the module that the migration belongs to.
struct Table {
    name: String,
    context: Option<String>,
}

/// The tables of `folder`: of its own migrations, and of those of the modules and services in it.
fn tables(folder: &Path) -> Vec<Table> {
    let modules = fs::read_dir(folder).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path()));
    let mut owners: Vec<_> = modules.map(|path| (path.join("migrations"), path)).collect();
    owners.sort();
    let name = |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned());
    let own = std::iter::once((folder.join("migrations"), None));
    let all = own.chain(owners.into_iter().map(|(migrations, path)| (migrations, name(&path))));
    let mut found = Vec::new();
    for (migrations, context) in all {
        // Who only brings tables to whoever takes it in is no context and no process.
        if context.as_deref().is_some_and(|name| ["client", "messaging", "service"].contains(&name)) {
            continue;
        }
        let mut files: Vec<_> = fs::read_dir(migrations)
            .into_iter()
            .flatten()
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| path.extension().is_some_and(|kind| kind == "sql"))
            .collect();
        files.sort();
        for text in files.iter().filter_map(|file| fs::read_to_string(file).ok()) {
            let names = text.lines().filter_map(|line| {
                let rest = line.strip_prefix("CREATE TABLE ")?;
                rest.strip_prefix("IF NOT EXISTS ").unwrap_or(rest).split([' ', '(']).next()
            });
            found.extend(names.map(|name| Table { name: name.to_owned(), context: context.clone() }));
        }
    }
    found
}

/// The gateway's table, as far as it says who answers what.
#[derive(Debug, Default, Deserialize)]
struct Gateway {
    #[serde(default)]
    route: Vec<Route>,
}

#[derive(Debug, Deserialize)]
struct Route {
    prefix: String,
    old: String,
    new: Option<String>,
    #[serde(default)]
    percent: u8,
}

/// Each path, with the upstream that most of its requests go to. Without a gateway all go to the front.
fn routes(definition: &Definition) -> Vec<(String, String)> {
    let table = definition.process(&definition.front).into_iter().flat_map(Process::files);
    let texts = table.filter_map(|file| fs::read_to_string(file).ok());
    let gateway: Gateway = texts.filter_map(|text| toml::from_str(&text).ok()).next().unwrap_or_default();
    if gateway.route.is_empty() {
        return vec![("/".to_owned(), definition.front.clone())];
    }
    let upstream = |route: Route| match route.new {
        Some(new) if route.percent > 50 => (route.prefix, new),
        _ => (route.prefix, route.old),
    };
    gateway.route.into_iter().map(upstream).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model() -> Model {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        Model::read(&root, "05-grpc", "http://127.0.0.1:8080").unwrap()
    }

    fn drawn<'m>(model: &'m Model, step: &str, process: &str) -> &'m Drawn {
        let step = model.steps.iter().find(|it| it.number == step).unwrap();
        step.processes.iter().find(|it| it.name == process).unwrap()
    }

    #[test]
    fn no_two_processes_of_a_step_share_a_place_and_all_are_known() {
        let model = model();
        assert_eq!(model.running, "05");
        assert!(model.steps.len() >= 7);
        for step in &model.steps {
            let mut places: Vec<_> = step.processes.iter().map(|it| it.place).collect();
            assert!(
                places.iter().all(|(_, row)| *row < 4.0),
                "{}: one has no place in places.rs",
                step.number
            );
            places.sort_by(|a, b| a.partial_cmp(b).unwrap());
            places.dedup();
            assert_eq!(places.len(), step.processes.len(), "{}", step.number);
        }
    }

    #[test]
    fn a_context_its_tables_and_its_routes_live_where_its_process_is() {
        let model = model();
        assert_eq!(
            drawn(&model, "02", "monolith").contexts,
            ["backlog", "github", "insights", "notify", "team"]
        );
        assert!(drawn(&model, "01", "monolith").tables.contains(&"tasks".to_owned()));
        assert_eq!(drawn(&model, "01", "monolith").routes, ["/"]);
        assert_eq!(drawn(&model, "03", "monolith").routes, ["/"]);
        assert_eq!(drawn(&model, "04", "notify").contexts, ["notify"]);
        assert!(drawn(&model, "04", "notify").routes.contains(&"/api/notifications".to_owned()));
        assert!(drawn(&model, "05", "backlog").tables.contains(&"backlog_tasks".to_owned()));
        assert_eq!(drawn(&model, "05", "backlog").databases, ["database"]);
        assert_eq!(drawn(&model, "06", "backlog").databases, ["database.backlog"]);
        assert_eq!(drawn(&model, "07", "web").contexts, ["team"]);
        assert!(drawn(&model, "07", "insights").routes.contains(&"/api/measures".to_owned()));
    }
}
