//! Runs the scenarios on systems that log their SQL, and reads the logs.

use std::{
    fs,
    panic::{self, AssertUnwindSafe},
    path::Path,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use acceptance::{
    App, Database, Scenario, Step, harness::Logs, scenarios, tempfile::TempDir, tokio::runtime,
};

use crate::{map::Map, statement};

/// Pages with something of the data in their path: they are in no document.
const PAGES: [&str; 2] = ["/tasks/{id}", "/team/{login}"];

/// How many scenarios run at once: they mostly wait.
const AT_ONCE: usize = 4;
/// The process that speaks SQL.
const PROCESS: &str = "monolith";

/// Everything that the suite makes the step in `folder` do.
pub(crate) fn everything(folder: &Path) -> Map {
    statement::self_test();
    let all: Vec<Scenario> = scenarios::all().collect();
    let next = AtomicUsize::new(0);
    let recorded = Mutex::new(Recorded::default());
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(scenario) = all.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let one = record(scenario);
                    recorded.lock().unwrap().add(one);
                }
            });
        }
    });
    recorded.into_inner().unwrap().map(folder)
}

/// Lines with statements, and the paths that the API has.
#[derive(Default)]
struct Recorded {
    lines: Vec<String>,
    paths: Vec<String>,
}

impl Recorded {
    fn add(&mut self, other: Self) {
        self.lines.extend(other.lines);
        self.paths = other.paths;
    }

    fn map(&self, folder: &Path) -> Map {
        let mut map = Map::of(tables(folder));
        let tables = map.tables().to_vec();
        for line in &self.lines {
            let Some(sql) = statement::sql(line) else { continue };
            let asker = statement::asker(line);
            let route = match asker.split_once(' ') {
                Some((method, path)) => format!("{method} {}", self.template(path)),
                None => asker,
            };
            for (table, access) in statement::accesses(&sql, &tables) {
                map.add(&route, table, access);
            }
        }
        map
    }

    /// `/api/tasks/{id}` for a path that fits it; as it is when none does.
    fn template(&self, path: &str) -> String {
        let fits = |template: &&String| {
            let (template, path) = (template.split('/'), path.split('/'));
            template.clone().count() == path.clone().count()
                && template.zip(path).all(|(one, other)| one.starts_with('{') || one == other)
        };
        // The one with the fewest placeholders, where several fit.
        let found = self.paths.iter().filter(fits).min_by_key(|template| template.matches('{').count());
        found.map_or(path, String::as_str).to_owned()
    }
}

/// Runs one scenario; what its system logged.
fn record(scenario: &Scenario) -> Recorded {
    let logs = TempDir::with_prefix("coupling-").unwrap();
    let step =
        Step { number: "01", binary: env!("CARGO_BIN_EXE_system-01"), folder: env!("CARGO_MANIFEST_DIR") };
    let app = App::start(&step, Database::sqlite().unwrap(), |options| {
        let logs = Logs::Folder(logs.path().to_owned());
        options.env(PROCESS, "RUST_LOG", "info,sqlx::query=debug").logs(logs)
    })
    .unwrap();
    let runtime = runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let document = runtime.block_on(async { app.get("/openapi.json").await.is(200) });
    let ran = panic::catch_unwind(AssertUnwindSafe(|| {
        runtime.block_on(async {
            if scenario.begins_with_an_import() {
                let _ = app.import().await;
            }
            (scenario.run)(&app).await;
        });
    }));
    if ran.is_err() {
        panic!("{} failed; a map of half a suite is none", scenario.name);
    }
    drop(runtime);
    drop(app); // The log is whole when the processes have ended.
    let text = fs::read_to_string(logs.path().join(format!("{PROCESS}.log"))).unwrap();
    let documented = document["paths"].as_object().into_iter().flat_map(|paths| paths.keys().cloned());
    let paths = documented.chain(PAGES.map(str::to_owned));
    Recorded { lines: text.lines().map(str::to_owned).collect(), paths: paths.collect() }
}

/// The tables of the step's migrations, by name.
fn tables(folder: &Path) -> Vec<String> {
    let migrations = fs::read_dir(folder.join("migrations")).unwrap().map(|entry| entry.unwrap().path());
    let mut tables: Vec<_> = migrations
        .flat_map(|path| {
            let text = fs::read_to_string(path).unwrap();
            let created = text.lines().filter_map(|line| line.strip_prefix("CREATE TABLE "));
            created.filter_map(|rest| rest.split([' ', '(']).next().map(str::to_owned)).collect::<Vec<_>>()
        })
        .collect();
    tables.sort();
    tables
}
