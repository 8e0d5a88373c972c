//! A temporary workshop of two steps: one whose data is taken over, and one that takes it.

use std::fs;

use crate::support::{Checkout, Running, free_port};

/// What the earlier step left.
pub(crate) const DATA: &str = "SQLite format 3\0of step 05";

const LIST: &str = r#"
[[part]]
key = "build"
title = "Build"
[[step]]
number = "05"
slug = "before"
part = "build"
title = "Before"
[[step]]
number = "06"
slug = "after"
part = "build"
title = "After"
"#;

const BEFORE: &str = r#"
step = "05"
binary = "system-05"
front = "monolith"
[[process]]
name = "monolith"
port = 8080
health = "/health/ready"
env = { DATABASE_URL = "{database}", TOKEN = "{token}", SERVICE_TOKEN = "{service_token}" }
"#;

const AFTER: &str = r#"
extends = "../05-before"
step = "06"
binary = "system-06"
[[process]]
name = "migrate"
args = ["migrate", "monolith"]
once = true
env = { DATABASE_URL = "{database}" }
[[process]]
name = "migrate-notify"
args = ["migrate", "notify"]
once = true
env = { DATABASE_URL = "{database.notify}" }
[[process]]
name = "monolith"
waits_for = ["migrate"]
[[process]]
name = "notify"
port = NOTIFY
health = "/health/ready"
waits_for = ["migrate-notify"]
[process.env]
DATABASE_URL = "{database.notify}"
MOVING_FROM_URL = "{moving.database?}"
SERVICE_TOKEN = "{service_token}"
[[process]]
name = "mover"
manual = true
env = { DATABASE_URL = "{database}", TO_URL = "{database.notify}" }
[take]
from = "05"
mover = "mover"
"#;

/// The workshop, and the port on which its second step listens.
pub(crate) struct Steps {
    pub(crate) checkout: Checkout,
    pub(crate) port: String,
}

impl Steps {
    pub(crate) fn new() -> Self {
        let checkout = Checkout::empty();
        checkout.write("workshop.toml", LIST);
        checkout.write("Cargo.toml", "[workspace]\nresolver = \"3\"\nmembers = [\"steps/06-after\"]\n");
        let package = "[package]\nname = \"step\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\
                       [[bin]]\nname = \"system-06\"\npath = \"src/main.rs\"\n";
        checkout.write("steps/06-after/Cargo.toml", package);
        checkout.write("steps/06-after/src/main.rs", include_str!("system.rs"));
        checkout.write("steps/05-before/system.toml", BEFORE);
        checkout.write("steps/06-after/system.toml", &AFTER.replace("NOTIFY", &free_port().to_string()));
        Self { checkout, port: free_port().to_string() }
    }

    /// The same, with what a run of the first step left.
    pub(crate) fn with_data() -> Self {
        let steps = Self::new();
        steps.checkout.write(".workshop/run/05/automator.db", DATA);
        steps
    }

    /// `run 6` with `more`, begun.
    pub(crate) fn start(&self, more: &[&str]) -> Running {
        self.checkout.command(&[&["run", "6", "--port", &self.port], more].concat()).start()
    }

    /// The text of a file in the second step's run.
    pub(crate) fn read(&self, file: &str) -> String {
        let path = self.checkout.path(".workshop/run/06").join(file);
        fs::read_to_string(path).unwrap()
    }

    /// Breaks something of the second step, as `system.rs` says.
    pub(crate) fn breaks(&self, what: &str) {
        self.checkout.write(&format!(".workshop/run/06/{what}"), "");
    }

    pub(crate) fn exists(&self, file: &str) -> bool {
        self.checkout.path(".workshop/run/06").join(file).exists()
    }
}
