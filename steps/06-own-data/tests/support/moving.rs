//! A system whose rows move, people who work on it meanwhile, and a mover that can be killed.

use std::{
    cell::RefCell,
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    rc::Rc,
    time::{Duration, Instant},
};

use acceptance::{
    App, Database, Step, eventually,
    futures::future::join_all,
    serde_json::{self, Value, json},
    tokio::{task::spawn_blocking, time::sleep},
};
use kit_06_own_data::backfill::{PAGE, Row};
use step_06_moving::{Plan, layout::Layout};
use step_06_own_data::plans;
use store::Store;

/// The services that move.
pub(crate) const PLANS: [Plan; 2] = [plans::BACKLOG, plans::NOTIFY];

/// How long somebody tries to write or to read one thing: the processes are killed meanwhile.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long somebody thinks before the next write.
const THINKS: Duration = Duration::from_millis(60);
/// How long a mover may take for anything that waits for nobody.
const MOVED_WITHIN: Duration = Duration::from_secs(60);

fn step(folder: &'static str) -> Step {
    Step { number: "06", binary: env!("CARGO_BIN_EXE_system-06"), folder }
}

/// A shared database as step 05 leaves it, with an import in it and somebody in the team; nobody uses it.
pub(crate) async fn shared(database: &Database) {
    let step = step(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/undone"));
    let database = database.clone();
    let app = spawn_blocking(move || App::start(&step, database, |options| options).unwrap()).await.unwrap();
    let _ = app.member("ada").await;
    let _ = app.import().await;
    spawn_blocking(move || drop(app)).await.unwrap();
}

/// The system of step 06 on that database, with its services ready for the move.
pub(crate) async fn started(database: &Database) -> App {
    let (database, old) = (database.clone(), database.url().to_owned());
    let start = move || {
        App::start(&step(env!("CARGO_MANIFEST_DIR")), database, |options| {
            options.value("moving.database", old)
        })
    };
    spawn_blocking(start).await.unwrap().unwrap()
}

/// The system of step 06 after the move: every service knows its own database only.
pub(crate) async fn finished(database: &Database) -> App {
    let database = database.clone();
    let start = move || App::start(&step(env!("CARGO_MANIFEST_DIR")), database, |options| options);
    spawn_blocking(start).await.unwrap().unwrap()
}

/// What somebody runs as `mover-06`.
#[derive(Clone)]
pub(crate) struct Movers {
    old: String,
    backlog: String,
    notify: String,
    /// Those of the services that it moves.
    pub(crate) of: &'static [Plan],
}

impl Movers {
    pub(crate) fn on(database: &Database) -> Self {
        Self {
            old: database.url().to_owned(),
            backlog: database.named("backlog").unwrap(),
            notify: database.named("notify").unwrap(),
            of: &PLANS,
        }
    }

    /// Those of `backlog` alone.
    pub(crate) fn of_backlog(database: &Database) -> Self {
        Self { of: &PLANS[..1], ..Self::on(database) }
    }

    /// The command, not yet started.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_system-06"));
        command.arg("mover").args(arguments);
        command.env("DATABASE_URL", &self.old).env("RUST_LOG", "info");
        command.env("BACKLOG_DATABASE_URL", &self.backlog).env("NOTIFY_DATABASE_URL", &self.notify);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Starts `mover move`; `halts_at` is the point at which it waits to be killed.
    pub(crate) fn start(&self, arguments: &[&str], halts_at: Option<&str>) -> Mover {
        let modules: Vec<_> = self.of.iter().map(|plan| plan.module).collect();
        let mut command = self.command(&[&["move", "--module", &modules.join(",")], arguments].concat());
        if let Some(point) = halts_at {
            command.env("MOVER_HALTS_AT", point);
        }
        let log = tempfile();
        command.stdout(Stdio::null()).stderr(std::fs::File::create(&log).unwrap());
        // It ends with its standard input, so that a test that is killed leaves no mover behind.
        command.stdin(Stdio::piped()).env("STOP_WITH_STDIN", "1");
        Mover { child: command.spawn().unwrap(), log }
    }

    /// Runs another command to its end; what it wrote.
    pub(crate) async fn run(&self, arguments: &[&str]) -> String {
        let (mut command, shown) = (self.command(arguments), arguments.join(" "));
        let done = spawn_blocking(move || command.output().unwrap()).await.unwrap();
        let (out, errors) = (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
        assert!(done.status.success(), "mover {shown}: {} {out}{errors}", done.status);
        out.into_owned()
    }

    /// What `mover status` says of each service that it moves, in the order of [`PLANS`].
    pub(crate) async fn status(&self) -> Vec<Value> {
        let status: Value = serde_json::from_str(&self.run(&["status"]).await).unwrap();
        status["modules"].as_array().unwrap()[..self.of.len()].to_vec()
    }

    /// Waits until every service is at that stage.
    pub(crate) async fn are(&self, stage: &str, mover: &mut Mover) {
        let until = Instant::now() + MOVED_WITHIN;
        loop {
            let status = self.status().await;
            if status.iter().all(|module| module["stage"] == stage) {
                return;
            }
            let ended = mover.child.try_wait().unwrap();
            assert!(ended.is_none(), "the mover ended at {status:?}: {}", mover.log());
            assert!(Instant::now() < until, "not {stage} yet: {status:?}\n{}", mover.log());
            sleep(Duration::from_millis(20)).await;
        }
    }
}

/// A mover that works. Dropped, it is killed.
pub(crate) struct Mover {
    child: Child,
    log: PathBuf,
}

impl Mover {
    /// Ends it by SIGKILL.
    pub(crate) fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Has it end as the platform does.
    pub(crate) fn stop(&mut self) {
        drop(self.child.stdin.take());
    }

    /// What it has written so far.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Waits until it ends by itself, or until `halted` says that it halts at a point; how it ended.
    pub(crate) async fn ended(&mut self, mut halted: impl FnMut(&str) -> bool) -> Option<ExitStatus> {
        let until = Instant::now() + MOVED_WITHIN;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return Some(status);
            }
            if halted(&self.log()) {
                return None;
            }
            assert!(Instant::now() < until, "the mover takes too long: {}", self.log());
            sleep(Duration::from_millis(5)).await;
        }
    }

    /// Waits until it ends by itself, and sees that all went well.
    pub(crate) async fn succeeds(&mut self) {
        let status = self.ended(|_| false).await.unwrap();
        assert!(status.success(), "{status}: {}", self.log());
    }
}

impl Drop for Mover {
    fn drop(&mut self) {
        self.kill();
        let _ = std::fs::remove_file(&self.log);
    }
}

fn tempfile() -> PathBuf {
    let file = acceptance::tempfile::Builder::new().prefix("mover-").tempfile().unwrap();
    file.into_temp_path().keep().unwrap()
}

/// People who work: each writes to something that is theirs, reads it after each answer, and goes on.
pub(crate) struct People<'a> {
    app: &'a App,
    works: Rc<RefCell<bool>>,
    /// How long each answered write took.
    pub(crate) took: Rc<RefCell<Vec<Duration>>>,
    /// How many requests got no answer that says that it was done.
    pub(crate) failed: Rc<RefCell<usize>>,
    /// What became of the last of those.
    pub(crate) last: Rc<RefCell<String>>,
}

impl<'a> People<'a> {
    pub(crate) fn of(app: &'a App) -> Self {
        Self {
            app,
            works: Rc::new(RefCell::new(true)),
            took: Rc::default(),
            failed: Rc::default(),
            last: Rc::default(),
        }
    }

    /// Does `meanwhile` while people work: three on tasks, one on messages, one with rules. Then sees that nothing is lost.
    pub(crate) async fn work(&self, meanwhile: impl Future<Output = ()>) {
        let tasks = self.app.all("/api/tasks?limit=100").await;
        let ids: Vec<String> =
            tasks.iter().take(3).map(|task| task["id"].as_str().unwrap().to_owned()).collect();
        assert_eq!(ids.len(), 3);
        let all = async {
            let on_tasks = join_all(ids.iter().map(|id| self.on_a_task(id)));
            acceptance::futures::join!(on_tasks, self.on_messages(), self.on_rules());
        };
        let meanwhile = async {
            meanwhile.await;
            *self.works.borrow_mut() = false;
        };
        acceptance::futures::join!(all, meanwhile);
    }

    fn work_on(&self) -> bool {
        *self.works.borrow()
    }

    /// Counts up the reach of a task. Each answered change is there at the next read, and at the end.
    async fn on_a_task(&self, id: &str) {
        let path = format!("/api/tasks/{id}");
        let (mut acknowledged, mut tried) = (0_u32, 0_u32);
        while self.work_on() {
            tried += 1;
            let start = Instant::now();
            let change = json!({ "rice": { "reach": tried } });
            let is_done = self.sent(self.app.patch(&path, &change), 200).await.is_some();
            if is_done {
                self.took.borrow_mut().push(start.elapsed());
                acknowledged = tried;
            }
            self.sees(&path, acknowledged, tried).await;
            sleep(THINKS).await;
        }
        assert!(acknowledged > 0, "nobody could write to {path}");
        self.sees(&path, acknowledged, tried).await;
    }

    /// What was answered is there; what was not may be.
    async fn sees(&self, path: &str, acknowledged: u32, tried: u32) {
        let task = self.read(path).await;
        let reach = task["rice"]["reach"].as_f64().unwrap();
        let ok = f64::from(acknowledged)..=f64::from(tried);
        assert!(
            acknowledged == 0 || ok.contains(&reach),
            "{path}: {acknowledged} was answered, {tried} tried, and there is {reach}"
        );
    }

    /// Sends messages, each under a key of its own. An answered one is there at the next read, and at the end.
    async fn on_messages(&self) {
        let mut places = Vec::new();
        let mut number = 0;
        while self.work_on() {
            number += 1;
            let to = format!("m{number}@example.com");
            let message =
                json!({ "channel": "email", "to": to, "subject": "Hello", "body": "Somebody waits" });
            let key = format!("message-{number}");
            // As a client does that wants it sent once: the same key until there is an answer.
            let until = Instant::now() + PATIENCE;
            let place = loop {
                let request = self.app.post("/api/notifications", &message).idempotency_key(&key);
                if let Some(answer) = self.sent(request, 202).await {
                    break answer.header("location").unwrap().to_owned();
                }
                assert!(
                    Instant::now() < until,
                    "message {number} could not be queued: {}",
                    self.last.borrow()
                );
                sleep(Duration::from_millis(20)).await;
            };
            assert_eq!(self.read(&place).await["to"], to);
            places.push((place, to));
            sleep(THINKS).await;
        }
        for (place, to) in places {
            assert_eq!(self.read(&place).await["to"], to, "{place} was answered and is gone");
        }
    }

    /// Adds a rule, takes it away, and sees that it is gone: a row that was deleted must not come back.
    async fn on_rules(&self) {
        let mut number = 0;
        let mut last: Option<String> = None;
        while self.work_on() {
            number += 1;
            let rule = json!({
                "name": format!("rule {number}"), "when": "item_opened", "if": { "language": "none" },
                "then": [{ "set_status": "in_progress" }],
            });
            if let Some(made) = self.sent(self.app.post("/api/rules", &rule), 201).await {
                let id = made["id"].as_str().unwrap().to_owned();
                let path = format!("/api/rules/{id}");
                let until = Instant::now() + PATIENCE;
                // Taken away when it is gone: a repeat finds nothing.
                while !matches!(self.app.delete(&path).send().await, Ok(answer) if matches!(answer.status, 204 | 404))
                {
                    *self.failed.borrow_mut() += 1;
                    assert!(Instant::now() < until, "{path} could not be taken away");
                    sleep(Duration::from_millis(20)).await;
                }
                last = Some(id);
            }
            if let Some(last) = &last {
                let rules = self.read("/api/rules?limit=100").await;
                let is_there = rules["items"].as_array().unwrap().iter().any(|rule| rule["id"] == **last);
                assert!(!is_there, "the rule {last} was taken away and is there");
            }
            sleep(THINKS).await;
        }
    }

    /// The answer, when it has that status. Anything but a failure of the server is an error of ours.
    async fn sent(&self, request: acceptance::Request, status: u16) -> Option<acceptance::Answer> {
        let why = match request.send().await {
            Ok(answer) if answer.status == status => return Some(answer),
            Ok(answer) => {
                assert!(answer.status >= 500, "{answer}");
                answer.to_string()
            }
            Err(error) => format!("{error:#}"),
        };
        *self.failed.borrow_mut() += 1;
        *self.last.borrow_mut() = why;
        None
    }

    /// What is there, asked for until there is an answer.
    async fn read(&self, path: &str) -> Value {
        let until = Instant::now() + PATIENCE;
        loop {
            if let Some(answer) = self.sent(self.app.get(path), 200).await {
                return answer.body;
            }
            assert!(Instant::now() < until, "{path} cannot be read: {}", self.last.borrow());
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// The longest that ever a writer waited for an answer, and the 99th percentile of all.
    pub(crate) fn longest_and_p99(&self) -> (Duration, Duration) {
        let mut took = self.took.borrow().clone();
        took.sort_unstable();
        (took[took.len() - 1], took[took.len() * 99 / 100])
    }
}

/// Sees that both sides have the same rows, row by row, once the follower has nothing left to do.
pub(crate) async fn sides_are_alike(database: &Database, movers: &Movers) {
    eventually("the follower is at the head", async || {
        movers.status().await.iter().all(|module| module["lag"] == 0).then_some(())
    })
    .await;
    let mut compared = 0;
    for (plan, new) in movers.of.iter().zip([&movers.backlog, &movers.notify]) {
        let (old_side, new_side) = (open(database.url()).await, open(new).await);
        for table in plan.tables {
            // A message that a killed worker had in hand goes out when its lease has ended, perhaps between the two reads.
            let until = Instant::now() + PATIENCE;
            let old = loop {
                let (old, new) = (rows(&old_side, *table).await, rows(&new_side, *table).await);
                if old == new {
                    break old;
                }
                let unlike: Vec<_> = old.iter().filter(|row| !new.contains(row)).take(3).collect();
                let counts = (old.len(), new.len());
                assert!(Instant::now() < until, "{}: {counts:?} rows, {unlike:?}", table.name);
                sleep(Duration::from_millis(100)).await;
            };
            compared += old.len();
        }
    }
    assert!(compared > 50, "only {compared} rows were compared");
}

/// Every row of a table, by id.
async fn rows(store: &Store, table: step_06_moving::Table) -> Vec<Row> {
    let layout = Layout::read(store, table).await.unwrap().unwrap();
    let mut all: Vec<Row> = Vec::new();
    loop {
        let after = all.last().map(|row| row.id.clone());
        let page = layout.page(store, after.as_deref(), None, PAGE).await.unwrap();
        if page.is_empty() {
            return all;
        }
        all.extend(page);
    }
}

/// A connection of the test's own.
pub(crate) async fn open(url: &str) -> Store {
    Store::connect(&url.parse().unwrap()).await.unwrap()
}
