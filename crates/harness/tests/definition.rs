//! `system.toml`: what it may say, what it inherits, and how a mistake is reported.

#![expect(clippy::unwrap_used, reason = "helpers of tests may, like tests")]

use std::{
    fs,
    path::PathBuf,
    sync::atomic::{AtomicU32, Ordering},
};

use harness::Definition;

/// A folder of step folders, removed at the end.
struct Steps(PathBuf);

impl Steps {
    fn new(files: &[(&str, &str)]) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let root = std::env::temp_dir().join(format!("harness-definition-{}-{count}", std::process::id()));
        for (step, text) in files {
            fs::create_dir_all(root.join(step)).unwrap();
            fs::write(root.join(step).join("system.toml"), text).unwrap();
        }
        Self(root)
    }

    fn load(&self, step: &str) -> Result<Definition, String> {
        Definition::load(&self.0.join(step)).map_err(|error| error.to_string())
    }
}

impl Drop for Steps {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

const FIRST: &str = r#"
step = "01"
binary = "system-01"
front = "web"

[[process]]
name = "web"
port = 8080
health = "/health/ready"
waits_for = ["migrate", "world"]
env = { DATABASE_URL = "{database}", WORLD_URL = "{url.world}" }

[[process]]
name = "migrate"
args = ["web", "migrate"]
once = true
env = { DATABASE_URL = "{database}" }

[[process]]
name = "world"
port = 9000
"#;

fn names(definition: &Definition) -> Vec<&str> {
    definition.processes.iter().map(|process| process.name.as_str()).collect()
}

#[test]
fn each_process_stands_after_those_it_waits_for() {
    let definition = Steps::new(&[("01", FIRST)]).load("01").unwrap();
    assert_eq!(names(&definition), ["migrate", "world", "web"]);
    assert_eq!(definition.process("migrate").unwrap().args, ["web", "migrate"]);
    assert_eq!(definition.process("world").unwrap().args, ["world"]);
}

#[test]
fn a_later_step_changes_adds_and_removes_and_keeps_the_rest() {
    let steps = Steps::new(&[
        ("01", FIRST),
        ("02", "extends = \"../01\"\nstep = \"02\"\nbinary = \"system-02\"\n"),
        (
            "03",
            r#"
extends = "../02"
step = "03"
binary = "system-03"
front = "gateway"
remove = ["migrate"]
[[process]]
name = "web"
port = 8081
waits_for = ["world"]
unset = ["DATABASE_URL"]
[[process]]
name = "gateway"
port = 8080
waits_for = ["web"]
"#,
        ),
    ]);
    let second = steps.load("02").unwrap();
    assert_eq!(
        (second.step.as_str(), second.binary.as_str(), second.front.as_str()),
        ("02", "system-02", "web")
    );
    assert_eq!(names(&second), ["migrate", "world", "web"]);

    let third = steps.load("03").unwrap();
    assert_eq!(names(&third), ["world", "web", "gateway"]);
    let web = third.process("web").unwrap();
    assert_eq!((web.port, web.health.as_deref()), (Some(8081), Some("/health/ready")));
    assert_eq!(web.waits_for, ["world"]);
}

#[test]
fn databases_manual_processes_and_what_is_taken_over_are_told_apart() {
    let later = r#"
extends = "../01"
step = "02"
[[process]]
name = "web"
env = { OTHER_URL = "{database.other-2?}", MOVING_FROM_URL = "{moving.database?}" }
[[process]]
name = "mover"
manual = true
env = { TO_URL = "{database.mail}" }
[take]
from = "01"
also = { "database.mail" = "database" }
mover = "mover"
"#;
    let last = "extends = \"../02\"\nstep = \"03\"\n";
    let steps = Steps::new(&[("01", FIRST), ("02", later), ("03", last)]);
    let first = steps.load("01").unwrap();
    assert_eq!(first.databases().into_iter().collect::<Vec<_>>(), ["database"]);
    assert_eq!(first.take, None);

    let second = steps.load("02").unwrap();
    let databases = second.databases().into_iter().collect::<Vec<_>>();
    assert_eq!(databases, ["database", "database.mail", "database.other-2"]);
    assert_eq!(names(&second), ["migrate", "world", "web"]);
    assert_eq!(second.manual.iter().map(|process| process.name.as_str()).collect::<Vec<_>>(), ["mover"]);
    let take = second.take.clone().unwrap();
    assert_eq!((take.from.as_str(), take.mover.as_deref()), ("01", Some("mover")));
    assert_eq!(take.also.get("database.mail").map(String::as_str), Some("database"));
    let web = second.process("web").unwrap();
    assert!(web.has_database() && !second.process("world").unwrap().has_database());

    // Whoever extends the step has its processes, and no share in what it takes over.
    let third = steps.load("03").unwrap();
    assert_eq!((third.manual.len(), third.take), (1, None));
}

#[test]
fn a_mistake_is_reported_with_file_line_and_name() {
    let top = "step = \"01\"\nbinary = \"b\"\nfront = \"a\"\n[[process]]\nname = \"a\"\nport = 1\n";
    let cases = [
        ("typo = 1\n", 1, "unknown field `typo`"),
        ("binary = \"b\"\nfront = \"a\"\n", 1, "step is missing"),
        ("step = \"01\"\nbinary = \"b\"\nfront = \"x\"\n", 3, "no process x with a port"),
        (&format!("{top}prot = 2\n"), 7, "unknown field `prot`"),
        (&format!("{top}waits_for = [\"b\"]\n"), 5, "waits for b, which is no process"),
        (&format!("{top}waits_for = [\"a\"]\n"), 5, "waits for itself"),
        (&format!("{top}health = \"ready\"\n"), 5, "a path like /health/ready"),
        (&format!("{top}once = true\n"), 5, "runs once, so it has no port"),
        (&format!("{top}[[process]]\nname = \"a\"\n"), 8, "stands here twice"),
        (&format!("{top}[[process]]\nname = \"b\"\nport = 1\n"), 8, "the same port"),
        (&format!("{top}[[process]]\nname = \"B\"\n"), 8, "lower-case"),
        (&format!("{top}[process.env]\nX = \"{{url.b}}\"\n"), 8, "no process b with a port"),
        (&format!("{top}[process.env]\nX = \"{{oops\"\n"), 8, "brace"),
        (&format!("{top}[process.env]\nX = \"{{database.A}}\"\n"), 8, "lower-case letters, digits and -"),
        (&format!("{top}[process.env]\nX = \"{{database.}}\"\n"), 8, "lower-case letters, digits and -"),
        (&format!("{top}manual = true\n"), 5, "is manual, so it has no port"),
        (
            &format!("{top}waits_for = [\"m\"]\n[[process]]\nname = \"m\"\nmanual = true\n"),
            5,
            "a waits for m, which is manual",
        ),
        (&format!("{top}[take]\nfrom = \"01\"\nmover = \"a\"\n"), 8, "take: no manual process a"),
        (&format!("{top}[take]\nfrom = \"01\"\nthen = [\"b\"]\n"), 8, "take: no manual process b"),
        (
            &format!("{top}[take]\nfrom = \"01\"\nalso = {{ \"database.x\" = \"database\" }}\n"),
            8,
            "take: no process is told of database.x",
        ),
        (&format!("{top}unset = [\"X\"]\n"), 7, "no variable X to unset"),
        (&format!("remove = [\"x\"]\n{top}"), 1, "no process x to remove"),
        (&format!("extends = \"../99\"\n{top}"), 1, "cannot read"),
        (&format!("extends = \"../01\"\n{top}"), 1, "in a ring"),
    ];
    for (text, line, message) in cases {
        let error = Steps::new(&[("01", text)]).load("01").unwrap_err();
        assert!(error.contains(&format!("system.toml:{line}: ")), "{text}\n{error}");
        assert!(error.contains(message), "{text}\n{error}");
    }
}

#[test]
fn a_missing_file_is_named() {
    let error = Steps::new(&[]).load("07").unwrap_err();
    assert!(error.contains("07") && error.contains("system.toml"), "{error}");
}
