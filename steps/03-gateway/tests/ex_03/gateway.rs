//! The real gateway before the real Automator, with a second upstream.

use std::fs;

use acceptance::{App, Step, harness::Proxy, tempfile::TempDir};

/// What stands before the route that a test is about.
const UPSTREAM: &str =
    "[upstream.old]\nurl = \"${OLD_URL}\"\n\n[[route]]\nname = \"all\"\nprefix = \"/\"\nold = \"old\"\n";

/// A gateway whose table has a route to the list of tasks, with a second upstream.
pub(crate) struct Gateway<'a> {
    /// Automator, through the gateway.
    pub(crate) app: &'a App,
    /// The second upstream: the same Automator, seen through a proxy that can make it wrong.
    pub(crate) second: Proxy,
}

impl Gateway<'_> {
    /// Runs `test` with the route `/api/tasks`, of which `lines` say more.
    pub(crate) fn run(lines: &str, test: impl AsyncFnOnce(&Gateway<'_>)) {
        let step = Step {
            number: "03",
            binary: env!("CARGO_BIN_EXE_system-03"),
            folder: env!("CARGO_MANIFEST_DIR"),
        };
        let folder = TempDir::with_prefix("gateway-").expect("a temporary folder");
        let table = folder.path().join("gateway.toml");
        fs::write(&table, UPSTREAM).expect("the folder can be written");
        let path = table.display().to_string();
        let adjust = |options: acceptance::harness::Options| options.env("gateway", "GATEWAY_TABLE", path);
        acceptance::with_system(&step, adjust, async |app| {
            let old = app.system().url("monolith").expect("the monolith listens");
            let second = Proxy::start(old).await.expect("a free port");
            let more = format!(
                "[upstream.new]\nurl = \"{}\"\n\n[[route]]\nname = \"tasks\"\nprefix = \"/api/tasks\"\nold = \"old\"\nnew = \"new\"\n{lines}",
                second.url()
            );
            fs::write(&table, format!("{UPSTREAM}\n{more}")).expect("the folder can be written");
            let gateway = Gateway { app, second };
            gateway.restart();
            test(&gateway).await;
        });
    }

    /// Stops the gateway and starts it again.
    pub(crate) fn restart(&self) {
        let _ = self.app.system().terminate("gateway").expect("it stops");
        self.app.system().start_again("gateway").expect("it starts");
    }
}
